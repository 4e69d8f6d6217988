package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cairn-discovery/cairn/store"
)

// The layout of the keys behind the prefix. DESIGN.md describes it for operators.
const (
	formatKey     = "format"   // the format and the first revision, JSON
	dataPrefix    = "data/"    // the records, by their keys
	commitPrefix  = "commits/" // the newest commit of each slot of a process, JSON
	compactionKey = "compaction"
)

// format is the version of the layout and of the records. A store with a higher one is
// refused.
const format = 1

// formatRecord is the value of formatKey.
type formatRecord struct {
	// Format is the version of cairn's keys and records.
	Format int `json:"format"`
	// First is the revision of cairn at which the keys were begun. It is not zero if
	// the records came from another store.
	First store.Revision `json:"first_revision"`
	// Importing means that an import has not ended.
	Importing bool `json:"importing,omitempty"`
}

// base is what Load knows of the format record. Revisions of etcd and of cairn differ by
// a constant.
type base struct {
	created int64 // the revision of etcd that created the format record
	changed int64 // that last wrote it
	first   store.Revision
}

// of returns the revision of cairn for one of etcd.
func (b *base) of(revision int64) store.Revision {
	return store.Revision(max(0, revision-b.created)) + b.first
}

// etcd returns the revision of etcd for one of cairn.
func (b *base) etcd(revision store.Revision) int64 {
	if revision < b.first {
		return 0
	}
	return int64(revision-b.first) + b.created
}

func (s *Store) key(parts ...string) string { return s.cfg.Prefix + strings.Join(parts, "") }

// data returns the key in etcd of a record.
func (s *Store) data(key string) string { return s.cfg.Prefix + dataPrefix + key }

// readFormat reads the format record, and writes it first if there is none.
func (s *Store) readFormat(ctx context.Context) (*base, error) {
	key := s.key(formatKey)
	value, err := json.Marshal(formatRecord{Format: format, First: s.cfg.First, Importing: s.cfg.Import})
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.request(ctx)
	defer cancel()
	resp, err := s.client.Get(ctx, key)
	if err != nil {
		return nil, s.readError(err)
	}
	if len(resp.Kvs) == 0 {
		txn, err := s.client.Txn(ctx).If(clientv3.Compare(clientv3.Version(key), "=", 0)).
			Then(clientv3.OpPut(key, string(value))).Commit()
		if err != nil {
			return nil, s.readError(err)
		}
		if txn.Succeeded {
			s.log.Info("a new store was begun in etcd", "prefix", s.cfg.Prefix, "format", format)
		}
		if resp, err = s.client.Get(ctx, key); err != nil {
			return nil, s.readError(err)
		}
		if len(resp.Kvs) == 0 {
			return nil, fmt.Errorf("etcd: the key %s vanished", key)
		}
	}
	return s.parseFormat(resp.Kvs[0].Value, resp.Kvs[0].CreateRevision, resp.Kvs[0].ModRevision)
}

func (s *Store) parseFormat(value []byte, created, changed int64) (*base, error) {
	var f formatRecord
	if err := json.Unmarshal(value, &f); err != nil || f.Format < 1 {
		return nil, fmt.Errorf("etcd: the value of %s is not a format of cairn: %q", s.key(formatKey), value)
	}
	if f.Format > format {
		return nil, &store.FormatError{Have: f.Format, Known: format}
	}
	if f.Importing != s.cfg.Import {
		return nil, s.importError(f.Importing)
	}
	return &base{created: created, changed: changed, first: f.First}, nil
}

func (s *Store) importError(importing bool) error {
	if importing {
		return fmt.Errorf("etcd: an import into %s has not ended: wait for it, run cairn migrate again, or delete the keys with this prefix", s.cfg.Prefix)
	}
	return fmt.Errorf("etcd: there is a store in %s already: give another prefix, or delete the keys with this prefix", s.cfg.Prefix)
}

// FinishImport lets others use a store that was opened with Import, and closes nothing.
// Revisions are then higher by shift, so that they go on from Config.First.
func (s *Store) FinishImport(ctx context.Context) (shift store.Revision, err error) {
	s.mu.Lock()
	b := s.base
	s.mu.Unlock()
	if b == nil {
		return 0, errNotLoaded
	}
	first := max(b.first, s.cfg.First)
	value, err := json.Marshal(formatRecord{Format: format, First: first})
	if err != nil {
		return 0, err
	}
	ctx, cancel := s.request(ctx)
	defer cancel()
	key := s.key(formatKey)
	resp, err := s.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", b.changed)).
		Then(clientv3.OpPut(key, string(value))).Commit()
	if err != nil {
		return 0, s.classify(err)
	}
	if !resp.Succeeded {
		return 0, errors.New("etcd: the store was replaced by another one during the import")
	}
	return first - b.first, nil
}
