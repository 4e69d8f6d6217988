package replica

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"cairn/store"
)

// Run loads the state, then decides commands until ctx ends. Commands that wait
// at that moment are still done. It returns nil when ctx ended, and an error
// when the store can no longer be relied on.
func (r *Replica) Run(ctx context.Context) error {
	defer close(r.stopped)
	start := time.Now()
	if _, err := r.load(ctx, nil); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("load: %w", err)
	}
	counts := r.Current().Registry.Counts()
	r.cfg.Logger.Info("state loaded", "revision", r.Current().Revision, "namespaces", counts.Namespaces,
		"services", counts.Services, "instances", counts.Instances, "operations", counts.Operations,
		"duration", time.Since(start).Round(time.Millisecond))
	close(r.loaded)

	group, groupCtx := errgroup.WithContext(ctx)
	l := &loop{Replica: r, group: group, followed: make(chan store.Batch)}
	group.Go(func() error { return l.run(groupCtx) })
	return group.Wait()
}

// loop is the state of Run, owned by the loop's goroutine.
type loop struct {
	*Replica
	group    *errgroup.Group
	followed chan store.Batch // from the store's watch
	unfollow func()           // ends that watch and waits for it
	snapping chan struct{}    // closed when the snapshot being taken is done; nil: none
}

func (l *loop) run(ctx context.Context) error {
	l.follow(ctx)
	defer func() { l.unfollow() }()
	for {
		select {
		case <-ctx.Done():
			return l.finish(ctx)
		case p := <-l.queue:
			if err := l.do(ctx, l.gather(p)); err != nil {
				return err
			}
		case b := <-l.followed:
			if err := l.apply(b); err != nil {
				return err
			}
		}
	}
}

// finish does the commands that were accepted before the end.
func (l *loop) finish(ctx context.Context) error {
	for {
		select {
		case p := <-l.queue:
			if err := l.do(ctx, l.gather(p)); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// gather takes the commands that wait, the first of them already at hand.
func (l *loop) gather(first *proposal) []*proposal {
	batch := []*proposal{first}
	for len(batch) < l.cfg.BatchSize {
		select {
		case p := <-l.queue:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// follow starts watching the store after the current revision. The watch ends
// with the loop, not with ctx, since commands are done until then.
func (l *loop) follow(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	l.unfollow = func() { cancel(); <-done }
	out := make(chan store.Batch)
	l.followed = out
	after := store.Revision(l.Current().Revision)
	l.group.Go(func() error {
		defer close(done)
		return l.watch(ctx, after, out)
	})
}

// watch hands on what the store commits until ctx ends.
func (l *loop) watch(ctx context.Context, after store.Revision, out chan<- store.Batch) error {
	for batch, err := range l.cfg.Store.Watch(ctx, after) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("watch the store after revision %d: %w", after, err)
		}
		select {
		case out <- batch:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// maybeSnapshot lets the store cut its log when that is due.
func (l *loop) maybeSnapshot(ctx context.Context) {
	s, ok := l.cfg.Store.(store.Snapshotter)
	if !ok || l.snapshotRunning() || !s.SnapshotDue() {
		return
	}
	current, done := l.Current(), make(chan struct{})
	l.snapping = done
	l.group.Go(func() error {
		defer close(done)
		start := time.Now()
		err := s.Snapshot(ctx, store.Revision(current.Revision), current.Records())
		if err != nil && ctx.Err() == nil {
			l.cfg.Logger.Error("snapshot failed; the log goes on growing until one succeeds", "revision", current.Revision, "err", err)
			return nil
		}
		l.metrics.snapshots.Observe(time.Since(start).Seconds())
		return nil
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
