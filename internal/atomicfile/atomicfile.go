// Package atomicfile writes a file completely or not at all. It adds two things
// to google/renameio: the folder is synced too, and a file that exists can be
// kept.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Write makes the file at path with the content that fill writes. When it has
// returned nil the file survives power loss; otherwise the former content of path,
// if any, is unchanged. Only its owner can read the file (mode 0600).
//
// An existing file is replaced only with overwrite. Without it the error is
// fs.ErrExist, also if the file is made by another while fill runs.
func Write(path string, overwrite bool, fill func(*os.File) error) error {
	if _, err := os.Lstat(path); err == nil && !overwrite {
		return exists(path) // before fill, which may take long
	}
	dir := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	err = fill(f.File)
	if err == nil {
		err = publish(f, path, overwrite)
	}
	if err != nil {
		_ = f.Cleanup() // err says more
		return err
	}
	return syncDir(dir)
}

// publish gives the temporary file its name.
func publish(f *renameio.PendingFile, path string, overwrite bool) error {
	if overwrite {
		return f.CloseAtomicallyReplace()
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("make %s durable: %w", path, err)
	}
	// Unlike rename, link does not replace a file.
	switch err := os.Link(f.Name(), path); {
	case err == nil:
		return f.Cleanup()
	case errors.Is(err, fs.ErrExist):
		return exists(path)
	default: // a file system without hard links
		return f.CloseAtomicallyReplace()
	}
}

func exists(path string) error { return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist} }

// syncDir makes the new name durable: fsync of a file does not cover the entry in
// its folder, and renameio leaves that out.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
