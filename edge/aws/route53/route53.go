// Package route53 is the Amazon Route 53 API, version 2013-04-01. All operations
// of its model are recognised, decoded, validated and authorized; none is
// implemented yet.
//
// Shapes, decoders, encoders, constraints and the table of operations are generated
// from the API's model (files *_gen.go). What is written by hand is what the model
// does not say.
package route53

import (
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/restxml"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// apiName is the prefix of the API's actions in policies, and the service in
// credential scopes and ARNs.
const apiName = "route53"

// New returns the API.
func New() (*service.API, error) {
	return service.New(service.Definition{
		Name:       apiName,
		Protocol:   &restxml.Protocol{Namespace: xmlNamespace},
		AnyRegion:  true,
		Operations: operations(unsupported{}),
		Policies:   policies,
		Keys:       keys,
		Errors:     declaredError,
		Sensitive:  sensitive,
	})
}

// trimID removes the kind from an id: answers have /hostedzone/Z1, and requests
// have that or Z1.
func trimID(id *string) *string {
	if id == nil {
		return nil
	}
	for _, kind := range []string{"/hostedzone/", "/healthcheck/", "/change/", "/delegationset/"} {
		if rest, found := strings.CutPrefix(*id, kind); found {
			return &rest
		}
	}
	return id
}
