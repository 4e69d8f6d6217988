package cloudmap

import (
	"context"

	"cairn/core/registry"
	"cairn/core/state"
)

// call is what a handler knows about the request that it serves, beyond its input.
type call struct {
	ctx     context.Context // of the request; a call ends with it
	account registry.AccountID
	rules   *registry.Rules
	// strict asks for AWS's behaviour where ours differs by default.
	strict bool
	// target is set by the handler to what the call is about.
	target string
}

// state returns the newest state. A handler calls it once, so that its answer
// is of one moment.
func (a *API) state() *state.State { return a.replica.Current().State }

// do has a command carried out.
func (a *API) do(c *call, op registry.Command) (registry.Reply, error) {
	return a.replica.Propose(c.ctx, c.account, op)
}

// owned reports whether an OwnerAccount, where one is given, is the caller's.
func (c *call) owned(account *string) bool {
	return account == nil || *account == string(c.account)
}

// value returns what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
