// Package cloudmap is the AWS Cloud Map API, version 2017-03-14: it turns the
// API's shapes into commands and reads of the registry, and the registry's
// answers and errors back into shapes.
//
// Shapes, decoders, encoders, constraints and the table of operations are
// generated from the API's model (files *_gen.go). What is written by hand is
// what the model does not say: one method of API per operation.
package cloudmap

import (
	"context"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
)

// TargetPrefix comes before the operation's name in the X-Amz-Target header.
const TargetPrefix = "Route53AutoNaming_v20170314"

// SigningName is the service in credential scopes.
const SigningName = "servicediscovery"

// API serves the operations.
type API struct {
	replica *replica.Replica
	rules   func() *state.Rules
	keys    SigningKeys
}

// New returns an API on a replica, under the rules that are in force at each
// request. Without keys no zone can be signed.
func New(r *replica.Replica, rules func() *state.Rules, keys SigningKeys) *API {
	return &API{replica: r, rules: rules, keys: keys}
}

// Request is one call of an operation.
type Request struct {
	Action  Action
	Account command.AccountID
	Body    []byte
	// Permit says whether the caller may do what is asked. Nil: they may.
	Permit Permit
	// Target is set by Serve to what the call is about, for the log.
	Target string
}

// Action is one of the operations of the API. The zero value is none.
type Action struct{ op *operation }

// FindAction returns the operation of that name, if there is one.
func FindAction(name string) (Action, bool) {
	op := findOperation(name)
	return Action{op}, op != nil
}

// Name returns the name of the operation.
func (a Action) Name() string { return a.op.name }

// Reads reports whether the operation changes nothing.
func (a Action) Reads() bool {
	switch a.op.name[0] {
	case 'G', 'L': // Get…, List…
		return true
	case 'D':
		return a.Discovers()
	}
	return false
}

// Discovers reports whether the operation is of the data plane, which has rates
// and an error code for them of its own.
func (a Action) Discovers() bool { return a.op.hostPrefix != "" }

// Serve carries out a request and appends the body of the answer to out. An
// error is always an *awsjson.Error; the body has no meaning then.
func (a *API) Serve(ctx context.Context, r *Request, out []byte) ([]byte, error) {
	rules := &a.rules().Registry
	c := &call{ctx: ctx, account: r.Account, rules: rules, strict: rules.Strict, permit: r.Permit}
	if c.permit != nil {
		c.action, c.api = r.Action.op.name, a
	}
	body, err := r.Action.op.serve(a, c, r.Body, out)
	r.Target = c.target
	if err != nil {
		return out, wireError(rules, err)
	}
	return body, nil
}

var _ handlers = (*API)(nil)

// ActionNames lists all operations.
func ActionNames() []string {
	var names []string
	for i := range operations {
		names = append(names, operations[i].name)
	}
	return names
}
