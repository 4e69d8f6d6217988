package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"cairn/core/registry"
	"cairn/core/state"
	"cairn/store"
)

// maxConflicts is how often a batch is decided again because other nodes were
// faster before its callers are told to come back later.
const maxConflicts = 20

// batch is a number of commands that are committed together.
type batch struct {
	proposals []*proposal
	outcomes  []outcome
	changes   []state.Change
	txn       store.Txn
	written   map[string]int // key → index of its newest write in txn
	next      *state.State   // what the changes make of the state at txn.Base
}

// do decides a batch, commits it, publishes the result, and answers. An error
// means that the store can no longer be relied on.
func (l *loop) do(ctx context.Context, proposals []*proposal) error {
	for range maxConflicts {
		b := l.decide(proposals)
		if len(b.changes) == 0 {
			b.answer(nil)
			return nil
		}
		l.metrics.batchSizes.Observe(float64(len(proposals)))
		err := l.commit(ctx, b)
		if errors.Is(err, store.ErrConflict) {
			if err := l.catchUp(); err != nil {
				return err
			}
			continue
		}
		if errors.Is(err, store.ErrUncertain) {
			return l.settle(ctx, b)
		}
		b.answer(err)
		return nil
	}
	(&batch{proposals: proposals, outcomes: make([]outcome, len(proposals))}).answer(ErrBusy)
	return nil
}

// decide decides each command against the state that those before it make.
func (l *loop) decide(proposals []*proposal) *batch {
	current, rules := l.Current().State, l.cfg.Rules()
	b := &batch{proposals: proposals, outcomes: make([]outcome, len(proposals)), written: map[string]int{}}
	b.txn.Base = store.Revision(current.Revision)
	draft := state.NewDraft(current)
	for i, p := range proposals {
		d, err := l.decideOne(draft, rules, p)
		b.outcomes[i] = outcome{d.Reply, err}
		if err == nil {
			b.add(d)
		}
	}
	b.next = draft.Finish()
	return b
}

// decideOne decides a command and adds its changes to the draft. A command that
// makes the core panic is refused; it harms nobody else.
func (l *loop) decideOne(draft *state.Draft, rules *registry.Rules, p *proposal) (d registry.Decision, err error) {
	if err := p.ctx.Err(); err != nil {
		return d, err
	}
	defer func() {
		if v := recover(); v != nil {
			l.cfg.Logger.Error("panic while deciding a command", "panic", v, "stack", string(debug.Stack()))
			d, err = registry.Decision{}, fmt.Errorf("panic: %v", v)
		}
	}()
	d, err = state.Decide(draft.State(), rules, p.command)
	if err == nil {
		draft.Apply(l.Current().Revision+1, d.Changes...)
	}
	return d, err
}

// add takes over the changes of one decision. What it read counts only as far
// as no earlier decision of the batch has written it.
func (b *batch) add(d registry.Decision) {
	for _, read := range d.Reads {
		if _, ok := b.written[read.Key]; !ok {
			b.txn.Preconditions = append(b.txn.Preconditions, store.Precondition(read))
		}
	}
	b.changes = append(b.changes, d.Changes...)
	for _, c := range d.Changes {
		value, put := c.Value(nil)
		b.write(store.Write{Key: c.Key(), Value: value, Delete: !put})
	}
}

// write adds a write, unless it would only repeat the newest one of its key.
func (b *batch) write(w store.Write) {
	if i, ok := b.written[w.Key]; ok {
		if last := b.txn.Writes[i]; last.Delete == w.Delete && bytes.Equal(last.Value, w.Value) {
			return
		}
	}
	b.written[w.Key] = len(b.txn.Writes)
	b.txn.Writes = append(b.txn.Writes, w)
}

// answer tells every caller how its command ended; err is that of the commit.
// Where the commit failed even refusals are void: they may rest on commands
// before them in the batch.
func (b *batch) answer(err error) {
	for i, p := range b.proposals {
		if err != nil {
			b.outcomes[i] = outcome{err: err}
		}
		p.done <- b.outcomes[i]
	}
}

// commit makes the batch durable, then visible.
func (l *loop) commit(ctx context.Context, b *batch) error {
	start := time.Now()
	revision, err := l.cfg.Store.Commit(context.WithoutCancel(ctx), b.txn)
	l.metrics.commit(time.Since(start), err)
	if err != nil {
		if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUncertain) {
			return err
		}
		l.cfg.Logger.Error("commit refused", "commands", len(b.proposals), "err", err)
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := l.show(b, revision); err != nil {
		return err
	}
	l.maybeSnapshot(ctx)
	return nil
}

// show publishes a committed batch, together with what other nodes committed
// before it.
func (l *loop) show(b *batch, revision store.Revision) error {
	for {
		followed, ok := <-l.followed
		if !ok {
			return store.ErrUncertain
		}
		if followed.Revision != revision {
			if err := l.apply(followed); err != nil {
				return err
			}
			continue
		}
		current := l.Current().State
		if store.Revision(current.Revision) == b.txn.Base && revision == b.txn.Base+1 {
			l.publish(b.next)
		} else {
			l.publish(state.Apply(current, uint64(revision), b.changes...))
		}
		return nil
	}
}

// apply publishes what another node committed.
func (l *loop) apply(b store.Batch) error {
	current := l.Current().State
	if uint64(b.Revision) <= current.Revision {
		return nil
	}
	draft := state.NewDraft(current)
	for _, w := range b.Writes {
		c, err := decodeWrite(w)
		if err != nil {
			return fmt.Errorf("revision %d: %w", b.Revision, err)
		}
		draft.Apply(uint64(b.Revision), c)
	}
	next := draft.Finish()
	next.Revision = uint64(b.Revision)
	l.publish(next)
	return nil
}

// catchUp waits for the commit of another node that a batch was in conflict with.
func (l *loop) catchUp() error {
	b, ok := <-l.followed
	if !ok {
		return store.ErrUncertain
	}
	return l.apply(b)
}

func decodeWrite(w store.Write) (state.Change, error) {
	if w.Delete {
		return state.Decode(w.Key, nil)
	}
	if w.Value == nil {
		w.Value = []byte{}
	}
	return state.Decode(w.Key, w.Value)
}
