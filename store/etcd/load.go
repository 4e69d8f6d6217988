package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cairn-discovery/cairn/store"
)

// Sizes of pages. etcd counts the rest of the range for every page, so few large
// pages are much faster than many small ones.
const (
	firstPage = 1000
	maxPage   = 50_000
	pageBytes = 8 << 20
)

// Load implements store.Store. It settles uncertain commits first.
func (s *Store) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	done, err := s.begin()
	if err != nil {
		return 0, err
	}
	defer done()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := s.settlePending(ctx); err != nil {
		return 0, err
	}
	b, err := s.readFormat(ctx)
	if err != nil {
		return 0, s.orEnded(ctx, err)
	}
	if err := s.openSession(ctx); err != nil {
		return 0, s.orEnded(ctx, err)
	}
	revision, err := s.loadPages(ctx, b, visit)
	if err != nil {
		return 0, s.orEnded(ctx, err)
	}
	s.mu.Lock()
	s.base = b
	s.mu.Unlock()
	s.saw(revision)
	s.inContact(time.Now())
	return b.of(revision), ctx.Err()
}

// Newest implements store.Linear: every commit writes a slot, which stays for an hour after
// its process.
func (s *Store) Newest(ctx context.Context) (store.Revision, error) {
	done, err := s.begin()
	if err != nil {
		return 0, err
	}
	defer done()
	s.mu.Lock()
	b := s.base
	s.mu.Unlock()
	if b == nil {
		return 0, errNotLoaded
	}
	ctx, cancel := s.request(ctx)
	defer cancel()
	newest := append(clientv3.WithLastRev(), clientv3.WithPrefix(), clientv3.WithKeysOnly())
	resp, err := s.client.Get(ctx, s.key(commitPrefix), newest...)
	if err != nil {
		return 0, s.readError(err)
	}
	if len(resp.Kvs) == 0 {
		return b.first, nil
	}
	return b.of(resp.Kvs[0].ModRevision), nil
}

// orEnded prefers the reason why a request ended: the caller, or Close.
func (s *Store) orEnded(ctx context.Context, err error) error {
	if s.ctx.Err() != nil {
		return store.ErrClosed
	}
	if ctxErr := ctx.Err(); ctxErr != nil && !errors.Is(err, ctxErr) {
		return fmt.Errorf("%w: %w", ctxErr, err)
	}
	return err
}

// loadPages visits all records as of the revision of the first page.
func (s *Store) loadPages(ctx context.Context, b *base, visit func([]store.Change) error) (revision int64, err error) {
	from, limit := s.data(""), int64(firstPage)
	end := clientv3.GetPrefixRangeEnd(from)
	for {
		page, err := s.page(ctx, from, end, limit, revision)
		if err != nil {
			return 0, err
		}
		if revision == 0 {
			revision = page.Header.Revision
		}
		if err := visit(s.changes(b, page.Kvs)); err != nil {
			return 0, err
		}
		if !page.More || len(page.Kvs) == 0 {
			return revision, nil
		}
		from = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
		limit = nextLimit(page.Kvs)
	}
}

func (s *Store) page(ctx context.Context, from, end string, limit, revision int64) (*clientv3.GetResponse, error) {
	// A page may be large and etcd busy: it gets more time than other requests.
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), 10*s.cfg.Timeout)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	page, err := s.client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(limit), clientv3.WithRev(revision))
	if errors.Is(err, rpctypes.ErrCompacted) {
		return nil, store.ErrCompacted
	}
	if err != nil {
		return nil, s.readError(err)
	}
	return page, nil
}

// nextLimit returns the number of records that fill a page.
func nextLimit(page []*mvccpb.KeyValue) int64 {
	size := 1
	for _, kv := range page {
		size += len(kv.Key) + len(kv.Value)
	}
	return int64(min(maxPage, max(firstPage, pageBytes*len(page)/size)))
}

func (s *Store) changes(b *base, kvs []*mvccpb.KeyValue) []store.Change {
	prefix := len(s.cfg.Prefix) + len(dataPrefix)
	all := make([]store.Change, len(kvs))
	for i, kv := range kvs {
		all[i] = store.Change{Record: store.Record{Key: string(kv.Key[prefix:]), Value: kv.Value, Revision: b.of(kv.ModRevision)}}
	}
	return all
}
