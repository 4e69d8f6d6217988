package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairn-discovery/cairn/store"
)

// Commit implements store.Store. One transaction is committed at a time, with one
// write and one sync; a caller with many changes puts them into one transaction.
// Preconditions are checked against what was written since Base; Exists is not looked
// at. A context that ends while the transaction is being written does not stop it.
//
// Keys longer than 64 KiB and transactions larger than 16 MiB are errors.
func (s *Store) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	size, err := checkTxn(&txn)
	if err != nil {
		return 0, err
	}
	if err := s.lockLog(ctx); err != nil {
		return 0, err
	}
	defer s.unlockLog()
	return s.commit(&txn, size)
}

func checkTxn(txn *store.Txn) (int, error) {
	if err := txn.Check(); err != nil {
		return 0, err
	}
	for i := range txn.Writes {
		if n := len(txn.Writes[i].Key); n > maxKey {
			return 0, fmt.Errorf("%w: a key of %d bytes, %d are allowed", errTooLarge, n, maxKey)
		}
	}
	size := txnSize(txn)
	if size > maxTxn {
		return 0, fmt.Errorf("%w: %d bytes, %d are allowed", errTooLarge, size, maxTxn)
	}
	return size, nil
}

// commit writes a transaction as one frame. The caller holds the log.
func (s *Store) commit(txn *store.Txn, size int) (store.Revision, error) {
	revision := s.history.revision() + 1
	if err := s.check(txn, revision); err != nil {
		return 0, err
	}
	buf, writes := appendTxn(make([]byte, frameHeader, frameHeader+size), make([]store.Write, 0, len(txn.Writes)), txn.Writes)
	if err := s.log.append(buf, revision); err != nil {
		if errors.Is(err, store.ErrUncertain) {
			s.state = uncertain
			s.cfg.Logger.Error("the outcome of a commit is unknown, commits are refused until the data is loaded again", "error", err)
		}
		return 0, err
	}
	s.logBytes.Add(int64(len(buf)))
	s.history.add([]store.Batch{{Revision: revision, Writes: writes}})
	return revision, nil
}

// check returns an error if the transaction cannot get the revision.
func (s *Store) check(txn *store.Txn, revision store.Revision) error {
	switch s.state {
	case unloaded:
		return errNotLoaded
	case uncertain:
		return store.ErrUncertain
	}
	if txn.Base >= revision {
		return fmt.Errorf("%w: %d, the store is at %d", errBase, txn.Base, revision-1)
	}
	if s.history.conflicts(txn.Base, txn.Preconditions) {
		return store.ErrConflict
	}
	return nil
}
