package aws

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// The fields of headers by which clients and nodes agree on a revision. See
// docs/consistency.md.
const (
	// revisionField has the revision of the state that an answer is from.
	revisionField = "cairn-revision"
	// minRevisionField has the revision that an answer must have at least. It is
	// spelled as net/http spells the fields of a request.
	minRevisionField = "Cairn-Min-Revision"
	// staleField has the age of the state in seconds, if it may be out of date.
	staleField = "cairn-stale"
)

// loadSnapshot loads the snapshot of a request, after it has waited for the revision
// that the request asks for.
func (s *Server) loadSnapshot(ctx context.Context, x *request, h http.Header) error {
	x.snapshot = s.cfg.Replica.Current()
	if values := h[minRevisionField]; len(values) > 0 {
		if err := s.awaitRevision(ctx, x, values); err != nil {
			return err
		}
	}
	if s.cfg.MaxStaleness > 0 {
		if age := s.staleness(x.start); age > s.cfg.MaxStaleness {
			return x.api.Fault(x.op, wire.Unavailable, fmt.Sprintf(
				"This node has not reached its store for %d seconds, and answers nothing that may be out of date. Ask another node.", int(age.Seconds())))
		}
	}
	return nil
}

// awaitRevision waits until the state has the revision that a request asks for.
func (s *Server) awaitRevision(ctx context.Context, x *request, values []string) error {
	want, err := strconv.ParseUint(values[0], 10, 64)
	if err != nil || len(values) > 1 {
		return x.api.Fault(x.op, wire.Validation, fmt.Sprintf(
			"The header cairn-min-revision is %q; it must be one revision: a number from 0 to 18446744073709551615.", values[0]))
	}
	if x.snapshot.Revision >= want {
		return nil
	}
	timer := time.NewTimer(s.cfg.RevisionWait)
	defer timer.Stop()
	for x.snapshot.Revision < want {
		select {
		case <-x.snapshot.Superseded():
			x.snapshot = s.cfg.Replica.Current()
		case <-timer.C:
			s.metrics.waitedInVain.Observe(time.Since(x.start).Seconds())
			return x.api.Fault(x.op, wire.Unavailable, fmt.Sprintf(
				"This node has revision %d and did not reach revision %d in time. Try again, or ask another node.", x.snapshot.Revision, want))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.metrics.waited.Observe(time.Since(x.start).Seconds())
	return nil
}

// staleness returns for how long the state may have been out of date.
func (s *Server) staleness(now time.Time) time.Duration {
	if s.cfg.Staleness == nil {
		return 0
	}
	return s.cfg.Staleness(now)
}

// markConsistency writes the fields of an answer that tell how new it is. The revision of
// a write is that of a state that has its effect; space is for its text.
func (s *Server) markConsistency(x *request, h http.Header, space []string) {
	if x.snapshot == nil {
		x.snapshot = s.cfg.Replica.Current()
	}
	h[revisionField] = x.snapshot.RevisionHeader()
	if written := x.call.Revision; written > x.snapshot.Revision {
		space[0] = strconv.FormatUint(written, 10)
		h[revisionField] = space
	}
	if age := s.staleness(x.start); age > 0 {
		h[staleField] = []string{strconv.FormatInt(int64(age/time.Second), 10)}
		s.metrics.staleAnswers.Inc()
	}
}
