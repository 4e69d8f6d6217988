package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cairn-discovery/cairn/store"
)

// sessionTTL is how long the slots of a process stay after it has ended.
const sessionTTL = time.Hour

// openSession begins a session if there is none: a lease, and slots with new names.
func (s *Store) openSession(ctx context.Context) error {
	s.mu.Lock()
	open := s.lease != 0
	s.mu.Unlock()
	if open {
		return nil
	}
	ctx, cancel := s.request(ctx)
	defer cancel()
	granted, err := s.client.Grant(ctx, int64(sessionTTL/time.Second))
	if err != nil {
		return fmt.Errorf("grant a lease: %w", s.readError(err))
	}
	beats, err := s.client.KeepAlive(s.ctx, granted.ID)
	if err != nil {
		return fmt.Errorf("keep a lease: %w", s.readError(err))
	}
	go func() { // ends with the lease or with the client
		for range beats {
		}
	}()
	ops := s.probeLimit(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lease, s.session, s.slots, s.free, s.txnOps = granted.ID, randomID(), 0, nil, ops
	return nil
}

// dropSession ends a session whose lease or keys are lost. Its slots are not used again.
func (s *Store) dropSession() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lease, s.free = 0, nil
}

// ownsSlot reports whether a slot belongs to the session. The caller holds mu.
func (s *Store) ownsSlot(sl *slot) bool {
	return s.lease != 0 && strings.HasPrefix(sl.key, s.key(commitPrefix, s.session, "/"))
}

// probeLimit returns how many operations etcd accepts in a transaction: --max-txn-ops.
func (s *Store) probeLimit(ctx context.Context) int {
	for _, n := range []int{4096, 1024, 512, 256} {
		ops := make([]clientv3.Op, n)
		for i := range ops {
			ops[i] = clientv3.OpGet(s.key(formatKey), clientv3.WithCountOnly(), clientv3.WithSerializable())
		}
		if _, err := s.client.Txn(ctx).Then(ops...).Commit(); err == nil {
			return n
		}
	}
	return defaultTxnOps
}

// settlePending settles all uncertain commits. While etcd is known not to answer it does
// not try, so that callers are told soon.
func (s *Store) settlePending(ctx context.Context) error {
	s.mu.Lock()
	pending := s.pending
	s.mu.Unlock()
	if len(pending) > 0 && s.away.Load() {
		return fmt.Errorf("%w: no member of etcd answers", store.ErrUncertain)
	}
	for _, sl := range pending {
		if _, err := s.settle(ctx, sl, time.Now().Add(s.cfg.Timeout/2)); err != nil && !errors.Is(err, errSessionLost) {
			return fmt.Errorf("%w: %w", store.ErrUncertain, err)
		}
	}
	return nil
}

// settle finds out whether an uncertain commit was made and returns its revision in
// etcd, or 0 if it was not made and never will be. It puts a fence into the slot: either
// that succeeds, and then the comparison of the commit can succeed no more; or the slot
// has the mark of the commit. It tries until the deadline.
func (s *Store) settle(ctx context.Context, sl *slot, deadline time.Time) (int64, error) {
	fence := `{"id":"` + randomID() + `","fence":true}`
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for {
		revision, err := s.fence(ctx, sl, fence)
		if err == nil || errors.Is(err, errSessionLost) {
			s.settled(sl)
			return revision, err
		}
		if ctx.Err() != nil || s.isEnded() {
			return 0, err
		}
		s.pause(ctx, retryPause)
	}
}

// fence tries once to put a fence into a slot.
func (s *Store) fence(ctx context.Context, sl *slot, fence string) (int64, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	resp, err := s.kv.Txn(ctx, &pb.TxnRequest{
		Compare: []*pb.Compare{sl.unchanged()},
		Success: []*pb.RequestOp{put(&pb.PutRequest{Key: []byte(sl.key), Value: []byte(fence)})},
		Failure: []*pb.RequestOp{get(sl.key)},
	})
	if err != nil {
		return 0, s.readError(clientv3.ContextError(ctx, err))
	}
	if resp.Succeeded {
		sl.value = fence
		return 0, nil
	}
	held := resp.Responses[0].GetResponseRange()
	switch valueOf(held) {
	case sl.next:
		sl.value = sl.next
		return held.Kvs[0].ModRevision, nil
	case fence: // an attempt before this one succeeded
		sl.value = fence
		return 0, nil
	}
	// The commit can succeed no more, but nobody knows whether it has.
	s.dropSession()
	return 0, errSessionLost
}

// settled makes a slot free again.
func (s *Store) settled(sl *slot) {
	s.mu.Lock()
	for i, p := range s.pending {
		if p == sl {
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	s.putSlot(sl)
}
