package embedded

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/cairn-discovery/cairn/internal/fsx"
	"github.com/cairn-discovery/cairn/store"
)

const (
	snapshotPrefix = "snapshot-"
	snapshotSuffix = ".snap"
	// syncEvery limits the unwritten part of a snapshot. The disk would otherwise
	// write all of it at once while commits wait.
	syncEvery = 8 << 20
)

func snapshotName(at store.Revision) string {
	return fmt.Sprintf("%s%016x%s", snapshotPrefix, uint64(at), snapshotSuffix)
}

// SnapshotDue implements store.Snapshotter.
func (s *Store) SnapshotDue() bool {
	return s.logBytes.Load() > s.dueAt.Load() && !s.busy.Load()
}

// Snapshot implements store.Snapshotter. The folder needs space for the old and the
// new snapshot, else the error is ErrFull. A Load interrupts it with an error. After
// an error SnapshotDue returns false for a while. records must not call Snapshot or
// Load; it may call Commit.
func (s *Store) Snapshot(ctx context.Context, at store.Revision, records iter.Seq[store.Record]) error {
	if err := s.maintain(ctx); err != nil {
		return err
	}
	defer s.release()
	if err := s.mayContain(at); err != nil || at == s.snapshotAt {
		return err
	}
	s.busy.Store(true)
	defer s.busy.Store(false)
	covered := s.logBytes.Load()
	size, err := s.writeSnapshot(ctx, at, records)
	if err != nil {
		s.dueAt.Store(s.logBytes.Load() + s.cfg.SnapshotBytes/4)
		return err
	}
	s.logBytes.Add(-covered)
	s.dueAt.Store(max(s.cfg.SnapshotBytes, size))
	s.prune(ctx, at)
	return nil
}

// mayContain checks that a snapshot at the revision can be taken.
func (s *Store) mayContain(at store.Revision) error {
	switch last := s.history.revision(); {
	case at > last:
		return fmt.Errorf("embedded: a snapshot at %d of a store at %d", at, last)
	case at < s.snapshotAt:
		return fmt.Errorf("embedded: a snapshot at %d after one at %d", at, s.snapshotAt)
	}
	return nil
}

// writeSnapshot makes a snapshot durable under its name. A crash leaves at most
// a temporary file, which the next Load removes.
func (s *Store) writeSnapshot(ctx context.Context, at store.Revision, records iter.Seq[store.Record]) (int64, error) {
	fs, final := s.cfg.FS, s.log.path(snapshotName(at))
	f, err := fs.Create(final + tempSuffix)
	if err != nil {
		return 0, notDone("create a snapshot", err)
	}
	size, err := s.fillSnapshot(ctx, f, at, records)
	f.Close() // it is synced, or to be removed
	if err != nil {
		_ = fs.Remove(final + tempSuffix)
		return 0, err
	}
	if err := fs.Rename(final+tempSuffix, final); err != nil {
		return 0, notDone("name a snapshot", err)
	}
	if err := fs.SyncDir(s.cfg.Dir); err != nil {
		return 0, notDone("name a snapshot", err)
	}
	return size, nil
}

func (s *Store) fillSnapshot(ctx context.Context, f fsx.File, at store.Revision, records iter.Seq[store.Record]) (int64, error) {
	w := &syncingWriter{file: f, Writer: io.NewOffsetWriter(f, 0)}
	out, err := newSnapshotWriter(w, at)
	if err != nil {
		return 0, notDone("write a snapshot", err)
	}
	for r := range records {
		if err := out.add(r); err != nil {
			return 0, notDone("write a snapshot", err)
		}
		if out.pending == 0 { // once a chunk
			if err := s.interrupted(ctx); err != nil {
				return 0, err
			}
			if s.loads.Load() > 0 {
				return 0, errGaveWay
			}
		}
	}
	if err := out.finish(); err != nil {
		return 0, notDone("write a snapshot", err)
	}
	if err := f.Sync(); err != nil {
		return 0, notDone("sync a snapshot", err)
	}
	return out.bytes, nil
}

// syncingWriter syncs the file after every syncEvery bytes.
type syncingWriter struct {
	io.Writer
	file     fsx.File
	unsynced int
}

func (w *syncingWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.unsynced += n
	if err == nil && w.unsynced >= syncEvery {
		w.unsynced = 0
		err = w.file.Datasync()
	}
	return n, err
}

// prune removes the files that the snapshot at the given revision replaces. Any subset
// of the removals may survive a crash; the next Load finishes them.
func (s *Store) prune(ctx context.Context, at store.Revision) {
	var old []string
	if s.snapshotAt > 0 {
		old = append(old, snapshotName(s.snapshotAt))
	}
	s.snapshotAt = at
	if err := s.lockLog(ctx); err == nil {
		old = append(old, s.log.dropThrough(at)...)
		s.unlockLog()
	}
	s.remove(old)
}

func (s *Store) remove(names []string) {
	for _, name := range names {
		if err := s.cfg.FS.Remove(s.log.path(name)); err != nil {
			s.cfg.Logger.Warn("an obsolete file could not be removed", "file", name, "error", err)
		}
	}
}
