// Package embedded is the store for one machine: a log of committed transactions and
// snapshots of the state, as plain files in a folder. DESIGN.md in this folder
// describes the order of writes and what survives which failure.
//
// It keeps only the most recent transactions in memory and runs nothing in the
// background. It does not know the meaning of keys and values.
//
//	s, err := embedded.Open(embedded.Config{Dir: "cairn-data"})
//	…
//	revision, err := s.Load(ctx, visit)
//	revision, err = s.Commit(ctx, store.Txn{Base: revision, Writes: writes})
package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/cairn-discovery/cairn/internal/fsx"
	"github.com/cairn-discovery/cairn/store"
)

// Config has the parameters of Open. Only Dir is required.
type Config struct {
	// Dir is the folder for the data. Open creates it if necessary.
	Dir string
	// FS is the file system; nil means the operating system's.
	FS fsx.FS
	// Logger receives progress and problems; nil means no log.
	Logger *slog.Logger
	// SegmentSize is the size of a log file in bytes, a multiple of 512 from
	// 4 KiB to 1 GiB; 0 means 16 MiB. The space is allocated when the file is
	// created. Loading reads one such file at a time into memory. A file is larger
	// if a transaction needs it, and smaller if the disk is nearly full.
	SegmentSize int64
	// SnapshotBytes is the size of the log that makes a snapshot due, unless the
	// last snapshot is larger; 0 means 64 MiB.
	SnapshotBytes int64
	// HistoryBytes is the approximate memory for recent transactions, which
	// watchers and preconditions need; 0 means 16 MiB. A watcher that is further
	// behind gets ErrCompacted, a commit ErrConflict.
	HistoryBytes int
	// RestoreGap is the number of revisions that Restore skips after the revision
	// of the backup.
	RestoreGap store.Revision
}

func (c Config) withDefaults() (Config, error) {
	if c.FS == nil {
		c.FS = fsx.OS{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.SegmentSize = cmp.Or(c.SegmentSize, defaultSegment)
	c.SnapshotBytes = cmp.Or(c.SnapshotBytes, 64<<20)
	c.HistoryBytes = cmp.Or(c.HistoryBytes, 16<<20)
	switch {
	case c.Dir == "":
		return c, errors.New("embedded: no data folder given")
	case c.SegmentSize < minSegment || c.SegmentSize > maxSegment || c.SegmentSize%sectorSize != 0:
		return c, fmt.Errorf("embedded: segment size %d is not a multiple of %d from %d to %d", c.SegmentSize, sectorSize, minSegment, maxSegment)
	case c.SnapshotBytes < 0 || c.HistoryBytes < 0:
		return c, errors.New("embedded: a size is negative")
	}
	return c, nil
}

// Store is an open data folder. It implements store.Store and store.Snapshotter. Open
// creates it.
type Store struct {
	cfg     Config
	lock    io.Closer
	closing chan struct{} // closed when Close begins

	closed atomic.Bool

	// maintenance holds a token while Load, Snapshot or the end of Close runs.
	// A caller that needs both tokens takes maintenance first.
	maintenance chan struct{}
	// logToken holds a token while the log is in use; see lockLog.
	logToken chan struct{}
	history  history

	// guarded by logToken
	state state
	log   segmentLog

	// guarded by maintenance
	snapshotAt store.Revision

	loads    atomic.Int64 // calls of Load that wait or run; they interrupt a snapshot
	logBytes atomic.Int64 // log since the last snapshot
	dueAt    atomic.Int64 // logBytes above which a snapshot is due
	busy     atomic.Bool  // a snapshot is being written
}

// state is whether Commit may write.
//
//	unloaded ──Load──► ready ──fault──► uncertain ──Load──► ready
type state int

const (
	unloaded state = iota
	ready
	uncertain
)

var (
	_ store.Store       = (*Store)(nil)
	_ store.Snapshotter = (*Store)(nil)
)

// Open locks a data folder. It reads nothing; Load does. The error is a *LockedError
// if the folder is in use.
func Open(cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := cfg.FS.MkdirAll(cfg.Dir); err != nil {
		return nil, fmt.Errorf("embedded: make the data folder: %w", err)
	}
	lock, err := lockDir(cfg.FS, cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg:         cfg,
		lock:        lock,
		closing:     make(chan struct{}),
		maintenance: make(chan struct{}, 1),
		logToken:    make(chan struct{}, 1),
		history:     history{limit: cfg.HistoryBytes},
		log:         segmentLog{fs: cfg.FS, dir: cfg.Dir, size: cfg.SegmentSize},
	}
	s.dueAt.Store(cfg.SnapshotBytes)
	return s, nil
}

// Close implements store.Store. It waits for the commit in progress, interrupts a
// Load or Snapshot in progress, marks the end of the log, and unlocks the folder. A
// second call does nothing.
func (s *Store) Close() error {
	if !s.closed.CompareAndSwap(false, true) {
		return nil
	}
	close(s.closing)
	s.maintenance <- struct{}{}
	s.logToken <- struct{}{}
	var err error
	if s.state == ready {
		err = s.log.markEnd(s.history.revision())
	}
	s.history.close()
	return errors.Join(err, s.log.close(), s.lock.Close())
}

// maintain waits for the maintenance token; release returns it.
func (s *Store) maintain(ctx context.Context) error { return s.acquire(ctx, s.maintenance) }

func (s *Store) release() { <-s.maintenance }

// Exclusive implements store.Exclusive: the folder is locked.
func (s *Store) Exclusive() bool { return true }

// lockLog waits until the log is free; unlockLog frees it.
func (s *Store) lockLog(ctx context.Context) error { return s.acquire(ctx, s.logToken) }

func (s *Store) unlockLog() { <-s.logToken }

// acquire puts a token into a channel, unless the store is closed or ctx ends first.
func (s *Store) acquire(ctx context.Context, token chan<- struct{}) error {
	if err := s.interrupted(ctx); err != nil {
		return err
	}
	select {
	case token <- struct{}{}:
		return nil
	case <-s.closing:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// interrupted returns an error if long work must end early.
func (s *Store) interrupted(ctx context.Context) error {
	select {
	case <-s.closing:
		return store.ErrClosed
	default:
		return ctx.Err()
	}
}
