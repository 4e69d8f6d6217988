package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
)

const (
	// maxConflicts is how often a command is decided again after conflicts with other
	// nodes. Then its caller gets ErrBusy.
	maxConflicts = 100
	// maxInFlight bounds the batches in flight, whatever the store says.
	maxInFlight = 16
)

// depth returns how many batches may be in flight.
func (l *loop) depth() int { return min(max(l.limits().InFlight, 1), maxInFlight) }

// mayReceive reports whether the loop takes commands from the queue.
func (l *loop) mayReceive() bool {
	return len(l.flight) == 0 || !l.blocked && len(l.flight) < l.depth() && len(l.waiting) < l.cfg.BatchSize
}

// maySend reports whether a batch is decided now. While others are in flight, it waits
// until it has a fair part of all commands: many small transactions cost more than they
// save.
func (l *loop) maySend() bool {
	switch n := len(l.flight); {
	case n == 0:
		return true
	case l.blocked || n >= l.depth():
		return false
	}
	commands := 0
	for _, b := range l.flight {
		commands += len(b.proposals)
	}
	return 2*len(l.waiting) >= commands || len(l.waiting) >= l.cfg.BatchSize
}

// advance decides and sends commands that wait, if they may be in flight now.
func (l *loop) advance(ctx context.Context) error {
	for len(l.waiting) > 0 && l.maySend() {
		b := l.decide(l.waiting[:min(len(l.waiting), l.cfg.BatchSize)])
		if len(b.proposals) == 0 {
			l.blocked = true
			return nil
		}
		l.waiting = l.waiting[len(b.proposals):] // the batch keeps the first part
		if err := l.send(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// send begins the commit of a batch. A store that is no faster with several in flight
// gets one at a time.
func (l *loop) send(ctx context.Context, b *batch) error {
	if len(b.changes) == 0 {
		if len(l.flight) == 0 {
			b.answer(nil)
			return nil
		}
		b.done, b.published = true, true // it has its turn when those before it are answered
		close(b.ended)
		l.flight = append(l.flight, b)
		return nil
	}
	b.before = slices.Clone(l.flight)
	l.flight = append(l.flight, b)
	l.predicted = b.next
	if l.depth() == 1 {
		b.revision, b.err = l.commit(ctx, b)
		return l.finished(ctx, b)
	}
	select {
	case l.outgoing <- b:
	default: // no sender is free
		l.tasks.Go(func() { l.sender(ctx, b) })
	}
	return nil
}

// sender commits a batch, and then others until the loop ends. Senders are used again, since
// a new goroutine would copy its stack several times on the way down to the network.
func (l *loop) sender(ctx context.Context, b *batch) {
	for ok := true; ok; b, ok = <-l.outgoing {
		b.revision, b.err = l.commitInOrder(ctx, b)
		b.before = nil // or all batches would stay in memory
		close(b.ended)
		l.results <- b
	}
}

// commitInOrder commits a batch while others are in flight. Commits that are sent one after
// the other may arrive in another order, and then one that rests on another conflicts. It is
// sent again when those before it are committed: what was decided still holds.
func (l *loop) commitInOrder(ctx context.Context, b *batch) (store.Revision, error) {
	early := slices.ContainsFunc(b.before, (*batch).isUnderWay)
	revision, err := l.commit(ctx, b)
	if !early || !b.chained || !errors.Is(err, store.ErrConflict) {
		return revision, err
	}
	for _, other := range b.before {
		if <-other.ended; other.err != nil {
			return revision, err
		}
	}
	return l.commit(ctx, b)
}

// isUnderWay reports whether the commit of a batch has not ended.
func (b *batch) isUnderWay() bool {
	select {
	case <-b.ended:
		return false
	default:
		return true
	}
}

// predict returns the newest state with the changes of the batches in flight. If a
// transaction of another node has come in between, these get new states too, so that each
// is published as it is when its turn comes.
func (l *loop) predict() *state.State {
	current := l.Current().State
	if !slices.ContainsFunc(l.flight, (*batch).isPending) {
		return current
	}
	if l.predicted == nil {
		l.predicted = current
		for _, b := range l.flight {
			if b.isPending() {
				b.from = l.predicted
				b.next = state.Apply(b.from, b.from.Revision+1, b.changes...)
				l.predicted = b.next
			}
		}
	}
	return l.predicted
}

// isPending reports whether the changes of a batch are not in the newest state.
func (b *batch) isPending() bool { return !b.published }

// lastWriter returns the last batch in flight that writes a key, or nil.
func (l *loop) lastWriter(key string) *batch {
	for _, b := range slices.Backward(l.flight) {
		if _, ok := b.written[key]; ok && b.isPending() {
			return b
		}
	}
	return nil
}

// finished handles the end of a commit.
func (l *loop) finished(ctx context.Context, b *batch) error {
	b.done = true
	if b.err != nil {
		return l.settle(ctx)
	}
	l.publishCommitted()
	l.answerPublished(ctx)
	return nil
}

// publishCommitted publishes the batches that come next by their revisions. Others wait
// until the watch has delivered what is before them.
func (l *loop) publishCommitted() {
	for i := 0; i < len(l.flight); i++ {
		b, current := l.flight[i], store.Revision(l.Current().Revision)
		switch {
		case !b.isCommitted() || b.published || b.revision > current+1:
			continue
		case b.revision <= current:
			b.published = true // by the watch, or by a load
			l.predicted = nil
		default:
			l.publishBatch(b, b.revision)
			i = -1 // one before it may follow now
		}
	}
}

func (b *batch) isCommitted() bool { return b.done && b.err == nil }

// publishBatch publishes a batch of this node that was committed at a revision.
func (l *loop) publishBatch(b *batch, revision store.Revision) {
	current := l.Current().State
	if b.from == current && revision == store.Revision(current.Revision)+1 {
		l.publish(b.next)
	} else {
		l.publish(state.Apply(current, uint64(revision), b.changes...))
		l.predicted = nil
	}
	b.published = true
	l.feed.add(store.Batch{Revision: revision, Writes: b.txn.Writes})
}

// committedAs returns the batch of this node that a transaction is, or nil. The watch may
// know of a commit before its result is here.
func (l *loop) committedAs(committed store.Batch) *batch {
	for _, b := range l.flight {
		if b.published || len(b.changes) == 0 {
			continue
		}
		if b.done && b.err == nil && b.revision == committed.Revision || !b.done && len(committed.Writes) == len(b.txn.Writes) && b.matches(committed) {
			return b
		}
	}
	return nil
}

// answerPublished answers the batches that are visible, in the order of their decisions:
// a refusal may rest on the batches before.
func (l *loop) answerPublished(ctx context.Context) {
	n := 0
	for n < len(l.flight) && l.flight[n].isCommitted() && l.flight[n].published {
		l.flight[n].answer(nil)
		n++
	}
	if n > 0 {
		l.flight, l.blocked = slices.Delete(l.flight, 0, n), false
		l.maybeSnapshot(ctx)
	}
}

// settle handles the failure of a commit. It waits for the outcome of all that are in
// flight, since they may rest on each other.
func (l *loop) settle(ctx context.Context) error {
	for slices.ContainsFunc(l.flight, (*batch).isOpen) {
		select {
		case b := <-l.results:
			b.done = true
		case b, ok := <-l.follower.batches:
			if err := l.handleWatch(ctx, b, ok); err != nil {
				return err
			}
		}
		l.publishCommitted()
	}
	flight := l.flight
	l.flight, l.predicted, l.blocked = nil, nil, false
	var again []*proposal
	var uncertain []*batch
	failed, reload, conflictAt := false, false, int64(-1)
	for _, b := range flight {
		switch {
		case b.err == nil && !failed:
			b.answer(nil)
			continue
		case b.err == nil:
			again = append(again, b.answerActive()...)
			continue
		case errors.Is(b.err, store.ErrUncertain) && b.published: // the watch has had it
			again = append(again, b.answerActive()...)
			reload = true // the store has to settle it
		case errors.Is(b.err, store.ErrUncertain):
			uncertain = append(uncertain, b)
			reload = true
		case errors.Is(b.err, store.ErrConflict):
			again = append(again, b.afterConflict()...)
			if !b.chained {
				conflictAt = max(conflictAt, int64(b.txn.Base))
			}
		default:
			l.cfg.Logger.Error("commit refused", "commands", len(b.proposals), "err", b.err)
			b.answer(fmt.Errorf("%w: %w", ErrUnavailable, b.err))
		}
		failed = true
	}
	l.waiting = append(again, l.waiting...)
	if reload {
		return l.resolveUncertain(ctx, uncertain)
	}
	// The watch delivers the transaction of the conflict.
	for int64(l.Current().Revision) <= conflictAt {
		if err := l.awaitWatch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// isOpen reports whether the outcome of a batch is not known, or not visible.
func (b *batch) isOpen() bool { return !b.done || b.err == nil && !b.published }

// afterConflict returns the commands that are to be decided again.
func (b *batch) afterConflict() (again []*proposal) {
	for _, p := range b.proposals {
		if p.conflicts++; p.conflicts >= maxConflicts {
			p.done <- outcome{err: ErrBusy}
			continue
		}
		again = append(again, p)
	}
	b.proposals = nil
	return again
}

// abandon answers the commands that are left when the loop ends early.
func (l *loop) abandon() {
	for _, b := range l.flight {
		b.answer(ErrUncertain)
	}
	for _, p := range l.waiting {
		p.done <- outcome{err: ErrStopped}
	}
	l.flight, l.waiting = nil, nil
}
