package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"

	"github.com/cairn-discovery/cairn/store"
)

// WriteBackup writes the whole state at a revision to w, in the format of a
// snapshot file. The backup is only good when nil was returned.
func WriteBackup(w io.Writer, at store.Revision, records iter.Seq[store.Record]) error {
	out, err := newSnapshotWriter(w, at)
	if err != nil {
		return fmt.Errorf("write a backup: %w", err)
	}
	for r := range records {
		if err := out.add(r); err != nil {
			return fmt.Errorf("write a backup: %w", err)
		}
	}
	if err := out.finish(); err != nil {
		return fmt.Errorf("write a backup: %w", err)
	}
	return nil
}

// VerifyBackup reads a backup to its end and returns the revision and the number
// of records in it, or says what is wrong with it.
func VerifyBackup(r io.Reader) (store.Revision, uint64, error) {
	info, err := readSnapshot(bufio.NewReaderSize(r, chunkBytes), func([]store.Change) error { return nil })
	if err != nil {
		return 0, 0, badBackup(err)
	}
	return info.revision, info.records, nil
}

func badBackup(err error) error {
	if f, ok := errors.AsType[*flaw](err); ok {
		return &BackupError{Offset: f.offset, Reason: f.reason}
	}
	if v, ok := errors.AsType[*VersionError](err); ok {
		return &VersionError{File: "of the backup", Version: v.Version}
	}
	return fmt.Errorf("read a backup: %w", err)
}

// BackupError means that a backup is damaged, truncated or not a backup.
type BackupError struct {
	Offset int64 // in bytes
	Reason string
}

func (e *BackupError) Error() string {
	return fmt.Sprintf("the backup is not usable: offset %d: %s. Nothing was restored", e.Offset, e.Reason)
}

// NotEmptyError means that the folder to restore to is not empty.
type NotEmptyError struct {
	Dir  string
	File string // one of the files there
}

func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("folder %s is not empty, it holds %s: restore to a new folder, or move this one aside first", e.Dir, e.File)
}

// Restore makes an empty or absent folder the data folder of a store that holds
// what the backup in r holds, and returns its revision. The store goes on from one
// that is cfg.RestoreGap later. Of cfg it uses Dir, FS, Logger, SegmentSize and
// RestoreGap. The folder can be used when nil was returned; what an
// attempt that failed leaves is refused by Load and replaced by the next Restore.
// Errors: *LockedError, *NotEmptyError, *BackupError, *VersionError, ErrFull.
func Restore(cfg Config, r io.Reader) (store.Revision, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return 0, err
	}
	// This comes before Open, which creates a lock file even in a folder of others.
	if err := restorable(cfg); err != nil {
		return 0, err
	}
	s, err := Open(cfg)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if err := s.clearForRestore(); err != nil {
		return 0, err
	}
	temp := s.log.path(restoreName)
	in := snapshotReader{r: bufio.NewReaderSize(r, chunkBytes)}
	info, err := s.copyBackup(temp, &in)
	if err != nil {
		_ = s.cfg.FS.Remove(temp)
		return 0, err
	}
	return info.revision, s.place(temp, s.restoredAt(info.revision))
}

// restoredAt is the revision that a backup of another is restored at. The empty
// store has no revisions that anybody could know.
func (s *Store) restoredAt(backup store.Revision) store.Revision {
	if backup == 0 {
		return 0
	}
	return backup + s.cfg.RestoreGap
}

// restoreName is the backup while it is being restored. Load refuses a folder
// that has it.
const restoreName = "restore.tmp"

// clearForRestore removes what an earlier attempt left and accepts nothing else.
func (s *Store) clearForRestore() error {
	names, err := s.cfg.FS.List(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	segments, err := leftovers(s.cfg.Dir, names)
	if err != nil {
		return err
	}
	s.remove(segments)
	return nil
}

// restorable returns *NotEmptyError if a folder has files that no attempt to
// restore has left. It changes nothing. A folder with a lock file is left to Open,
// which can say that it is in use.
func restorable(cfg Config) error {
	names, err := cfg.FS.List(cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if slices.Contains(names, lockName) {
		return nil
	}
	_, err = leftovers(cfg.Dir, names)
	return err
}

// leftovers returns the segments that an earlier attempt to restore has left in a folder.
// It returns *NotEmptyError if the folder has other files.
func leftovers(dir string, names []string) (segments []string, err error) {
	f := sortFiles(names)
	for _, name := range names {
		_, isSegment := parseName(name, segmentPrefix, segmentSuffix)
		switch {
		case name == lockName || name == beginName || name == restoreName || slices.Contains(f.temps, name):
		case isSegment && f.restoring:
			segments = append(segments, name)
		default:
			return nil, &NotEmptyError{Dir: dir, File: name}
		}
	}
	return segments, nil
}

// copyBackup copies a backup to a file, checks all of it and syncs it.
func (s *Store) copyBackup(name string, in *snapshotReader) (snapshotInfo, error) {
	f, err := s.cfg.FS.Create(name)
	if err != nil {
		return snapshotInfo{}, notDone("restore", err)
	}
	defer f.Close()
	out := &keptError{w: io.NewOffsetWriter(f, 0)}
	info, err := s.rewrite(out, in)
	if out.err != nil {
		return info, notDone("restore", out.err)
	}
	if err != nil {
		return info, badBackup(err)
	}
	if err := f.Sync(); err != nil {
		return info, notDone("restore", err)
	}
	return info, nil
}

// rewrite copies a backup at the revision that it is restored at.
func (s *Store) rewrite(out io.Writer, in *snapshotReader) (snapshotInfo, error) {
	var to *snapshotWriter
	begin := func() (err error) {
		if to == nil {
			to, err = newSnapshotWriter(out, s.restoredAt(in.at))
		}
		return err
	}
	info, err := in.all(func(changes []store.Change) error {
		if err := begin(); err != nil {
			return err
		}
		for i := range changes {
			if err := to.add(changes[i].Record); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return info, err
	}
	if err := begin(); err != nil { // there were no records
		return info, err
	}
	return info, to.finish()
}

// keptError remembers that writing failed, as against reading.
type keptError struct {
	w   io.Writer
	err error
}

func (k *keptError) Write(b []byte) (n int, err error) {
	n, k.err = k.w.Write(b)
	return n, k.err
}

// place turns the copy into a snapshot with a log that goes on from it. As long
// as the copy has its first name, the folder is refused.
func (s *Store) place(temp string, at store.Revision) error {
	if err := s.createFirst(at + 1); err != nil {
		return err
	}
	if err := s.cfg.FS.Rename(temp, s.log.path(snapshotName(at))); err != nil {
		return notDone("restore", err)
	}
	if err := s.cfg.FS.SyncDir(s.cfg.Dir); err != nil {
		return notDone("restore", err)
	}
	return nil
}
