package etcd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/cairn-discovery/cairn/store"
)

// ownOps is the number of operations and comparisons that a transaction has besides
// those of the caller: the format and the marker of the slot.
const ownOps = 2

// maxSlots is the number of commits that can be in flight; more wait.
const maxSlots = 64

var errNotLoaded = errors.New("etcd: Load must be called before Commit")

// slot is a key with which one commit at a time marks what it has done. A commit
// compares the value and replaces it, so a commit whose outcome is unknown can be
// ruled out by replacing the value first.
type slot struct {
	key string
	// value is what the slot holds; empty means that there is no such key.
	value string
	// next is what an uncertain commit would have written.
	next string
}

// marker is the value of a slot.
type marker struct {
	ID string `json:"id"`
	// Fence means that no commit but a settlement wrote the slot.
	Fence bool `json:"fence,omitempty"`
	// Deletes are keys that the commit deleted although they may have been absent.
	// Bytes, since a key need not be text.
	Deletes [][]byte `json:"deletes,omitempty"`
}

// Commit implements store.Store. Several may be in flight.
func (s *Store) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := txn.Check(); err != nil {
		return 0, err
	}
	done, err := s.begin()
	if err != nil {
		return 0, err
	}
	defer done()
	if err := context.Cause(s.same); err != nil {
		return 0, err
	}
	if s.away.Load() {
		return 0, fmt.Errorf("%w: no member of etcd answers", store.ErrUnreachable)
	}
	return s.commitWithin(ctx, &txn, time.Now().Add(s.cfg.Timeout))
}

// commitWithin commits a transaction. It tries again until the deadline while it is
// known that nothing was committed, so that an election among the members is no error.
func (s *Store) commitWithin(ctx context.Context, txn *store.Txn, deadline time.Time) (store.Revision, error) {
	for {
		b, lease, sl, err := s.takeSlot(ctx)
		if err != nil {
			return 0, err
		}
		revision, err := s.commitIn(ctx, b, lease, sl, txn, deadline)
		again := errors.Is(err, store.ErrUnreachable) || errors.Is(err, errSessionLost)
		if !again || time.Now().After(deadline.Add(-s.cfg.Timeout/2)) || ctx.Err() != nil || s.isEnded() {
			return revision, asUnreachable(err)
		}
		s.pause(ctx, retryPause/4)
	}
}

// asUnreachable hides what only this package knows.
func asUnreachable(err error) error {
	if errors.Is(err, errSessionLost) {
		return fmt.Errorf("%w: %w", store.ErrUnreachable, err)
	}
	return err
}

// commitIn commits a transaction with a slot, which it returns or keeps as pending. It
// leaves a part of the time to settle a commit of which etcd says nothing.
func (s *Store) commitIn(ctx context.Context, b *base, lease clientv3.LeaseID, sl *slot, txn *store.Txn, deadline time.Time) (store.Revision, error) {
	request, next, err := s.encode(b, lease, sl, txn)
	if err != nil {
		s.putSlot(sl)
		return 0, err
	}
	sl.next = next
	attempt, cancel := s.request(context.WithoutCancel(ctx))
	attempt, cancelEarly := context.WithDeadline(attempt, deadline.Add(-s.cfg.Timeout/3))
	resp, err := s.kv.Txn(attempt, request, grpc.MaxCallSendMsgSize(s.cfg.maxMessageBytes()))
	err = clientv3.ContextError(attempt, err)
	cancelEarly()
	cancel()
	if err != nil {
		return s.commitFailed(ctx, b, sl, s.classify(err), deadline)
	}
	if !resp.Succeeded {
		return 0, s.refused(b, sl, resp)
	}
	sl.value = next
	s.putSlot(sl)
	s.saw(resp.Header.Revision)
	return b.of(resp.Header.Revision), nil
}

// commitFailed settles a commit that ended with an error.
func (s *Store) commitFailed(ctx context.Context, b *base, sl *slot, err error, deadline time.Time) (store.Revision, error) {
	if errors.Is(err, errSessionLost) {
		s.dropSession()
		return 0, err
	}
	if !errors.Is(err, store.ErrUncertain) {
		s.putSlot(sl)
		return 0, err
	}
	s.log.Warn("the outcome of a commit is unknown; asking etcd", "err", err)
	s.mu.Lock()
	s.pending = append(s.pending, sl)
	s.mu.Unlock()
	revision, settleErr := s.settle(context.WithoutCancel(ctx), sl, deadline)
	switch {
	case settleErr != nil:
		return 0, fmt.Errorf("%w: %w", store.ErrUncertain, err)
	case revision == 0:
		return 0, fmt.Errorf("%w: %w", store.ErrUnreachable, err)
	}
	return b.of(revision), nil
}

// refused says why a comparison of a transaction failed.
func (s *Store) refused(b *base, sl *slot, resp *pb.TxnResponse) error {
	format, held := resp.Responses[0].GetResponseRange(), resp.Responses[1].GetResponseRange()
	if len(format.Kvs) == 0 || format.Kvs[0].ModRevision != b.changed {
		s.putSlot(sl)
		if len(format.Kvs) > 0 {
			if _, err := s.parseFormat(format.Kvs[0].Value, 0, 0); err != nil {
				return err
			}
		}
		return errors.New("etcd: the store was replaced by another one")
	}
	if valueOf(held) != sl.value {
		s.dropSession() // someone has deleted the keys of this process
		return errSessionLost
	}
	s.putSlot(sl)
	return store.ErrConflict
}

func valueOf(r *pb.RangeResponse) string {
	if len(r.Kvs) == 0 {
		return ""
	}
	return string(r.Kvs[0].Value)
}

// unsureDeletes returns the deleted keys that no precondition says to exist: etcd has no
// event for the deletion of an absent key.
func (s *Store) unsureDeletes(txn *store.Txn) [][]byte {
	var keys [][]byte
	var exists map[string]bool
	for _, w := range txn.Writes {
		if !w.Delete {
			continue
		}
		if exists == nil {
			exists = make(map[string]bool, len(txn.Preconditions))
			for _, p := range txn.Preconditions {
				exists[p.Key] = p.Exists || p.Value != nil
			}
		}
		if !exists[w.Key] {
			keys = append(keys, []byte(w.Key))
		}
	}
	return keys
}

// takeSlot returns a free slot, with the base and the lease of the session.
func (s *Store) takeSlot(ctx context.Context) (*base, clientv3.LeaseID, *slot, error) {
	for {
		s.mu.Lock()
		switch {
		case s.base == nil:
			s.mu.Unlock()
			return nil, 0, nil, errNotLoaded
		case len(s.pending) > 0:
			s.mu.Unlock()
			return nil, 0, nil, fmt.Errorf("%w: an earlier commit is not settled", store.ErrUnreachable)
		case s.lease == 0:
			s.mu.Unlock()
			if err := s.openSession(ctx); err != nil {
				return nil, 0, nil, err
			}
			continue
		}
		sl := s.nextSlot()
		b, lease := s.base, s.lease
		s.mu.Unlock()
		if sl != nil {
			return b, lease, sl, nil
		}
		select {
		case <-s.slotFreed:
		case <-ctx.Done():
			return nil, 0, nil, ctx.Err()
		}
	}
}

// nextSlot returns a free or a new slot, or nil if all are in use. The caller holds mu.
func (s *Store) nextSlot() *slot {
	if n := len(s.free); n > 0 {
		sl := s.free[n-1]
		s.free = s.free[:n-1]
		return sl
	}
	if s.slots == maxSlots {
		return nil
	}
	s.slots++
	return &slot{key: s.key(commitPrefix, s.session, "/", strconv.Itoa(s.slots))}
}

// putSlot gives a slot back.
func (s *Store) putSlot(sl *slot) {
	s.mu.Lock()
	if s.ownsSlot(sl) {
		s.free = append(s.free, sl)
	}
	s.mu.Unlock()
	select {
	case s.slotFreed <- struct{}{}:
	default:
	}
}
