package replica

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
)

// Run loads the state, then decides commands until ctx ends. Commands that wait at
// that moment are still done. It returns nil when ctx has ended, and an error when
// the store cannot be used any more.
func (r *Replica) Run(ctx context.Context) error {
	defer close(r.stopped)
	start := time.Now()
	if err := r.loadFirst(ctx); err != nil {
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

	ctx, cancel := context.WithCancel(ctx)
	l := &loop{Replica: r, outgoing: make(chan *batch), results: make(chan *batch, maxInFlight)}
	if s, ok := r.cfg.Store.(store.Exclusive); ok {
		l.exclusive = s.Exclusive()
	}
	if counts.Instances >= manyInstances {
		l.tasks.Go(debug.FreeOSMemory) // a load leaves about as much garbage as data
	}
	err := l.run(ctx)
	cancel() // ends a snapshot
	close(l.outgoing)
	l.tasks.Wait()
	return err
}

// manyInstances is the number of instances that justifies a garbage collection.
const manyInstances = 10_000

// loop is the state of Run, owned by the loop's goroutine.
type loop struct {
	*Replica
	follower  *follower
	exclusive bool          // commits need no preconditions
	waiting   []*proposal   // commands that are not decided yet
	flight    []*batch      // sent and not answered, in the order of their decisions
	predicted *state.State  // Current with the changes of flight; nil: not known
	blocked   bool          // the first of waiting must wait for a batch in flight
	outgoing  chan *batch   // to senders that are free
	results   chan *batch   // batches whose commit has ended
	snapping  chan struct{} // closed when the snapshot being taken is done; nil: none
	// tasks are the goroutines of follower, commits and snapshot.
	tasks sync.WaitGroup
}

func (l *loop) run(ctx context.Context) error {
	l.follow(ctx)
	defer func() {
		l.abandon()
		l.follower.stop()
	}()
	for ctx.Err() == nil {
		queue := l.queue
		if !l.mayReceive() {
			queue = nil
		}
		if err := l.next(ctx, queue, ctx.Done()); err != nil {
			return err
		}
	}
	// Commands that were accepted before the end are still done.
	for {
		l.waiting = l.drain(l.waiting)
		if len(l.waiting)+len(l.flight) == 0 {
			return nil
		}
		if err := l.advance(ctx); err != nil {
			return err
		}
		if len(l.flight) == 0 {
			continue
		}
		if err := l.next(ctx, nil, nil); err != nil {
			return err
		}
	}
}

// next handles the next event.
func (l *loop) next(ctx context.Context, queue <-chan *proposal, end <-chan struct{}) error {
	select {
	case <-end:
		return nil
	case p := <-queue:
		l.collect(p)
	case b := <-l.results:
		if err := l.finished(ctx, b); err != nil {
			return err
		}
	case b, ok := <-l.follower.batches:
		if err := l.handleWatch(ctx, b, ok); err != nil {
			return err
		}
		l.publishCommitted()
		l.answerPublished(ctx)
	}
	return l.advance(ctx)
}

// collect adds first and all queued commands to those that wait. It yields the processor
// first so that callers answered by the previous batch can enqueue again; otherwise
// batches stay small and those callers wait for a whole fsync.
func (l *loop) collect(first *proposal) {
	l.waiting = append(l.waiting, first)
	for grown := true; grown; {
		runtime.Gosched()
		before := len(l.waiting)
		l.waiting = l.drain(l.waiting)
		grown = len(l.waiting) > before && len(l.waiting) < l.cfg.BatchSize
	}
}

// drain appends queued commands until the batch is full or the queue is empty.
func (l *loop) drain(batch []*proposal) []*proposal {
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
	f := &follower{batches: make(chan store.Batch), cancel: cancel}
	after := store.Revision(l.Current().Revision)
	l.follower = f
	l.tasks.Go(func() { f.watch(ctx, l.Replica, after) })
}

// handleWatch applies a batch committed by another node, or handles the end of the
// watch (ok is false).
func (l *loop) handleWatch(ctx context.Context, b store.Batch, ok bool) error {
	if ok {
		if uint64(b.Revision) <= l.Current().Revision {
			return nil // a commit of this node, which is published already
		}
		if own := l.committedAs(b); own != nil {
			l.publishBatch(own, b.Revision)
			return nil
		}
		return l.apply(b)
	}
	if errors.Is(l.follower.err, store.ErrCompacted) {
		l.cfg.Logger.Warn("this node has fallen behind what the store remembers; loading again", "revision", l.Current().Revision)
		if err := l.reload(ctx); err != nil {
			return l.recover(ctx, err)
		}
		return nil
	}
	return l.follower.err
}

// awaitWatch waits for the next batch of another node and handles it.
func (l *loop) awaitWatch(ctx context.Context) error {
	for before := l.Current(); l.Current() == before; {
		b, ok := <-l.follower.batches
		if err := l.handleWatch(ctx, b, ok); err != nil {
			return err
		}
	}
	return nil
}

// follower is one watch of the store.
type follower struct {
	batches chan store.Batch // closed when the watch has ended
	err     error            // why; valid when batches is closed
	cancel  context.CancelFunc
}

// watchPause is the time between two watches of a store that is not reached.
const watchPause = 200 * time.Millisecond

// watch sends the batches of the store until ctx ends. If the store is not reached any
// more, it goes on after the last batch as soon as that works.
func (f *follower) watch(ctx context.Context, r *Replica, after store.Revision) {
	defer close(f.batches)
	for {
		err := f.watchOnce(ctx, r, &after)
		if !errors.Is(err, store.ErrUnreachable) {
			f.err = err
			return
		}
		r.freshness.reached(false)
		r.cfg.Logger.Debug("the watch of the store has ended; trying again", "err", err)
		if !pause(ctx, watchPause) {
			return
		}
	}
}

// watchOnce sends batches until the watch or ctx ends.
func (f *follower) watchOnce(ctx context.Context, r *Replica, after *store.Revision) error {
	for batch, err := range r.cfg.Store.Watch(ctx, *after) {
		if err != nil {
			return fmt.Errorf("watch the store after revision %d: %w", *after, err)
		}
		select {
		case f.batches <- batch:
			*after = batch.Revision
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// stop ends the watch and waits for it. It may be called again.
func (f *follower) stop() {
	f.cancel()
	for range f.batches {
		// Discard a batch that is being sent.
	}
}
