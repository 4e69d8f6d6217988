package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/cairn-discovery/cairn/store"
)

// groupLimit is how many bytes of transactions are committed in one go, unless
// a single one is larger.
const groupLimit = 1 << 20

// Commit implements store.Store. Commits that come at the same time share one
// write and one sync, and each gets its own revision. Preconditions are checked
// against what was written since Base; Exists is not looked at. A context that
// ends while the transaction is being written does not stop it.
//
// Errors beside those of the contract: keys over MaxKey and transactions over
// MaxTxn bytes are refused.
func (s *Store) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	size, err := checkTxn(&txn)
	if err != nil {
		return 0, err
	}
	r := s.requests.Get().(*request)
	defer s.requests.Put(r)
	*r = request{txn: txn, size: size, wake: r.wake}
	lead, err := s.queue.join(ctx, r)
	if lead {
		s.lead()
	}
	revision, err := r.revision, errors.Join(err, r.err)
	r.txn = store.Txn{}
	return revision, err
}

func checkTxn(txn *store.Txn) (int, error) {
	for i := range txn.Writes {
		if n := len(txn.Writes[i].Key); n > MaxKey {
			return 0, fmt.Errorf("%w: a key of %d bytes, %d are allowed", errTooLarge, n, MaxKey)
		}
	}
	size := txnSize(txn)
	if size > MaxTxn {
		return 0, fmt.Errorf("%w: %d bytes, %d are allowed", errTooLarge, size, MaxTxn)
	}
	return size, nil
}

// lead commits all that wait and passes the lead on.
func (s *Store) lead() {
	if s.crowded {
		// Those of the last group are about to come back. To let them run first
		// makes one large group of what would be a small one and a large one.
		runtime.Gosched()
	}
	s.group = s.queue.take(s.group[:0], groupLimit)
	s.crowded = len(s.group) > 1
	s.commitGroup(s.group)
	for _, r := range s.group[1:] { // the first is the leader itself
		r.wake <- false
	}
	clear(s.group)
	s.queue.pass()
}

// commitGroup gives every request its revision or its error.
func (s *Store) commitGroup(group []*request) {
	first := s.history.revision() + 1
	g := s.gather(group, first)
	if len(g.batches) == 0 {
		return
	}
	err := s.log.append(g.buf, len(g.batches), first)
	if err == nil {
		s.logBytes.Add(int64(len(g.buf)))
		s.history.add(g.batches)
		return
	}
	if errors.Is(err, store.ErrUncertain) {
		s.state = uncertain
		s.cfg.Logger.Error("the outcome of a commit is unknown, commits are refused until the data is loaded again", "error", err)
	}
	for _, r := range group {
		if r.err == nil {
			r.revision, r.err = 0, err
		}
	}
}

// gathered is a group on its way to the log.
type gathered struct {
	buf     []byte // room for the frame's header, then the payload
	batches []store.Batch
	writes  []store.Write // backs those of batches
}

// gather encodes the requests that may commit and gives them revisions from
// first on. The others get their error.
func (s *Store) gather(group []*request, first store.Revision) gathered {
	size, writes := frameHeader, 0
	for _, r := range group {
		size += r.size
		writes += len(r.txn.Writes)
	}
	g := gathered{
		buf:     make([]byte, frameHeader, size),
		batches: make([]store.Batch, 0, len(group)),
		writes:  make([]store.Write, 0, writes),
	}
	clear(s.seen)
	for _, r := range group {
		if r.err = s.admit(&r.txn, first); r.err != nil {
			continue
		}
		r.revision = first + store.Revision(len(g.batches))
		start := len(g.writes)
		g.buf, g.writes = appendTxn(g.buf, g.writes, r.txn.Writes)
		g.batches = append(g.batches, store.Batch{Revision: r.revision, Writes: g.writes[start:len(g.writes):len(g.writes)]})
		if len(group) > 1 {
			s.see(r.txn.Writes)
		}
	}
	return g
}

// admit says whether a transaction may commit after those of the group so far.
func (s *Store) admit(txn *store.Txn, first store.Revision) error {
	switch s.state {
	case unloaded:
		return errNotLoaded
	case uncertain:
		return store.ErrUncertain
	}
	if txn.Base >= first {
		return fmt.Errorf("%w: %d, the store is at %d", errBase, txn.Base, first-1)
	}
	if s.history.conflicts(txn.Base, txn.Preconditions) {
		return store.ErrConflict
	}
	for i := range txn.Preconditions {
		if _, ok := s.seen[txn.Preconditions[i].Key]; ok {
			return store.ErrConflict
		}
	}
	return nil
}

func (s *Store) see(writes []store.Write) {
	for i := range writes {
		s.seen[writes[i].Key] = struct{}{}
	}
}
