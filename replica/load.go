package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
)

// loadFirst loads until the store is reached.
func (r *Replica) loadFirst(ctx context.Context) error {
	for warned := false; ; warned = true {
		start := time.Now()
		err := r.load(ctx)
		if err == nil {
			r.Confirm(start)
		}
		if !canRecover(err) {
			return err
		}
		if !warned {
			r.cfg.Logger.Warn("the store cannot be loaded yet; trying again", "err", err)
		}
		if !pause(ctx, recoverPause) {
			return ctx.Err()
		}
	}
}

// load reads the whole state from the store and publishes it.
func (r *Replica) load(ctx context.Context) error {
	draft := state.NewDraft(new(state.State))
	revision, err := r.cfg.Store.Load(ctx, func(changes []store.Change) error {
		for _, c := range changes {
			if err := applyStored(draft, c.Revision, c.Key, c.Value, c.Delete); err != nil {
				return fmt.Errorf("the data was written by another version of cairn or is damaged: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	next := draft.Finish()
	next.Revision = uint64(revision)
	r.publish(next)
	r.feed.reset(revision)
	r.freshness.reached(true)
	return nil
}

// canRecover reports whether a later load can succeed.
func canRecover(err error) bool {
	return errors.Is(err, store.ErrUncertain) || errors.Is(err, store.ErrFull) ||
		errors.Is(err, store.ErrUnreachable) || errors.Is(err, store.ErrCompacted)
}

// reload replaces the state with the records of the store and watches from there.
func (l *loop) reload(ctx context.Context) error {
	l.follower.stop()
	if err := l.load(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("load again: %w", err)
	}
	l.predicted = nil
	l.follow(ctx)
	return nil
}

// resolveUncertain finds out whether uncertain commits were made, and answers. It
// retries until the store knows. There may be none left to answer, but the store takes no
// commit before it is loaded again.
func (l *loop) resolveUncertain(ctx context.Context, batches []*batch) error {
	commands := 0
	for _, b := range batches {
		commands += len(b.proposals)
	}
	l.cfg.Logger.Error("the outcome of a commit is not known; loading again", "commands", commands)
	if err := l.reload(ctx); err != nil {
		for _, b := range batches {
			b.answer(ErrUncertain)
		}
		return l.recover(ctx, err)
	}
	for _, b := range batches {
		switch committed, err := l.wasCommitted(ctx, b); {
		case err != nil:
			l.cfg.Logger.Error("the outcome of a commit stays unknown", "commands", len(b.proposals), "err", err)
			b.answer(ErrUncertain)
		case committed:
			b.answer(nil)
		default:
			b.answer(fmt.Errorf("%w: the commit did not reach the disk", ErrUnavailable))
		}
	}
	return nil
}

const (
	// recoverPause is the time between two attempts to load.
	recoverPause = time.Second
	// searchTimeout limits the search for a batch in the store's history, which
	// need not have a batch for every revision.
	searchTimeout = 2 * time.Second
)

// recover loads again until the store can be used; err is the error of the previous
// attempt. Reads continue meanwhile, and commands get errors.
func (l *loop) recover(ctx context.Context, err error) error {
	for _, p := range l.waiting {
		p.done <- outcome{err: fmt.Errorf("%w: it cannot be loaded", ErrUnavailable)}
	}
	l.waiting = nil
	pause := time.NewTimer(recoverPause)
	defer pause.Stop()
	for canRecover(err) {
		l.freshness.reached(!errors.Is(err, store.ErrUnreachable))
		l.cfg.Logger.Error("the store cannot be loaded yet", "err", err)
		if !l.rejectUntil(ctx, pause.C) {
			return fmt.Errorf("stopped before the store could be loaded: %w", err)
		}
		if err = l.reload(ctx); err == nil {
			return nil
		}
		pause.Reset(recoverPause)
	}
	return err
}

// rejectUntil answers commands with an error until the channel delivers, or returns
// false when ctx ends.
func (l *loop) rejectUntil(ctx context.Context, until <-chan time.Time) bool {
	for {
		select {
		case <-until:
			return true
		case <-ctx.Done():
			return false
		case p := <-l.queue:
			p.done <- outcome{err: fmt.Errorf("%w: it cannot be loaded", ErrUnavailable)}
		}
	}
}

// wasCommitted reports whether the store has committed a batch. The state was loaded
// after the commit, so the result is final.
func (l *loop) wasCommitted(ctx context.Context, b *batch) (bool, error) {
	end := store.Revision(l.Current().Revision)
	if end == b.txn.Base {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), searchTimeout)
	defer cancel()
	for committed, err := range l.cfg.Store.Watch(ctx, b.txn.Base) {
		if err != nil {
			return false, err
		}
		if b.matches(committed) {
			return true, nil
		}
		if committed.Revision >= end {
			break
		}
	}
	return false, nil
}

// matches reports whether a committed batch has the effect of b. Operations have
// fresh ids, so a different batch matches only if it deletes the same records, and
// then the work of b is done.
func (b *batch) matches(committed store.Batch) bool {
	newest := make(map[string]store.Write, len(committed.Writes))
	for _, w := range committed.Writes {
		newest[w.Key] = w
	}
	for _, w := range b.txn.Writes {
		if c, ok := newest[w.Key]; !ok || c.Delete != w.Delete || !bytes.Equal(c.Value, w.Value) {
			return false
		}
	}
	return true
}
