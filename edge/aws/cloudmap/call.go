package cloudmap

import (
	"context"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

// call is what a handler knows about the request that it serves, beyond its input.
type call struct {
	ctx     context.Context // of the request; a call ends with it
	account command.AccountID
	rules   *registry.Rules
	// strict asks for AWS's behaviour where ours differs by default.
	strict bool
	// permit is nil where everybody may do everything. Otherwise action is the
	// name of the operation, and api serves it.
	permit Permit
	action string
	api    *API
	// target is set by the handler to what the call is about.
	target string
}

// read decodes and checks the input of an operation, and then whether the caller
// may carry it out. Every operation begins with it, so none can forget to ask.
func (c *call) read(body []byte, in input) error {
	if err := readInput(body, c.strict, in); err != nil || c.permit == nil {
		return err
	}
	return c.authorize(in)
}

// state returns the newest state. A handler calls it once, so that its answer
// is of one moment.
func (a *API) state() *state.State { return a.replica.Current().State }

// do has a command carried out.
func (a *API) do(c *call, op command.Command) (command.Reply, error) {
	return a.replica.Propose(c.ctx, c.account, op)
}

// owner returns the OwnerAccount, which is the caller's where none is given.
func (c *call) owner(account *string) command.AccountID {
	if account == nil {
		return c.account
	}
	return command.AccountID(*account)
}

// value returns what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
