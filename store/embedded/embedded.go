// Package embedded is the store for one machine: a log of committed
// transactions and snapshots of the state, as plain files in a folder. DESIGN.md
// beside this file says what is written in which order and what survives what.
//
// It keeps no records in memory, only the most recent transactions, and runs
// nothing in the background. It knows nothing of what keys and values mean.
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
	"sync"
	"sync/atomic"

	"github.com/cairn-discovery/cairn/internal/fsx"
	"github.com/cairn-discovery/cairn/store"
)

// Config says where and how to keep data. Only Dir is required.
type Config struct {
	// Dir is the folder for the data. Open makes it if it is not there.
	Dir string
	// FS is the file system; nil means the operating system's.
	FS fsx.FS
	// Logger gets progress and findings; nil means none.
	Logger *slog.Logger
	// SegmentSize is the size of a log file in bytes, a multiple of 512 from
	// 4 KiB to 1 GiB; 0 means 16 MiB. The space is taken when the file is made.
	// Loading reads one such file at a time into memory. A file is made larger
	// for a transaction that needs it, and smaller when space is scarce.
	SegmentSize int64
	// SnapshotBytes is how much log makes a snapshot due, unless the last
	// snapshot is larger than that; 0 means 64 MiB.
	SnapshotBytes int64
	// HistoryBytes is about how much memory the recent transactions may take
	// that watchers and preconditions need; 0 means 16 MiB. A watcher that is
	// further behind gets ErrCompacted, a commit ErrConflict.
	HistoryBytes int
	// RestoreGap is how many revisions after that of the backup a store goes on
	// from that Restore makes.
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

// Store is an open data folder. It implements store.Store and
// store.Snapshotter. It must be made by Open.
type Store struct {
	cfg     Config
	lock    io.Closer
	closing chan struct{} // closed when Close begins

	// maintenance holds a token while Load, Snapshot or the end of Close runs.
	// Who wants it and the queue takes it first.
	maintenance chan struct{}
	queue       queue
	requests    sync.Pool // of *request
	history     history

	// owned by the leader of the queue
	state state
	log   segmentLog
	group []*request
	seen  map[string]struct{} // keys written by the group that is being built
	// crowded says that the last group had more than one commit.
	crowded bool

	// owned by the holder of maintenance
	snapshotAt store.Revision

	loads    atomic.Int64 // calls of Load that wait or run; a snapshot gives way
	logBytes atomic.Int64 // log since the last snapshot
	dueAt    atomic.Int64 // logBytes above which a snapshot is due
	busy     atomic.Bool  // a snapshot is being written
}

// state says what Commit may do.
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

// Open takes possession of a data folder. It reads nothing yet, Load does. The
// error is a *LockedError if the folder is in use.
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
		history:     history{limit: cfg.HistoryBytes},
		log:         segmentLog{fs: cfg.FS, dir: cfg.Dir, size: cfg.SegmentSize},
		seen:        map[string]struct{}{},
	}
	s.requests.New = func() any { return &request{wake: make(chan bool, 1)} }
	s.dueAt.Store(cfg.SnapshotBytes)
	return s, nil
}

// Close implements store.Store. It waits for commits, ends a Load or Snapshot
// that is under way, and frees the folder. A second call does nothing.
func (s *Store) Close() error {
	if !s.queue.close(s.closing) {
		return nil
	}
	s.maintenance <- struct{}{}
	s.history.close()
	return errors.Join(s.log.close(), s.lock.Close())
}

// maintain waits for the maintenance token; release gives it back.
func (s *Store) maintain(ctx context.Context) error {
	select {
	case s.maintenance <- struct{}{}:
		return nil
	case <-s.closing:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) release() { <-s.maintenance }

// interrupted says whether long work should end early.
func (s *Store) interrupted(ctx context.Context) error {
	select {
	case <-s.closing:
		return store.ErrClosed
	default:
		return ctx.Err()
	}
}
