package node

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/cluster"
	"github.com/cairn-discovery/cairn/store/embedded"
	"github.com/cairn-discovery/cairn/store/etcd"
)

// Migration copies all records from one kind of store to another one.
type Migration struct {
	// Config names both stores: data_dir for the embedded one, and the settings of the
	// other one, which is its Store.
	Config config.Config
	// ToEmbedded is the direction. Then Target is the data folder that is created.
	ToEmbedded bool
	Target     string
	// Prepare is a backup of the node that runs. It is copied to the shared store, and
	// the import does not end: the Run without Prepare, for which the node has stopped,
	// copies only what has changed since. Empty: everything is done at once.
	Prepare string
	// Logger gets the messages of the stores. Nil discards them.
	Logger *slog.Logger
}

// Migrated is the result of a migration.
type Migrated struct {
	// Records is the number of records. They were compared one by one.
	Records int
	// Written is the number of those that the target did not have before.
	Written int
	// From and To are the revisions of the stores.
	From, To uint64
}

// Run copies the records and compares both stores. No node may run on either, but for
// Prepare; the target must be empty, or an import that has not ended. If it fails, the target is not used by any node: a shared store stays
// marked as an import that has not ended, and no data folder is made.
func (m *Migration) Run(ctx context.Context) (Migrated, error) {
	if m.Logger == nil {
		m.Logger = slog.New(slog.DiscardHandler)
	}
	local, shared := m.Config, m.Config
	local.Store = config.StoreEmbedded
	if m.ToEmbedded {
		local.DataDir = m.Target
		return m.toEmbedded(ctx, &local, &shared)
	}
	return m.toShared(ctx, &local, &shared)
}

// contents are the records of a store by key.
type contents map[string]store.Record

func (m *Migration) toShared(ctx context.Context, local, shared *config.Config) (done Migrated, err error) {
	records, from, err := m.source(ctx, local)
	if err != nil {
		return done, err
	}
	target, err := m.open(ctx, shared, from, true)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	written, err := target.fill(ctx, records)
	if err != nil {
		return done, err
	}
	copied, to, err := target.load(ctx)
	if err != nil {
		return done, err
	}
	if err := compare(records, copied); err != nil {
		return done, err
	}
	done = Migrated{Records: len(records), Written: written, From: uint64(from), To: uint64(to)}
	if m.Prepare != "" {
		return done, nil
	}
	shift, err := target.finish(ctx)
	done.To += uint64(shift)
	return done, err
}

// source reads the records of the data folder, or of the backup of Prepare.
func (m *Migration) source(ctx context.Context, local *config.Config) (records contents, at store.Revision, err error) {
	folder := *local
	if m.Prepare != "" {
		if folder.DataDir, err = restoreToTemp(m.Prepare); err != nil {
			return nil, 0, err
		}
		defer os.RemoveAll(folder.DataDir)
	}
	if _, err := os.Stat(folder.DataDir); err != nil {
		return nil, 0, fmt.Errorf("data_dir: %w", err)
	}
	source, err := m.open(ctx, &folder, 0, false)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	return source.load(ctx)
}

// restoreToTemp makes a temporary data folder from a backup, at its revision.
func restoreToTemp(backup string) (dir string, err error) {
	f, err := os.Open(backup)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if dir, err = os.MkdirTemp("", "cairn-migrate-*"); err != nil {
		return "", err
	}
	if _, err = embedded.Restore(embedded.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)}, bufio.NewReader(f)); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

func (m *Migration) toEmbedded(ctx context.Context, local, shared *config.Config) (done Migrated, err error) {
	source, err := m.open(ctx, shared, 0, false)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	records, from, err := source.load(ctx)
	if err != nil {
		return done, err
	}
	if err := restoreRecords(local.DataDir, from, records); err != nil {
		return done, err
	}
	target, err := m.open(ctx, local, 0, false)
	if err != nil {
		return done, err
	}
	copied, to, err := target.load(ctx)
	err = errors.Join(err, target.close())
	if err == nil {
		err = compare(records, copied)
	}
	if err == nil {
		err = source.unchanged(ctx, from, records)
	}
	if err != nil {
		return done, fmt.Errorf("%w; delete the folder %s", err, local.DataDir)
	}
	return Migrated{Records: len(records), Written: len(records), From: uint64(from), To: uint64(to)}, nil
}

// restoreRecords makes a data folder with records.
func restoreRecords(dir string, at store.Revision, records contents) error {
	f, err := os.CreateTemp("", "cairn-migrate-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	out := bufio.NewWriterSize(f, backupBuffer)
	sorted := func(yield func(store.Record) bool) {
		for _, key := range slices.Sorted(maps.Keys(records)) {
			if !yield(records[key]) {
				return
			}
		}
	}
	if err := embedded.WriteBackup(out, at, sorted); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = Restore(dir, bufio.NewReader(f))
	return err
}

// compare returns an error that names a record by which two stores differ.
func compare(want, got contents) error {
	for key, r := range want {
		if other, ok := got[key]; !ok || !bytes.Equal(r.Value, other.Value) {
			return fmt.Errorf("the stores differ after the copy, first by the record %q", key)
		}
	}
	if len(want) != len(got) {
		return fmt.Errorf("the target has %d records and the source %d", len(got), len(want))
	}
	return nil
}

// migratingStore is one of the two stores.
type migratingStore struct {
	store.Store
	stop func() error
}

// open opens a store and runs what it needs. A shared target begins after a revision.
func (m *Migration) open(ctx context.Context, c *config.Config, first store.Revision, target bool) (*migratingStore, error) {
	s, err := m.openStore(c, first, target)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	var ended error
	if r, ok := s.(store.Runner); ok {
		running.Go(func() { ended = r.Run(ctx) })
	}
	return &migratingStore{s, func() error {
		cancel()
		running.Wait()
		return errors.Join(ended, s.Close())
	}}, nil
}

func (m *Migration) openStore(c *config.Config, first store.Revision, target bool) (store.Store, error) {
	name := nodeName(c)
	switch {
	case !target:
		return openStore(c, name, m.Logger)
	case c.Store == config.StoreEtcd:
		cfg, err := etcdConfig(c, m.Logger)
		if err != nil {
			return nil, err
		}
		cfg.First, cfg.Import, cfg.CompactAfter = first, true, 0
		return etcd.Open(cfg)
	}
	cfg := clusterConfig(c, name, m.Logger)
	cfg.First, cfg.Import = first, true
	return cluster.Open(cfg)
}

func (s *migratingStore) close() error { return s.stop() }

// loadPatience is how long a store that is not reached is tried.
const loadPatience = 30 * time.Second

// load reads all records.
func (s *migratingStore) load(ctx context.Context) (contents, store.Revision, error) {
	for deadline := time.Now().Add(loadPatience); ; {
		all := contents{}
		revision, err := s.Load(ctx, func(changes []store.Change) error {
			for _, c := range changes {
				if c.Delete {
					delete(all, c.Key)
					continue
				}
				c.Value = bytes.Clone(c.Value)
				all[c.Key] = c.Record
			}
			return nil
		})
		if !errors.Is(err, store.ErrUnreachable) || time.Now().After(deadline) {
			return all, revision, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// fill makes the records of a store those that are given. It writes only what differs, in
// the order of the keys, and returns the number of puts.
func (s *migratingStore) fill(ctx context.Context, records contents) (puts int, err error) {
	present, base, err := s.load(ctx)
	if err != nil {
		return 0, err
	}
	limits := store.Limits{Writes: 1000, Bytes: 1 << 20}
	if l, ok := s.Store.(store.Limited); ok {
		limits = l.Limits()
	}
	var txn store.Txn
	size := 0
	commit := func() error {
		txn.Base = base
		revision, err := s.Commit(ctx, txn)
		base, txn.Writes, size = revision, txn.Writes[:0], 0
		return err
	}
	add := func(w store.Write) error {
		bytes := 2*len(w.Key) + len(w.Value) + 64
		if len(txn.Writes) > 0 && (len(txn.Writes) == limits.Writes || size+bytes > limits.Bytes) {
			if err := commit(); err != nil {
				return err
			}
		}
		txn.Writes = append(txn.Writes, w)
		size += bytes
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(records)) {
		old, ok := present[key]
		if ok && bytes.Equal(old.Value, records[key].Value) {
			continue
		}
		puts++
		if err := add(store.Write{Key: key, Value: records[key].Value}); err != nil {
			return 0, err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(present)) {
		if _, ok := records[key]; !ok {
			if err := add(store.Write{Key: key, Delete: true}); err != nil {
				return 0, err
			}
		}
	}
	if len(txn.Writes) == 0 {
		return puts, nil
	}
	return puts, commit()
}

// finish lets nodes use a shared target, whose revisions are then higher by shift.
func (s *migratingStore) finish(ctx context.Context) (shift store.Revision, err error) {
	return s.Store.(interface {
		FinishImport(ctx context.Context) (store.Revision, error)
	}).FinishImport(ctx)
}

// unchanged checks that nobody has written to the source meanwhile.
func (s *migratingStore) unchanged(ctx context.Context, at store.Revision, records contents) error {
	now, revision, err := s.load(ctx)
	if err == nil && revision != at {
		if err = compare(records, now); err != nil {
			err = errors.New("a node has written to the source during the migration: stop all nodes first")
		}
	}
	return err
}
