// Package cloudmap is the AWS Cloud Map API, version 2017-03-14: it turns the
// API's shapes into commands and reads of the registry, and the registry's
// answers and errors back into shapes.
//
// Shapes, decoders, encoders, constraints and the table of operations are
// generated from the API's model (files *_gen.go). What is written by hand is
// what the model does not say: one method of api per operation, and a policy
// (policies.go).
package cloudmap

import (
	"context"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// apiName is the prefix of the API's actions in policies, and the service in
// credential scopes.
const apiName = "servicediscovery"

// api has the handlers of the operations.
type api struct {
	keys SigningKeys
}

// New returns the API. Without keys no zone can be signed.
func New(keys SigningKeys) (*service.API, error) {
	return service.New(service.Definition{
		Name:         apiName,
		TargetPrefix: "Route53AutoNaming_v20170314",
		Protocol:     awsjson.V11,
		Codes:        map[wire.Kind]wire.Code{wire.Validation: {Name: codeInvalidInput, Status: 400}},
		Operations:   operations(&api{keys}),
		Policies:     policies,
		Actions:      []string{"DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"},
		Keys:         []string{keyNamespaceARN, keyNamespaceName, keyServiceARN, keyServiceName, keyCreatedBy},
		Known:        known,
		Errors:       declaredError,
		Resources:    auditResources,
	})
}

var _ handlers = (*api)(nil)

// proposeOperation proposes a command that AWS answers with an operation.
func (a *api) proposeOperation(ctx context.Context, c *service.Call, cmd command.Command) (string, error) {
	reply, err := c.Propose(ctx, cmd)
	return reply.ID, err
}
