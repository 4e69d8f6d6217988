package aws_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/replica"
)

// countedReplica counts how often its state is loaded.
type countedReplica struct {
	aws.Replica
	loads atomic.Int64
}

func (r *countedReplica) Current() *replica.Snapshot {
	r.loads.Add(1)
	return r.Replica.Current()
}

// TestOneSnapshotPerCall: authorization and answer of a call rest on the same state
// and the same settings, so both are loaded once.
func TestOneSnapshotPerCall(t *testing.T) {
	var counted *countedReplica
	var rules atomic.Int64
	g := startGuarded(t, func(o *options) {
		load := o.server.Rules
		o.server.Rules = func() *state.Rules { rules.Add(1); return load() }
		o.wrap = func(r aws.Replica) aws.Replica { counted = &countedReplica{Replica: r}; return counted }
	})
	for operation, body := range operationBodies {
		counted.loads.Store(0)
		rules.Store(0)
		g.signed("admin", operation, body, time.Now())
		if n, m := counted.loads.Load(), rules.Load(); n != 1 || m != 1 {
			t.Errorf("%s loads the state %d times and the settings %d times", operation, n, m)
		}
	}
	counted.loads.Store(0)
	if status, answer := g.signed("admin", "Unknown", "{}", time.Now()); status != http.StatusBadRequest || counted.loads.Load() != 1 {
		t.Errorf("%d %s", status, answer)
	}
}
