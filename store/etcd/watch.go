package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cairn-discovery/cairn/store"
)

// Watch implements store.Store. While etcd is away it waits, and then goes on without a
// gap.
func (s *Store) Watch(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		defer context.AfterFunc(s.same, cancel)()
		for {
			next, err := s.watchOnce(ctx, after, yield)
			switch {
			case err == errStopped:
				return
			case context.Cause(s.same) != nil:
				yield(store.Batch{}, context.Cause(s.same))
				return
			case s.isEnded():
				yield(store.Batch{}, store.ErrClosed)
				return
			case ctx.Err() != nil:
				yield(store.Batch{}, ctx.Err())
				return
			case errors.Is(err, store.ErrCompacted) || isFormat(err):
				yield(store.Batch{}, err)
				return
			}
			after = next
			s.log.Warn("the watch of etcd ended; watching again", "after", after, "err", err)
			s.pause(ctx, retryPause)
		}
	}
}

// errStopped means that the caller of Watch wants no more.
var errStopped = errors.New("stopped")

func (s *Store) isEnded() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func (s *Store) pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	case <-s.closed:
	}
}

// watchOnce yields batches until its watch ends. It returns the revision after which to
// watch again.
func (s *Store) watchOnce(ctx context.Context, after store.Revision, yield func(store.Batch, error) bool) (store.Revision, error) {
	if s.isEnded() {
		return after, store.ErrClosed
	}
	s.mu.Lock()
	b := s.base
	s.mu.Unlock()
	if b == nil {
		return after, errNotLoaded
	}
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for resp := range s.watchChan(ctx, b.etcd(after)+1) {
		if resp.CompactRevision != 0 {
			return after, store.ErrCompacted
		}
		if err := resp.Err(); err != nil {
			return after, err
		}
		batches, err := s.batches(b, resp.Events)
		if err != nil {
			return after, err
		}
		s.saw(resp.Header.Revision)
		for _, batch := range batches {
			if batch.Revision <= after {
				continue
			}
			if !yield(batch, nil) {
				return after, errStopped
			}
			after = batch.Revision
		}
	}
	return after, errWatchClosed
}

var errWatchClosed = errors.New("etcd: the client closed the watch")

func (s *Store) watchChan(ctx context.Context, from int64) clientv3.WatchChan {
	return s.client.Watch(ctx, s.cfg.Prefix, clientv3.WithPrefix(), clientv3.WithRev(from), clientv3.WithFragment())
}

// batches turns events into batches. etcd delivers all events of a revision in one
// response, in the order of the operations.
func (s *Store) batches(b *base, events []*clientv3.Event) ([]store.Batch, error) {
	var all []store.Batch
	for start := 0; start < len(events); {
		end, revision := start, events[start].Kv.ModRevision
		for end < len(events) && events[end].Kv.ModRevision == revision {
			end++
		}
		batch, err := s.batch(events[start:end])
		if err != nil {
			return nil, err
		}
		if batch != nil {
			batch.Revision = b.of(revision)
			all = append(all, *batch)
		}
		start = end
	}
	return all, nil
}

// batch turns the events of one revision into a batch, or nil if it is no transaction of
// records.
func (s *Store) batch(events []*clientv3.Event) (*store.Batch, error) {
	var batch *store.Batch
	begin := func() *store.Batch {
		if batch == nil {
			batch = &store.Batch{}
		}
		return batch
	}
	for _, e := range events {
		key := string(e.Kv.Key[len(s.cfg.Prefix):])
		switch {
		case strings.HasPrefix(key, dataPrefix):
			w := store.Write{Key: key[len(dataPrefix):], Value: e.Kv.Value}
			if e.Type == clientv3.EventTypeDelete {
				w.Value, w.Delete = nil, true
			}
			begin().Writes = append(begin().Writes, w)
		case strings.HasPrefix(key, commitPrefix) && e.Type == clientv3.EventTypePut:
			if err := addDeletions(begin, e.Kv.Value); err != nil {
				return nil, err
			}
		case key == formatKey:
			if e.Type == clientv3.EventTypeDelete {
				return nil, store.ErrCompacted
			}
			if _, err := s.parseFormat(e.Kv.Value, 0, 0); err != nil {
				return nil, err
			}
		}
	}
	return batch, nil
}

// addDeletions adds the deletions of a transaction for which etcd has no event, since
// the keys were absent.
func addDeletions(begin func() *store.Batch, value []byte) error {
	var marker marker
	if err := json.Unmarshal(value, &marker); err != nil {
		return fmt.Errorf("etcd: malformed marker of a commit: %w", err)
	}
	batch := begin() // empty for a fence, so that its revision is reached
	if marker.Fence {
		return nil
	}
	written := make(map[string]bool, len(batch.Writes))
	for _, w := range batch.Writes {
		written[w.Key] = true
	}
	for _, key := range marker.Deletes {
		if !written[string(key)] {
			batch.Writes = append(batch.Writes, store.Write{Key: string(key), Delete: true})
		}
	}
	return nil
}

func isFormat(err error) bool {
	_, ok := errors.AsType[*store.FormatError](err)
	return ok
}
