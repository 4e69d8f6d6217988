//go:build unix && !linux

package fsx

// Datasync is Sync where there is no call of its own for it. On macOS Sync also
// empties the drive's cache.
func (f osFile) Datasync() error { return f.Sync() }

// Allocate does nothing: a lack of space shows when the file is written.
func (f osFile) Allocate(int64) error { return nil }
