// Package service is what an AWS API is to the front door: how its requests are
// recognised, its protocol, and its operations with all that is done for each of
// them in the same way: decoding, validation, authorization, throttling, audit
// and errors.
//
// An API is a folder beside this one. It makes a Definition of the generated table
// of operations, a hand-written table of policies and its handlers:
//
//	func New(cfg Config) (*service.API, error) {
//		a := &api{cfg}
//		return service.New(service.Definition{
//			Name: "notes", SigningName: "notes", TargetPrefix: "Notes_20260101", Protocol: awsjson.V11,
//			Operations: operations(a), Policies: policies, Errors: wireError,
//		})
//	}
//
// The front door, metrics, audit and access control then know the API by that
// value alone; see "Add an API" in ARCHITECTURE.md.
package service

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/audit"
)

// Definition is what an API says about itself.
type Definition struct {
	// Name is the prefix of the API's actions in IAM policies, such as
	// servicediscovery. Required.
	Name string
	// SigningName is the service in credential scopes. Empty: Name.
	SigningName string
	// AnyRegion accepts credentials that are scoped to any region. It is for APIs
	// that AWS has in one place, whose clients do not agree on the region.
	AnyRegion bool
	// EventSource is the service in audit records. Empty: Name and .amazonaws.com.
	EventSource string
	// TargetPrefix comes before the operation's name in X-Amz-Target. It is for the
	// AWS JSON protocols.
	TargetPrefix string
	// Version is the parameter of that name in the Query protocol. With it, requests
	// of the API are forms.
	Version string
	// Protocol encodes errors. Required.
	Protocol wire.Protocol
	// Codes replace those of the protocol for common errors.
	Codes map[wire.Kind]wire.Code
	// Operations are those of the API's model, as generated. Required.
	Operations []Operation
	// Policies say of each operation, by name, what the model does not. Each
	// operation must have one, and each policy an operation.
	Policies map[string]Policy
	// Actions are names of IAM actions that are no operations here, such as
	// TagSession of STS. Policies can name them too.
	Actions []string
	// Refused are operations that AWS has and that are not in the model, by name, each
	// with what is missing here. They are actions too.
	Refused map[string]string
	// RefusedPath returns what is missing here for a path of an operation that AWS has and
	// that is not in the model, or "" for other paths. Nil: there are none.
	RefusedPath func(path string) string
	// Keys are the condition keys of the API, such as servicediscovery:ServiceName.
	Keys []string
	// Known returns what the state has of the resource with an ARN, to simulate
	// policies. Nil: nothing is known of the API's resources.
	Known func(s *state.State, rules *state.Rules, arn string) Known
	// Errors returns the answer for an error that the API declares, or nil for
	// another one.
	Errors func(c *Call, err error) *wire.Error
	// Resources returns the resources in the audit record of a call. The output is
	// nil where the call failed. Nil: there are none.
	Resources func(c *Call, in, out any) []audit.Resource
	// AlwaysAudit records the API's reads even where those of others are not.
	AlwaysAudit bool
	// Sensitive are the members that audit records hide, as Type.Field.
	Sensitive map[string]bool
}

// Known is what the state has of a resource.
type Known struct {
	// Tags are nil for a resource that does not exist.
	Tags access.Tagged
	// Keys are values of the API's condition keys. The keys are in lower case.
	Keys access.MapContext
}

// API is an API that is served. It is immutable.
type API struct {
	Definition
	operations []*Operation // by name
}

// New checks a definition.
func New(d Definition) (*API, error) {
	if d.Name == "" || d.Protocol == nil || len(d.Operations) == 0 {
		return nil, fmt.Errorf("service %q: Name, Protocol and Operations are required", d.Name)
	}
	if d.SigningName == "" {
		d.SigningName = d.Name
	}
	if d.EventSource == "" {
		d.EventSource = d.Name + ".amazonaws.com"
	}
	a := &API{Definition: d}
	for i := range d.Operations {
		op := &d.Operations[i]
		if err := a.add(op); err != nil {
			return nil, fmt.Errorf("service %s: operation %s: %w", d.Name, op.Name, err)
		}
	}
	slices.SortFunc(a.operations, func(x, y *Operation) int { return strings.Compare(x.Name, y.Name) })
	for name := range d.Refused {
		if a.Operation(name) != nil {
			return nil, fmt.Errorf("service %s: %s is refused, but it is an operation", d.Name, name)
		}
	}
	for name := range d.Policies {
		if a.Operation(name) == nil {
			return nil, fmt.Errorf("service %s: there is a policy for %s, which is no operation", d.Name, name)
		}
	}
	return a, nil
}

// Operation returns the operation of that name, whose case must be right, or nil.
func (a *API) Operation(name string) *Operation {
	i, ok := slices.BinarySearchFunc(a.operations, name, func(op *Operation, name string) int { return strings.Compare(op.Name, name) })
	if !ok {
		return nil
	}
	return a.operations[i]
}

// All returns the operations in the order of their names. It must not be changed.
func (a *API) All() []*Operation { return a.operations }

// Access returns what policies can say of the API.
func (a *API) Access() access.Service {
	s := access.Service{Prefix: a.Name, Keys: a.Keys}
	for _, op := range a.operations {
		s.Actions = append(s.Actions, access.Action{Name: op.Action, Level: op.Access, Keys: op.Keys})
	}
	for _, name := range a.Actions {
		s.Actions = append(s.Actions, access.Action{Name: a.Name + ":" + name})
	}
	for name := range a.Refused {
		s.Actions = append(s.Actions, access.Action{Name: a.Name + ":" + name})
	}
	return s
}

// code returns the code of a common error. The operation may be nil.
func (a *API) code(op *Operation, k wire.Kind) wire.Code {
	if op != nil && k == wire.Throttling && op.Throttling.Name != "" {
		return op.Throttling
	}
	if c, ok := a.Codes[k]; ok {
		return c
	}
	return a.Protocol.Common(k)
}

// Fault returns a common error in the API's words.
func (a *API) Fault(op *Operation, k wire.Kind, message string) *wire.Error {
	c := a.code(op, k)
	return &wire.Error{Code: c.Name, Status: c.Status, Message: message}
}
