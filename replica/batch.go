package replica

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
)

// maxConflicts is how often a batch is decided again after a conflict with another
// node. Then its callers get ErrBusy.
const maxConflicts = 20

// batch is a group of commands that are committed together.
type batch struct {
	proposals []*proposal
	outcomes  []outcome
	draft     *state.Draft // the state at txn.Base with the changes
	changes   []command.Change
	txn       store.Txn
	written   map[string]int  // key → index of its write in txn
	read      map[string]bool // keys of the preconditions of txn
	deletes   bool            // a write of txn is a deletion
	values    []byte          // holds the values of txn
	keyBytes  int             // the keys of txn
	limits    store.Limits
}

// process decides commands, in one batch or more, commits each, publishes the result,
// and answers the callers. An error means that the store cannot be used any more.
func (l *loop) process(ctx context.Context, proposals []*proposal) error {
	for len(proposals) > 0 {
		n, err := l.processBatch(ctx, proposals)
		if err != nil {
			return err
		}
		proposals = proposals[n:]
	}
	return nil
}

// processBatch does one batch and returns the number of commands that were answered.
func (l *loop) processBatch(ctx context.Context, proposals []*proposal) (int, error) {
	for range maxConflicts {
		b := l.decide(proposals)
		if len(b.changes) == 0 {
			b.answer(nil)
			return len(b.proposals), nil
		}
		revision, err := l.commit(ctx, b)
		switch {
		case err == nil:
			return len(b.proposals), l.publishCommitted(ctx, b, revision)
		case errors.Is(err, store.ErrUncertain):
			return len(b.proposals), l.resolveUncertain(ctx, b)
		case !errors.Is(err, store.ErrConflict):
			l.cfg.Logger.Error("commit refused", "commands", len(b.proposals), "err", err)
			b.answer(fmt.Errorf("%w: %w", ErrUnavailable, err))
			return len(b.proposals), nil
		}
		// The watch delivers the conflicting transaction.
		if err := l.awaitWatch(ctx); err != nil {
			newBatch(proposals).answer(ErrUnavailable)
			return 0, err
		}
	}
	newBatch(proposals).answer(ErrBusy)
	return len(proposals), nil
}

func newBatch(proposals []*proposal) *batch {
	return &batch{proposals: proposals, outcomes: make([]outcome, len(proposals)), written: map[string]int{}, read: map[string]bool{}}
}

// decide decides each command against the state that includes the commands before
// it. The batch has the first commands, up to one that creates a key again which an
// earlier one has deleted: a transaction writes a key once, and a node that follows
// must see the deletion. It also ends before a command that would make it larger than
// the store accepts.
func (l *loop) decide(proposals []*proposal) *batch {
	current, rules := l.Current().State, l.cfg.Rules()
	b := newBatch(proposals)
	b.limits = l.limits()
	b.txn.Base = store.Revision(current.Revision)
	b.draft = state.NewDraft(current)
	for i, p := range proposals {
		d, err := l.decideOne(b, rules, p)
		if errors.Is(err, errNextBatch) {
			b.proposals, b.outcomes = proposals[:i], b.outcomes[:i]
			break
		}
		b.outcomes[i] = outcome{reply: d.Reply, err: err, unchanged: len(d.Changes) == 0}
	}
	b.txn.Writes = slices.DeleteFunc(b.txn.Writes, func(w store.Write) bool { return w.Key == "" })
	return b
}

// errNextBatch means that a command must be decided in the next batch.
var errNextBatch = errors.New("decide again in the next batch")

// decideOne decides a command and adds its changes to the draft. A command that
// panics gets an error; the other commands of the batch are not affected.
func (l *loop) decideOne(b *batch, rules *state.Rules, p *proposal) (d command.Decision, err error) {
	if err := p.ctx.Err(); err != nil {
		return d, err
	}
	current := l.Current().State
	defer func() {
		if v := recover(); v != nil {
			l.cfg.Logger.Error("panic while deciding a command", "panic", v, "stack", string(debug.Stack()))
			d, err = command.Decision{}, fmt.Errorf("panic: %v", v)
			// The draft may hold half of the command's changes.
			b.draft = state.NewDraft(current)
			b.draft.Apply(current.Revision+1, b.changes...)
		}
	}()
	d, err = state.Decide(b.draft.State(), rules, p.meta, p.command)
	switch {
	case err != nil:
		return d, err
	case b.deletedOneOf(d.Keys):
		return d, errNextBatch
	}
	writes := b.encode(d)
	if !b.fits(d, writes) {
		return d, errNextBatch
	}
	b.draft.Apply(current.Revision+1, d.Changes...)
	b.add(d, writes)
	return d, nil
}

// encode returns the writes of a decision. Their values are in b.values.
func (b *batch) encode(d command.Decision) []store.Write {
	writes := make([]store.Write, len(d.Changes))
	for i, c := range d.Changes {
		start, put := len(b.values), false
		b.values, put = c.Value(b.values)
		writes[i] = store.Write{Key: d.Keys[i], Value: b.values[start:len(b.values):len(b.values)], Delete: !put}
	}
	return writes
}

// partBytes is what a key or a value needs besides its bytes, at most.
const partBytes = 24

// fits reports whether the batch stays within the limits of the store with one more
// decision. The first decision always fits: the store refuses it if it is too large.
func (b *batch) fits(d command.Decision, writes []store.Write) bool {
	if b.limits == (store.Limits{}) || len(b.changes) == 0 {
		return true
	}
	newWrites, newReads, keys := 0, 0, 0
	for _, w := range writes {
		if _, ok := b.written[w.Key]; !ok {
			newWrites++
			keys += len(w.Key) + 2*partBytes
		}
	}
	for _, r := range d.Reads {
		if _, ok := b.written[r.Key]; !ok && !b.read[r.Key] {
			newReads++
			keys += 2 * (len(r.Key) + partBytes)
		}
	}
	return len(b.txn.Writes)+newWrites <= b.limits.Writes &&
		len(b.txn.Preconditions)+newReads <= b.limits.Preconditions &&
		b.keyBytes+keys+len(b.values) <= b.limits.Bytes
}

// limits returns the limits of the store; the zero value is no limit.
func (l *loop) limits() store.Limits {
	if s, ok := l.cfg.Store.(store.Limited); ok {
		return s.Limits()
	}
	return store.Limits{}
}

// deletedOneOf reports whether the batch deletes one of the keys.
func (b *batch) deletedOneOf(keys []string) bool {
	if !b.deletes {
		return false
	}
	return slices.ContainsFunc(keys, func(key string) bool {
		i, ok := b.written[key]
		return ok && b.txn.Writes[i].Delete
	})
}

// add adds the changes of one decision. A key that an earlier decision of the batch
// has written is no precondition.
func (b *batch) add(d command.Decision, writes []store.Write) {
	for _, read := range d.Reads {
		if _, ok := b.written[read.Key]; !ok && !b.read[read.Key] {
			b.read[read.Key] = true
			b.keyBytes += 2 * (len(read.Key) + partBytes)
			b.txn.Preconditions = append(b.txn.Preconditions, store.Precondition(read))
		}
	}
	b.changes = append(b.changes, d.Changes...)
	for _, w := range writes {
		b.keyBytes += len(w.Key) + 2*partBytes
		b.write(w)
	}
}

// write adds a write. It replaces an earlier write of its key: a new value takes the
// place of the old one, since writes after it may need the record, as instances need
// their service. A deletion comes last, since writes before it delete what needs the
// record; its earlier write is marked with an empty key.
func (b *batch) write(w store.Write) {
	i, ok := b.written[w.Key]
	if ok && !w.Delete {
		b.txn.Writes[i] = w
		return
	}
	if ok {
		b.txn.Writes[i] = store.Write{}
	}
	b.deletes = b.deletes || w.Delete
	b.written[w.Key] = len(b.txn.Writes)
	b.txn.Writes = append(b.txn.Writes, w)
}

// answer sends every caller its outcome; err is the error of the commit. If the
// commit failed, refused commands get err too, because a refusal may depend on
// earlier commands of the batch.
func (b *batch) answer(err error) {
	for i, p := range b.proposals {
		if err != nil {
			b.outcomes[i] = outcome{err: err}
		}
		p.done <- b.outcomes[i]
	}
}

// commit makes the batch durable. The end of ctx does not interrupt it, because the
// callers wait for the outcome.
func (l *loop) commit(ctx context.Context, b *batch) (store.Revision, error) {
	l.metrics.batchSizes.Observe(float64(len(b.proposals)))
	start := time.Now()
	revision, err := l.cfg.Store.Commit(context.WithoutCancel(ctx), b.txn)
	l.metrics.commit(time.Since(start), err)
	l.freshness.reached(!errors.Is(err, store.ErrUnreachable))
	return revision, err
}

// publishCommitted publishes a committed batch, after the transactions that other
// nodes committed before it, and answers.
func (l *loop) publishCommitted(ctx context.Context, b *batch, revision store.Revision) error {
	for store.Revision(l.Current().Revision) < revision {
		if store.Revision(l.Current().Revision)+1 == revision {
			l.publish(l.nextState(b, revision)) // nothing can be between; the watch repeats it
			l.feed.add(store.Batch{Revision: revision, Writes: b.txn.Writes})
			break
		}
		followed, ok := <-l.follower.batches
		if ok && followed.Revision == revision {
			l.publish(l.nextState(b, revision))
			l.feed.add(followed)
			break
		}
		if err := l.handleWatch(ctx, followed, ok); err != nil {
			b.answer(fmt.Errorf("%w: %w", ErrUncertain, err)) // committed, but not visible on this node
			return err
		}
	}
	b.answer(nil)
	l.maybeSnapshot(ctx)
	return nil
}

// nextState returns the current state with the changes of a batch.
func (l *loop) nextState(b *batch, revision store.Revision) *state.State {
	current := l.Current().State
	if store.Revision(current.Revision) == b.txn.Base && revision == b.txn.Base+1 {
		return b.draft.Finish()
	}
	return state.Apply(current, uint64(revision), b.changes...)
}

// apply publishes a transaction of another node.
func (l *loop) apply(b store.Batch) error {
	draft := state.NewDraft(l.Current().State)
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
	l.feed.add(b)
	return nil
}

func decodeWrite(w store.Write) (command.Change, error) {
	if w.Delete {
		return state.Decode(w.Key, nil)
	}
	if w.Value == nil {
		w.Value = []byte{}
	}
	return state.Decode(w.Key, w.Value)
}
