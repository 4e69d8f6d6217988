package etcd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// contactInterval is the time between two checks that etcd answers.
const contactInterval = time.Second

// Run does what the store needs while it is open, until ctx ends: it notices when etcd
// does not answer, and it deletes old history.
func (s *Store) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.checkContact(ctx); return nil })
	if s.cfg.CompactAfter > 0 {
		g.Go(func() error { s.compact(ctx); return nil })
	}
	return g.Wait()
}

func (s *Store) inContact(at time.Time) {
	s.lastContact.Store(at.UnixNano())
	if s.away.Swap(false) {
		s.log.Info("etcd answers again")
	}
}

// saw notes a revision that etcd has.
func (s *Store) saw(revision int64) {
	for {
		old := s.seen.Load()
		if revision <= old || s.seen.CompareAndSwap(old, revision) {
			return
		}
	}
}

// identity is what does not change, or only rises, as long as etcd has its data.
type identity struct {
	cluster, term uint64
	revision      int64
}

// replacedBy returns an error if an answer is not from the etcd of an earlier one.
func (i identity) replacedBy(h *pb.ResponseHeader) error {
	switch {
	case i.cluster != 0 && h.ClusterId != i.cluster:
		return fmt.Errorf("%w: its cluster id is %x and was %x", errReplaced, h.ClusterId, i.cluster)
	case h.Revision < i.revision:
		return fmt.Errorf("%w: its revision is %d and was %d", errReplaced, h.Revision, i.revision)
	case h.RaftTerm < i.term:
		return fmt.Errorf("%w: its raft term is %d and was %d", errReplaced, h.RaftTerm, i.term)
	}
	return nil
}

// errReplaced means that etcd does not have the data on which this process builds.
var errReplaced = errors.New("etcd was replaced, or restored from a snapshot: what was written after the snapshot is lost. Start this node again to go on with what etcd has now")

// checkContact asks a member about every second for a value that a majority confirms. It
// notices when etcd has other data than before.
func (s *Store) checkContact(ctx context.Context) {
	var known identity
	for ctx.Err() == nil && !s.isEnded() {
		start := time.Now()
		known.revision = s.seen.Load()
		attempt, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), min(s.cfg.Timeout, 2*contactInterval))
		resp, err := s.client.Get(attempt, s.key(formatKey), clientv3.WithKeysOnly())
		cancel()
		switch {
		case err == nil:
			if err := known.replacedBy(resp.Header); err != nil {
				s.log.Error("writes are refused from now on", "err", err)
				s.replaced(err)
				return
			}
			known.cluster, known.term = resp.Header.ClusterId, resp.Header.RaftTerm
			s.inContact(start)
		case ctx.Err() == nil && time.Since(time.Unix(0, s.lastContact.Load())) > 3*contactInterval && !s.away.Swap(true):
			s.log.Error("etcd does not answer; reads continue and may be old, writes are refused", "err", err)
		}
		s.pause(ctx, contactInterval-time.Since(start)%contactInterval)
	}
}

// compact deletes the history of etcd that is older than CompactAfter. All nodes try,
// and the first in each period does it: they compare and replace one key, which has the
// revision up to which the next one may delete.
func (s *Store) compact(ctx context.Context) {
	key := s.key(compactionKey)
	var seen int64 // version of the key
	for {
		s.pause(ctx, s.cfg.CompactAfter)
		if ctx.Err() != nil || s.isEnded() {
			return
		}
		attempt, cancel := s.request(ctx)
		version, through, err := s.claimCompaction(attempt, key, seen)
		if err == nil && through > 0 {
			if _, err = s.client.Compact(attempt, through); err == nil {
				s.log.Debug("history deleted", "through", through)
			}
		}
		cancel()
		if err != nil && ctx.Err() == nil {
			s.log.Warn("the history of etcd was not deleted", "err", err)
			continue
		}
		seen = version
	}
}

// claimCompaction returns the version of the key, and the revision through which this
// node may delete history; 0 if another node has done it in this period.
func (s *Store) claimCompaction(ctx context.Context, key string, seen int64) (version, through int64, err error) {
	resp, err := s.client.Get(ctx, key)
	if err != nil {
		return seen, 0, err
	}
	if len(resp.Kvs) > 0 {
		version = resp.Kvs[0].Version
	}
	if version != seen {
		return version, 0, nil
	}
	now := strconv.FormatInt(resp.Header.Revision, 10)
	txn, err := s.client.Txn(ctx).If(clientv3.Compare(clientv3.Version(key), "=", version)).Then(clientv3.OpPut(key, now)).Commit()
	if err != nil || !txn.Succeeded {
		return seen, 0, err
	}
	if version == 0 {
		return 1, 0, nil
	}
	through, err = strconv.ParseInt(string(resp.Kvs[0].Value), 10, 64)
	return version + 1, through, err
}
