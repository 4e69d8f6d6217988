package service

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Proposer carries out commands.
type Proposer interface {
	// Propose returns when the effect of the command is durable and visible, or a
	// typed error.
	Propose(ctx context.Context, account command.AccountID, cmd command.Command) (command.Reply, error)
}

// Call is one call of an operation, as its handler sees it. Authorization and
// answer both use State and Rules, which are loaded once: so they agree.
type Call struct {
	Operation *Operation
	RequestID string
	// Account is on whose behalf the call is. It is empty for an unsigned call.
	Account command.AccountID
	Now     time.Time
	// State is the snapshot that the call is answered from.
	State *state.State
	// Revision is set by Propose to that of a state with the effect of the command.
	Revision uint64
	// Rules are the settings that the call is answered under.
	Rules *state.Rules
	// Directory has the identities that the call is decided by. Nil in open mode.
	Directory *identity.Directory
	// Caller is who signed the call. Nil in open mode, where everybody may do
	// everything, and for an unsigned call.
	Caller *identity.Principal
	// Access asks the caller's policies, and has the condition keys that every
	// request has.
	Access Access
	// Proposer takes commands. A handler uses Propose.
	Proposer Proposer

	// Target is set by the handler to what the call is about, for the log.
	Target string
	// Unchanged is set by Propose if the call repeated what is stored already, such as
	// a heartbeat.
	Unchanged bool
	// WebIdentity is set by the handler of an unsigned operation to who called.
	WebIdentity *WebIdentity

	// Input and Output are set by Serve, once known, for the audit record.
	Input, Output any

	authorization Authorization
}

// WebIdentity is a caller that showed a token of a provider.
type WebIdentity struct {
	Provider, Audience, Subject string
	// Account is the account of the role that was assumed.
	Account string
}

// Propose carries out a command on behalf of the caller's account.
func (c *Call) Propose(ctx context.Context, cmd command.Command) (command.Reply, error) {
	reply, err := c.Proposer.Propose(ctx, c.Account, cmd)
	c.Unchanged, c.Revision = reply.Unchanged, max(c.Revision, reply.Revision)
	return reply, err
}

// Owner returns an optional account in an input, which is the caller's where it is
// left out.
func (c *Call) Owner(account *string) command.AccountID {
	if account == nil {
		return c.Account
	}
	return command.AccountID(*account)
}

// ARN returns the ARN of a resource of the API, such as note/a, in an account.
func (c *Call) ARN(account command.AccountID, resource string) string {
	return arn.Format(c.Operation.api.Name, c.Rules.Region(), account, resource)
}

// Serve decodes, validates, authorizes and runs a call, and encodes its answer
// behind w.Body. With an error, what is behind has no meaning; see API.Error for
// its answer.
func (c *Call) Serve(ctx context.Context, r *wire.Request, w *wire.Response) error {
	op := c.Operation
	in, err := op.Decode(r)
	c.Input = in
	if err != nil {
		return err
	}
	if c.Caller != nil && op.Authorization == ByPolicies {
		if err := c.authorize(in); err != nil {
			return err
		}
	}
	out, body, err := op.Run(ctx, c, in, w.Body)
	if err != nil {
		return err
	}
	c.Output, w.Body = out, body
	if op.Encode == nil {
		return nil
	}
	return op.Encode(w, out)
}

// Value returns what p points to, or the zero value for nil.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// NotSupported returns the error of an operation that AWS has and this version has
// not.
func (c *Call) NotSupported() error {
	return &wire.Fault{Kind: wire.NotSupported, Message: c.Operation.Action + " is not supported by this version of cairn"}
}
