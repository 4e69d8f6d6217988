package service

import (
	"context"
	"errors"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Operation is one operation of an API. The fields before Policy are generated
// from the API's model.
type Operation struct {
	Name string
	// Method and Path are the URI of a REST operation, such as GET and
	// /v20190125/meshes/{meshName}. The other protocols need neither.
	Method, Path string
	// HostPrefix is what AWS's clients put before the endpoint's host name. An
	// operation that has one is of the data plane, whose calls are data events in
	// audit records.
	HostPrefix string
	// Errors are the codes that the model declares for the operation.
	Errors []string
	// Decode decodes and validates the input, and returns a pointer to its shape. With
	// an error of validation it returns the input too, for the audit record.
	Decode func(r *wire.Request) (in any, err error)
	// Run carries out the operation on an input that Decode has returned. It is
	// made by Run, RunEmpty or RunRaw.
	Run Handler
	// Encode writes an output of Run. Nil: Run has written it.
	Encode func(w *wire.Response, out any) error

	Policy
	// Action is the name of the operation in IAM, such as
	// servicediscovery:GetService.
	Action string
	api    *API
}

// Policy is what is to be known of an operation that its model does not say.
type Policy struct {
	// Access is the level of access in IAM's reference. An operation of the levels
	// Read and List changes nothing.
	Access access.Level
	// Class is the class of request rates that a call counts against. Nil: that of
	// reads or of writes, by Access.
	Class *command.RateClass
	// Throttling is the error of a call over its rate, where the API has one of its
	// own for this operation.
	Throttling wire.Code
	// Keys are the condition keys that the operation has besides the global ones.
	Keys []string
	// Describe adds to an authorization what the call is about: resources and
	// values of condition keys. It is made by Describe. Nil: the call is about all
	// resources, "*".
	Describe func(c *Call, a *Authorization, in any)
	// Authorization says who decides whether a call is allowed.
	Authorization Authorizer
	// Record returns what an audit record shows of the input and, for a call that
	// succeeded and was no read, of the output. Nil: all of both.
	Record func(in, out any) (request, response any)
}

// Authorizer is who decides on a call.
type Authorizer int

// The authorizers.
const (
	// ByPolicies: the policies of the caller decide, before the handler runs.
	ByPolicies Authorizer = iota
	// ByHandler: the handler decides; the caller must be known.
	ByHandler
	// Unsigned: the handler decides, and the call needs no signature because its
	// input proves who the caller is.
	Unsigned
)

// Reads reports whether the operation changes nothing.
func (op *Operation) Reads() bool { return op.Access == access.Read || op.Access == access.List }

// DataPlane reports whether the operation is of the API's data plane.
func (op *Operation) DataPlane() bool { return op.HostPrefix != "" }

// API returns the API that the operation is of.
func (op *Operation) API() *API { return op.api }

// add checks an operation and completes it.
func (a *API) add(op *Operation) error {
	policy, ok := a.Policies[op.Name]
	switch {
	case !ok:
		return errors.New("it has no policy")
	case policy.Access == 0:
		return errors.New("its policy has no access level")
	case op.Decode == nil || op.Run == nil:
		return errors.New("it cannot be decoded or run")
	}
	op.Policy, op.api, op.Action = policy, a, a.Name+":"+op.Name
	if op.Class == nil {
		op.Class = new(command.RateWrite)
		if op.Reads() {
			*op.Class = command.RateRead
		}
	}
	a.operations = append(a.operations, op)
	return nil
}

// Handler carries out an operation. An output without Encode is the body itself,
// appended to b.
type Handler func(ctx context.Context, c *Call, in any, b []byte) (out any, body []byte, err error)

// Run makes a Handler of a function from a typed input to a typed output.
func Run[I, O any](f func(context.Context, *Call, *I) (*O, error)) Handler {
	return func(ctx context.Context, c *Call, in any, b []byte) (any, []byte, error) {
		out, err := f(ctx, c, in.(*I))
		if err != nil {
			return nil, b, err
		}
		return out, b, nil
	}
}

// RunEmpty makes a Handler of a function whose answer has no body.
func RunEmpty[I any](f func(context.Context, *Call, *I) error) Handler {
	return func(ctx context.Context, c *Call, in any, b []byte) (any, []byte, error) {
		return nil, b, f(ctx, c, in.(*I))
	}
}

// RunRaw makes a Handler of a function that appends the encoded answer itself,
// from bytes prepared when the state changed.
func RunRaw[I any](f func(context.Context, *Call, *I, []byte) ([]byte, error)) Handler {
	return func(ctx context.Context, c *Call, in any, b []byte) (any, []byte, error) {
		body, err := f(ctx, c, in.(*I), b)
		return nil, body, err
	}
}

// Describe makes a Policy's function of one for a typed input.
func Describe[I any](f func(*Call, *Authorization, *I)) func(*Call, *Authorization, any) {
	return func(c *Call, a *Authorization, in any) { f(c, a, in.(*I)) }
}
