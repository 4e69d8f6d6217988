package replica

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/store"
)

// maybeSnapshot starts a snapshot of the current state if the store wants one, so
// that it can delete its log. Commands continue meanwhile.
func (l *loop) maybeSnapshot(ctx context.Context) {
	s, ok := l.cfg.Store.(store.Snapshotter)
	if !ok || ctx.Err() != nil || l.snapshotRunning() || !s.SnapshotDue() {
		return
	}
	current, done := l.Current(), make(chan struct{})
	l.snapping = done
	l.tasks.Go(func() {
		defer close(done)
		start := time.Now()
		err := s.Snapshot(ctx, store.Revision(current.Revision), current.Records())
		if err != nil {
			if ctx.Err() == nil {
				l.cfg.Logger.Error("snapshot failed; the log grows until one succeeds", "revision", current.Revision, "err", err)
			}
			return
		}
		l.metrics.snapshots.Observe(time.Since(start).Seconds())
	})
}

func (l *loop) snapshotRunning() bool {
	if l.snapping == nil {
		return false
	}
	select {
	case <-l.snapping:
		return false
	default:
		return true
	}
}
