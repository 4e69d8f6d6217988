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

// batch is a group of commands that are committed together.
type batch struct {
	proposals []*proposal
	outcomes  []outcome
	from      *state.State // on which the batch was decided; newer than txn.Base if others are in flight
	draft     *state.Draft // from with the changes
	next      *state.State // from with all changes, once the batch is complete
	changes   []command.Change
	txn       store.Txn
	written   map[string]written
	read      map[string]bool // keys of the preconditions of txn
	bundles   map[string]bundle
	chained   bool          // a precondition rests on a batch that is in flight
	deletes   bool          // a write of txn is a deletion
	values    []byte        // holds the values of txn
	encoded   []store.Write // of the decision at hand; see encode
	cost      int           // of the preconditions of txn
	keyBytes  int           // the keys of txn
	limits    store.Limits
	writer    int // Meta.Writer of its commands

	// The fields below are about the commit.
	before    []*batch      // in flight when this one was sent; for the commit alone
	ended     chan struct{} // closed when the commit has ended
	done      bool          // revision and err are known
	published bool          // Current has the changes
	revision  store.Revision
	err       error
}

// written is a write of a transaction, by its key.
type written struct {
	index  int  // in Txn.Writes
	unique bool // no other write has its value
}

func newBatch(proposals []*proposal) *batch {
	return &batch{proposals: proposals, outcomes: make([]outcome, len(proposals)), written: map[string]written{}, read: map[string]bool{}, bundles: map[string]bundle{}, ended: make(chan struct{})}
}

// decide decides each command against the state that includes the commands before
// it, those in flight too. The batch has the first commands, up to one that creates a key
// again which an earlier one has deleted: a transaction writes a key once, and a node that
// follows must see the deletion. It also ends before a command that would make it larger
// than the store accepts, and before one that must wait for a batch in flight. So it may
// be empty.
func (l *loop) decide(proposals []*proposal) *batch {
	rules := l.cfg.Rules()
	b := newBatch(proposals)
	b.writer = l.writer()
	b.limits, b.from = l.limits(), l.predict()
	b.txn.Base = store.Revision(l.Current().Revision)
	b.draft = state.NewDraft(b.from)
	for i, p := range proposals {
		p.meta.Writer = b.writer
		d, err := l.decideOne(b, rules, p)
		if errors.Is(err, errNextBatch) {
			b.proposals, b.outcomes = proposals[:i], b.outcomes[:i]
			break
		}
		b.outcomes[i] = outcome{reply: d.Reply, err: err, unchanged: len(d.Changes) == 0}
	}
	b.complete()
	return b
}

// complete ends the decisions of a batch.
func (b *batch) complete() {
	b.next = b.draft.Finish()
	all := len(b.txn.Writes)
	b.txn.Writes = slices.DeleteFunc(b.txn.Writes, func(w store.Write) bool { return w.Key == "" })
	if len(b.txn.Writes) < all {
		for i, w := range b.txn.Writes {
			b.written[w.Key] = written{i, b.written[w.Key].unique}
		}
	}
}

// writer returns the number of this node among those that share the store, for the next
// batch. A node has several numbers, so that batches in flight need not write one counter
// after the other.
func (l *loop) writer() int {
	if l.cfg.MemberID == "" {
		return 0
	}
	nodes := l.Current().Member.Nodes()
	for i, n := range nodes {
		if n.ID == l.cfg.MemberID {
			return l.freeWriter(writersOf(i, len(nodes), l.depth()))
		}
	}
	return 0
}

// freeWriter returns the first of some numbers that no batch in flight has.
func (l *loop) freeWriter(numbers []int) int {
	for _, n := range numbers {
		if !slices.ContainsFunc(l.flight, func(b *batch) bool { return b.writer == n && b.isPending() }) {
			return n
		}
	}
	return numbers[0]
}

// writersOf returns the numbers of a node, at least one and at most limit: its place in the
// order of the names, and then every number of nodes after it. If there are more nodes than
// numbers, some nodes have the same one.
func writersOf(place, nodes, limit int) (numbers []int) {
	for n := place % command.MaxWriter; n < command.MaxWriter && len(numbers) < limit; n += nodes {
		numbers = append(numbers, n+1)
	}
	return numbers
}

// errNextBatch means that a command must be decided in the next batch.
var errNextBatch = errors.New("decide again in the next batch")

// decideOne decides a command and adds its changes to the draft. A command that
// panics gets an error; the other commands of the batch are not affected.
func (l *loop) decideOne(b *batch, rules *state.Rules, p *proposal) (d command.Decision, err error) {
	if err := p.ctx.Err(); err != nil {
		return d, err
	}
	revision := b.from.Revision + 1
	defer func() {
		if v := recover(); v != nil {
			l.cfg.Logger.Error("panic while deciding a command", "panic", v, "stack", string(debug.Stack()))
			d, err = command.Decision{}, fmt.Errorf("panic: %v", v)
			// The draft may hold half of the command's changes.
			b.draft = state.NewDraft(b.from)
			if len(b.changes) > 0 {
				b.draft.Apply(revision, b.changes...)
			}
			clear(b.bundles) // the last change of one may be of this command
		}
	}()
	current := b.draft.State()
	d, err = state.Decide(current, rules, p.meta, p.command)
	switch {
	case err != nil || len(d.Changes) == 0:
		return d, err
	case b.deletedOneOf(d.Keys):
		return d, errNextBatch
	}
	if !l.exclusive {
		b.bundle(d)
	}
	conditions, ok := l.preconditions(b, current, d)
	if !ok {
		return d, errNextBatch
	}
	writes := b.encode(current, d)
	if !b.fits(conditions, writes) {
		return d, errNextBatch
	}
	b.draft.Apply(revision, d.Changes...)
	b.add(d, conditions, writes)
	return d, nil
}

// preconditions returns the preconditions of a decision on a state that the batch does not
// have yet. A key that the batch itself has written is none. One that a batch in flight has
// written has no known revision: it must have the value, if no other write can have that
// too. It returns false if the command must wait for that batch.
func (l *loop) preconditions(b *batch, on *state.State, d command.Decision) ([]store.Precondition, bool) {
	if l.exclusive {
		return nil, true
	}
	reads := on.Reads(d)
	conditions := make([]store.Precondition, 0, len(reads))
	for _, r := range reads {
		if _, ok := b.written[r.Key]; ok || b.read[r.Key] {
			continue
		}
		condition := store.Precondition{Key: r.Key, Exists: r.Exists}
		if last := l.lastWriter(r.Key); last != nil {
			w := last.written[r.Key]
			if !w.unique {
				return nil, false
			}
			condition.Value = last.txn.Writes[w.index].Value
		}
		conditions = append(conditions, condition)
	}
	return conditions, true
}

// encode returns the writes of a decision on a state, until the next call. Their values are
// in b.values.
func (b *batch) encode(on *state.State, d command.Decision) []store.Write {
	b.encoded = b.encoded[:0]
	for i, c := range d.Changes {
		start, put := len(b.values), false
		b.values, put = on.Value(c, b.values)
		b.encoded = append(b.encoded, store.Write{Key: d.Keys[i], Value: b.values[start:len(b.values):len(b.values)], Delete: !put})
	}
	return b.encoded
}

// partBytes is what a key or a value needs besides its bytes, at most.
const partBytes = 24

// fits reports whether the batch stays within the limits of the store with one more
// decision. The first decision always fits: the store refuses it if it is too large.
func (b *batch) fits(conditions []store.Precondition, writes []store.Write) bool {
	if b.limits == (store.Limits{}) || len(b.changes) == 0 {
		return true
	}
	newWrites, keys, cost := 0, 0, 0
	for _, w := range writes {
		if _, ok := b.written[w.Key]; !ok {
			newWrites++
			keys += len(w.Key) + 2*partBytes
		}
	}
	for _, c := range conditions {
		keys += conditionBytes(c)
		cost += c.Cost()
	}
	return len(b.txn.Writes)+newWrites <= b.limits.Writes &&
		b.cost+cost <= b.limits.Preconditions &&
		b.keyBytes+keys+len(b.values) <= b.limits.Bytes
}

func conditionBytes(c store.Precondition) int { return 2*(len(c.Key)+partBytes) + len(c.Value) }

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
		w, ok := b.written[key]
		return ok && b.txn.Writes[w.index].Delete
	})
}

// add adds the changes of one decision.
func (b *batch) add(d command.Decision, conditions []store.Precondition, writes []store.Write) {
	for _, c := range conditions {
		if b.read[c.Key] {
			continue // the decision reads it twice
		}
		b.read[c.Key] = true
		b.keyBytes += conditionBytes(c)
		b.cost += c.Cost()
		b.chained = b.chained || c.Value != nil
		b.txn.Preconditions = append(b.txn.Preconditions, c)
	}
	b.changes = append(b.changes, d.Changes...)
	for i, w := range writes {
		if _, ok := d.Changes[i].(command.Part); ok {
			b.appendTo(w.Key, w.Value)
			continue
		}
		b.keyBytes += len(w.Key) + 2*partBytes
		u, ok := d.Changes[i].(command.Unique)
		b.write(w, ok && u.Unique() && !w.Delete)
	}
}

// write adds a write. It replaces an earlier write of its key: a new value takes the
// place of the old one, since writes after it may need the record, as instances need
// their service. A deletion comes last, since writes before it delete what needs the
// record; its earlier write is marked with an empty key.
func (b *batch) write(w store.Write, unique bool) {
	old, ok := b.written[w.Key]
	if ok && !w.Delete {
		b.txn.Writes[old.index] = w
		b.written[w.Key] = written{old.index, unique}
		return
	}
	if ok {
		b.txn.Writes[old.index] = store.Write{}
	}
	b.deletes = b.deletes || w.Delete
	b.written[w.Key] = written{len(b.txn.Writes), unique}
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
	b.proposals = nil
}

// answerActive answers the commands with changes of a committed batch and returns the
// others, whose outcome rests on a batch that has failed.
func (b *batch) answerActive() (passive []*proposal) {
	for i, p := range b.proposals {
		if b.outcomes[i].unchanged {
			passive = append(passive, p)
		} else {
			p.done <- b.outcomes[i]
		}
	}
	b.proposals = nil
	return passive
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

// apply publishes a transaction of another node.
func (l *loop) apply(b store.Batch) error {
	draft := state.NewDraft(l.Current().State)
	for _, w := range b.Writes {
		if err := applyStored(draft, b.Revision, w.Key, w.Value, w.Delete); err != nil {
			return fmt.Errorf("revision %d: %w", b.Revision, err)
		}
	}
	next := draft.Finish()
	next.Revision = uint64(b.Revision)
	l.publish(next)
	l.predicted = nil
	l.feed.add(b)
	return nil
}

// applyStored adds a record, or its deletion, as a store has it.
func applyStored(d *state.Draft, revision store.Revision, key string, value []byte, deleted bool) error {
	switch {
	case deleted:
		value = nil
	case value == nil:
		value = []byte{}
	}
	return d.ApplyStored(uint64(revision), key, value)
}
