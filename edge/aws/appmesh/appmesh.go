// Package appmesh is the AWS App Mesh API, version 2019-01-25. It turns the API's shapes
// into commands and reads of core/mesh.
//
// Shapes, decoders, encoders, constraints and the table of operations are generated
// from the API's model (files *_gen.go). What is written by hand is what the model
// does not say.
package appmesh

import (
	"net/http"

	"github.com/cairn-discovery/cairn/edge/aws/restjson"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// apiName is the prefix of the API's actions in policies, and the service in
// credential scopes and ARNs.
const apiName = "appmesh"

// codes replace those that REST-JSON has for common errors.
var codes = map[wire.Kind]wire.Code{
	wire.Validation:    {Name: codeBadRequestException, Status: http.StatusBadRequest},
	wire.Serialization: {Name: codeBadRequestException, Status: http.StatusBadRequest},
	wire.NotSupported:  {Name: codeBadRequestException, Status: http.StatusBadRequest},
	wire.AccessDenied:  {Name: codeForbiddenException, Status: http.StatusForbidden},
	wire.Throttling:    {Name: codeTooManyRequestsException, Status: http.StatusTooManyRequests},
	wire.Unavailable:   {Name: codeServiceUnavailableException, Status: http.StatusServiceUnavailable},
	wire.Internal:      {Name: codeInternalServerErrorException, Status: http.StatusInternalServerError},
}

// New returns the API.
func New() (*service.API, error) {
	return service.New(service.Definition{
		Name:       apiName,
		Protocol:   restjson.Protocol{},
		Codes:      codes,
		Operations: operations(&api{}),
		Policies:   policies,
		Actions:    actions,
		Errors:     declaredError,
		Known:      known,
		Resources:  auditResources,
		Sensitive:  sensitive,
	})
}
