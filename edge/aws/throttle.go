package aws

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// limit refuses a request that is over the rate of its account.
func (s *Server) limit(x *request) error {
	if x.call.Account == "" { // an unsigned operation, which proves by its input who calls
		return nil
	}
	if s.buckets.Allow(s.cfg.Rates(), x.call.Account, *x.op.Class, x.start) {
		return nil
	}
	s.metrics.throttled.inc(x.call.Account, *x.op.Class)
	return x.api.Fault(x.op, wire.Throttling, "Rate exceeded")
}

// limitFailedAuth handles a call whose sender has not proved who it is. A source that fails
// too often is only told that its rate is exceeded, and only a counter records it. So it
// costs little. A caller that authenticates is never refused, whatever its address.
func (s *Server) limitFailedAuth(x *request) {
	if !x.unauthenticated || s.cfg.Failures.Fail(x.conn.addr, x.start) {
		return
	}
	x.authLimited = true
	x.err = x.api.Fault(x.op, wire.Throttling, "Rate exceeded")
}

// maxLabelled bounds the accounts that metrics distinguish.
const maxLabelled = 100

// accountLabel returns the account as a label: beyond the first hundred they are all
// "other".
func (t *throttledCalls) accountLabel(account command.AccountID) string {
	if !t.seen[account] {
		if len(t.seen) >= maxLabelled {
			return "other"
		}
		t.seen[account] = true
	}
	return string(account)
}
