// Package ecs is the Amazon ECS API, version 2014-11-13. It turns the API's
// shapes into commands and reads of core/task. Operations without a method of api are
// refused with a text that names them.
//
// Shapes, decoders, encoders, constraints and the table of operations are generated
// from the API's model (files *_gen.go). What is written by hand is what the model
// does not say.
package ecs

import (
	"net/http"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// name is the prefix of the API's actions in policies, and the service in
// credential scopes and ARNs.
const name = "ecs"

// codes replace those that AWS JSON has for common errors.
var codes = map[wire.Kind]wire.Code{
	wire.Validation:   {Name: codeInvalidParameterException, Status: http.StatusBadRequest},
	wire.TooLarge:     {Name: codeClientException, Status: http.StatusBadRequest}, // every operation declares it
	wire.NotSupported: {Name: codeUnsupportedFeatureException, Status: http.StatusBadRequest},
	wire.Internal:     {Name: codeServerException, Status: http.StatusInternalServerError},
}

// api has the handlers of the operations.
type api struct {
	//lint:ignore U1000 answers for operations that a newer model adds
	unsupported
}

var _ handlers = (*api)(nil)

// New returns the API.
func New() (*service.API, error) {
	return service.New(service.Definition{
		Name:         name,
		TargetPrefix: "AmazonEC2ContainerServiceV20141113",
		Protocol:     awsjson.V11,
		Codes:        codes,
		Operations:   operations(&api{}),
		Policies:     policies,
		Actions:      permissions,
		Refused:      refused,
		Keys:         keys,
		Errors:       declaredError,
		Sensitive:    hidden(),
		Known:        known,
		Resources:    auditResources,
	})
}
