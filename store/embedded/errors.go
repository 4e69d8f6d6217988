package embedded

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/cairn-discovery/cairn/store"
)

var (
	errNotLoaded = errors.New("embedded: Load must be called before this")
	errTooLarge  = errors.New("embedded: transaction too large")
	errGaveWay   = errors.New("embedded: the snapshot was given up for a load")
	errBase      = errors.New("embedded: the transaction's base lies in the future")
)

// LockedError means that another process, or another Store of this one, uses the
// folder.
type LockedError struct {
	Dir string
	// Who holds it, if known: PID may be 0, the others empty.
	PID   int
	Host  string
	Since time.Time
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data folder %s is in use by another process", e.Dir)
	}
	text := fmt.Sprintf("data folder %s is in use by process %d", e.Dir, e.PID)
	if e.Host != "" {
		text += " on " + e.Host
	}
	if !e.Since.IsZero() {
		text += " since " + e.Since.Format(time.RFC3339)
	}
	return text
}

// DamageError means that files do not have the content that was written. Nothing is
// changed when it is found, so that more can be tried on a copy of the folder.
type DamageError struct {
	Dir    string
	File   string // base name of the file; empty if it is about the folder
	Offset int64  // where in the file, in bytes
	Reason string
}

func (e *DamageError) Error() string {
	what := fmt.Sprintf("data folder %s is damaged: %s", e.Dir, e.Reason)
	if e.File != "" {
		what = fmt.Sprintf("data folder %s is damaged: file %s, offset %d: %s", e.Dir, e.File, e.Offset, e.Reason)
	}
	return fmt.Sprintf("%s. Nothing was changed. Move %s aside and restore a backup in its place", what, e.Dir)
}

// VersionError means that a file has a format that this program does
// not know, by a newer one most likely.
type VersionError struct {
	File    string
	Version uint32
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("file %s has format version %d, this program knows version %d: use the program that wrote it, or a newer one",
		e.File, e.Version, formatVersion)
}

// stopped is an error of the caller's, on its way through code that reads files.
type stopped struct{ error }

// damage makes a flaw in a file an error that users see. An error of the caller's function
// is returned as it is.
func damage(dir, file string, err error) error {
	if err == nil {
		return nil
	}
	if s, ok := errors.AsType[*stopped](err); ok {
		return s.error
	}
	if f, ok := errors.AsType[*flaw](err); ok {
		return &DamageError{Dir: dir, File: file, Offset: f.offset, Reason: f.reason}
	}
	if v, ok := errors.AsType[*VersionError](err); ok {
		return &VersionError{File: file, Version: v.Version}
	}
	return fmt.Errorf("embedded: %s: %w", file, err)
}

// isNoSpace reports whether an error means that space is lacking, of the disk,
// of a quota or of the largest file allowed.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// notDone classes an error after which nothing of the attempt remains.
func notDone(doing string, err error) error {
	if isNoSpace(err) {
		return fmt.Errorf("%w: %s: %w", store.ErrFull, doing, err)
	}
	return fmt.Errorf("embedded: %s: %w", doing, err)
}

// unknown classes an error after which the attempt may survive or not.
func unknown(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", store.ErrUncertain, doing, err)
}
