package aws

import (
	"net/http"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/cloudmap"
)

// limit refuses a request that is over the rate of its account.
func (s *Server) limit(x *exchange) error {
	if x.account == "" { // nobody yet: what it may do is decided by what it shows
		return nil
	}
	class := x.class()
	if s.buckets.Allow(s.cfg.Rates(), x.account, class, x.start) {
		return nil
	}
	s.metrics.throttled.inc(x.account, class)
	return rateExceeded(x)
}

// class is that of the operation.
func (x *exchange) class() command.RateClass {
	if x.query {
		return command.RateSTS
	}
	return classOf(x.action)
}

func classOf(a cloudmap.Action) command.RateClass {
	switch {
	case a.Name() == "DiscoverInstances":
		return command.RateDiscover
	case a.Discovers():
		return command.RateRevision
	case a.Reads():
		return command.RateRead
	}
	return command.RateWrite
}

// rateExceeded is what AWS answers to those who ask too often; each protocol,
// and the data plane of Cloud Map, has a code of its own.
func rateExceeded(x *exchange) error {
	code := "ThrottlingException"
	switch {
	case x.query:
		code = "Throttling"
	case x.known && x.action.Discovers():
		code = "RequestLimitExceeded"
	}
	return &awsjson.Error{Code: code, Status: http.StatusBadRequest, Message: "Rate exceeded"}
}

// refuseFlood deals with a call whose sender has not proved who it is. Those
// from a source that fails all the time are told that they are too many, and
// nothing else; they leave no trace but a number, so that they cost little.
// Whoever does prove it is never refused, wherever it calls from.
func (s *Server) refuseFlood(x *exchange) {
	if !x.unproven || s.cfg.Failures.Fail(x.sourceAddr(), x.start) {
		return
	}
	x.flood = true
	x.err = rateExceeded(x).(*awsjson.Error)
}

// maxLabelled bounds the accounts that metrics tell apart.
const maxLabelled = 100

// labelOf returns the account as a label: beyond the first hundred they are all
// "other".
func (t *throttledCalls) labelOf(account command.AccountID) string {
	if !t.seen[account] {
		if len(t.seen) >= maxLabelled {
			return "other"
		}
		t.seen[account] = true
	}
	return string(account)
}
