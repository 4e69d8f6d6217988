// Package atomicfile writes a file so that its name stands for all of it or
// for none: under a temporary name first, synced, then given its own.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes the file at path with what fill writes. When it has returned nil
// the file survives power loss; otherwise what was at path is still there. The
// file can be read by its owner alone.
//
// An existing file is replaced only with overwrite; else the error is
// fs.ErrExist, early, so that fill is not called in vain.
func Write(path string, overwrite bool, fill func(*os.File) error) (err error) {
	if _, err := os.Lstat(path); err == nil && !overwrite {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	temp := f.Name()
	defer func() {
		if err != nil {
			// The first error says more than what the cleaning up meets.
			_ = f.Close()
			_ = os.Remove(temp)
		}
	}()
	if err := fill(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("make %s durable: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := place(temp, path, overwrite); err != nil {
		return err
	}
	return syncDir(dir)
}

// place gives the finished file its name.
func place(temp, path string, overwrite bool) error {
	if overwrite {
		return os.Rename(temp, path)
	}
	// Rename would replace a file that has come since; Link does not.
	err := os.Link(temp, path)
	switch {
	case err == nil:
		return os.Remove(temp)
	case errors.Is(err, fs.ErrExist):
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	default: // a file system without hard links
		return os.Rename(temp, path)
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
