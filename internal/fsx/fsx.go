// Package fsx is the small part of a file system that durable data needs, as an interface.
// So a test can replace the disk, and refuse, tear and lose writes. OS is the real one;
// crashfs, below this folder, is the one for tests.
package fsx

import (
	"fmt"
	"io"
)

// FS is a file system. Errors of the operating system stay visible to
// errors.Is, syscall.ENOSPC for instance.
type FS interface {
	// MkdirAll makes the folder with all its parents for this user alone
	// (0700), durably. A folder that is already there is fine.
	MkdirAll(dir string) error
	// List returns the names in a folder, sorted.
	List(dir string) ([]string, error)
	// Create makes an empty file (0600), or empties the one that is there, and
	// opens it for reading and writing. The name is durable after SyncDir.
	Create(name string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// Rename gives a file another name in the same folder, and replaces what
	// had that name, in one step. It is durable after SyncDir.
	Rename(from, to string) error
	// Remove takes a file out of its folder. It is durable after SyncDir.
	Remove(name string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock on a file, which it creates, and leaves the
	// note in it. When another process holds the lock the error is a *HeldError.
	// The lock ends with Close or with the process, in whatever way that ends.
	Lock(name string, note []byte) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size returns the length in bytes.
	Size() (int64, error)
	// Allocate reserves space for the first size bytes if the file system can,
	// so that a lack of space shows at once. It promises nothing.
	Allocate(size int64) error
	// Sync makes content and length durable. Datasync does too, but may leave
	// out what is not needed to read the content, such as the time of change.
	Sync() error
	Datasync() error
}

// HeldError means that another process holds a lock.
type HeldError struct {
	Name string
	Note []byte // what the holder left in the file; may be empty
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is locked by another process", e.Name)
}
