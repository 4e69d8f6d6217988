package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
)

// load reads the whole state from the store and publishes it.
func (r *Replica) load(ctx context.Context) error {
	draft := state.NewDraft(new(state.State))
	revision, err := r.cfg.Store.Load(ctx, func(changes []store.Change) error {
		for _, c := range changes {
			change, err := decodeWrite(store.Write{Key: c.Key, Value: c.Value, Delete: c.Delete})
			if err != nil {
				return fmt.Errorf("the data was written by another version of cairn or is damaged: %w", err)
			}
			draft.Apply(uint64(c.Revision), change)
		}
		return nil
	})
	if err != nil {
		return err
	}
	next := draft.Finish()
	next.Revision = uint64(revision)
	r.publish(next)
	return nil
}

// reload replaces the state by what the store holds and follows that.
func (l *loop) reload(ctx context.Context) error {
	l.follower.stop()
	if err := l.load(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("load again: %w", err)
	}
	l.follow(ctx)
	return nil
}

// settle finds out whether an uncertain commit was made, and answers. A store
// that cannot tell yet is asked until it can.
func (l *loop) settle(ctx context.Context, b *batch) error {
	l.cfg.Logger.Error("the outcome of a commit is not known; loading again", "commands", len(b.proposals))
	err := l.reload(ctx)
	if err != nil {
		b.answer(ErrUncertain)
		return l.recover(ctx, err)
	}
	switch made, err := l.made(ctx, b); {
	case err != nil:
		l.cfg.Logger.Error("the outcome of a commit stays unknown", "commands", len(b.proposals), "err", err)
		b.answer(ErrUncertain)
	case made:
		b.answer(nil)
	default:
		b.answer(fmt.Errorf("%w: the commit did not reach the disk", ErrUnavailable))
	}
	return nil
}

const (
	// recoverPause is the time between two attempts to settle a store.
	recoverPause = time.Second
	// madeTimeout bounds the search for a batch in the store's history, which
	// need not hold a batch for every revision.
	madeTimeout = 2 * time.Second
)

// recover loads again until the store is fit for use, err being that of the
// attempt before. Reads go on meanwhile; commands are refused.
func (l *loop) recover(ctx context.Context, err error) error {
	pause := time.NewTimer(recoverPause)
	defer pause.Stop()
	for errors.Is(err, store.ErrUncertain) || errors.Is(err, store.ErrFull) {
		l.cfg.Logger.Error("the store cannot settle its last commit yet", "err", err)
		if !l.refuse(ctx, pause.C) {
			return fmt.Errorf("stopped before the store's last commit was settled: %w", err)
		}
		if err = l.reload(ctx); err == nil {
			return nil
		}
		pause.Reset(recoverPause)
	}
	return err
}

// refuse answers commands until the time has come, or returns false when ctx ends.
func (l *loop) refuse(ctx context.Context, until <-chan time.Time) bool {
	for {
		select {
		case <-until:
			return true
		case <-ctx.Done():
			return false
		case p := <-l.queue:
			p.done <- outcome{err: fmt.Errorf("%w: its last commit is not settled", ErrUnavailable)}
		}
	}
}

// made reports whether a batch is among what the store has committed. The state
// has been loaded since, so that cannot change any more.
func (l *loop) made(ctx context.Context, b *batch) (bool, error) {
	end := store.Revision(l.Current().Revision)
	if end == b.txn.Base {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), madeTimeout)
	defer cancel()
	for committed, err := range l.cfg.Store.Watch(ctx, b.txn.Base) {
		if err != nil {
			return false, err
		}
		if b.within(committed) {
			return true, nil
		}
		if committed.Revision >= end {
			break
		}
	}
	return false, nil
}

// within reports whether a committed batch has the effect of b. Operations have
// fresh ids, so another batch with it can at most delete the same things, and
// then what b was to do is done.
func (b *batch) within(committed store.Batch) bool {
	newest := make(map[string]store.Write, len(committed.Writes))
	for _, w := range committed.Writes {
		newest[w.Key] = w
	}
	for key, i := range b.written {
		if w, ok := newest[key]; !ok || !sameWrite(w, b.txn.Writes[i]) {
			return false
		}
	}
	return true
}
