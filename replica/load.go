package replica

import (
	"bytes"
	"context"
	"fmt"

	"cairn/core/state"
	"cairn/store"
)

// load reads the whole state from the store and publishes it. If a batch is
// given, it reports whether that was committed.
func (r *Replica) load(ctx context.Context, b *batch) (committed bool, err error) {
	draft := state.NewDraft(new(state.State))
	traces := b.traces()
	revision, err := r.cfg.Store.Load(ctx, func(changes []store.Change) error {
		for _, c := range changes {
			if want, ok := traces[c.Key]; ok && c.Revision > b.txn.Base && bytes.Equal(want, c.Value) {
				committed = true
			}
			change, err := decodeWrite(store.Write{Key: c.Key, Value: c.Value, Delete: c.Delete})
			if err != nil {
				return fmt.Errorf("the data was written by another version of cairn or is damaged: %w", err)
			}
			draft.Apply(uint64(c.Revision), change)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	next := draft.Finish()
	next.Revision = uint64(revision)
	r.publish(next)
	return committed, nil
}

// traces are the values by which a batch is recognized in the store. They hold
// fresh ids and times, so no other batch writes the same.
func (b *batch) traces() map[string][]byte {
	if b == nil {
		return nil
	}
	traces := map[string][]byte{}
	for _, w := range b.txn.Writes {
		if len(w.Value) > 0 {
			traces[w.Key] = w.Value
		}
	}
	return traces
}

// settle finds out, by loading everything again, whether an uncertain commit
// was made, and answers accordingly.
func (l *loop) settle(ctx context.Context, b *batch) error {
	l.cfg.Logger.Error("the outcome of a commit is not known; loading again", "commands", len(b.proposals))
	l.unfollow()
	committed, err := l.load(context.WithoutCancel(ctx), b)
	if err != nil {
		b.answer(ErrUncertain)
		l.unfollow = func() {}
		return fmt.Errorf("load after an uncertain commit: %w", err)
	}
	l.follow(ctx)
	if committed {
		b.answer(nil)
	} else {
		b.answer(fmt.Errorf("%w: the commit did not reach the disk", ErrUnavailable))
	}
	return nil
}
