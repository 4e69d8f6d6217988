package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// file is a log file that is turned over when it has grown: NAME becomes NAME.1,
// NAME.1 becomes NAME.2 and so on, and the oldest goes. It is for one goroutine.
//
// Renaming begins at the old end, so a crash in between leaves a gap in the
// numbers and loses nothing.
type file struct {
	name     string
	maxBytes int64
	maxFiles int // with the one that is written

	out  output // nil while it could not be opened
	size int64
	// problem is why the file was not turned over. It goes on being written.
	problem error
}

// output is what a file is written to.
type output interface {
	io.Writer
	io.Seeker
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// openOutput opens a file to append to it, and makes it and its folder if they are not
// there.
func openOutput(name string) (output, int64, error) {
	const flags = os.O_CREATE | os.O_RDWR | os.O_APPEND
	f, err := os.OpenFile(name, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(name), 0o750); err == nil {
			f, err = os.OpenFile(name, flags, 0o600)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	size, err := endLine(f)
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, size, nil
}

// endLine closes a line that a crash has cut off, so that the next record does
// not become part of it, and returns the size.
func endLine(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	if size == 0 {
		return 0, nil
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], size-1); err != nil || last[0] == '\n' {
		return size, err
	}
	n, err := f.Write([]byte{'\n'})
	return size + int64(n), err
}

// write appends whole lines. If that fails, what did get through is taken back,
// so that no line stays torn.
func (f *file) write(lines []byte, open func(string) (output, int64, error)) error {
	if f.out != nil && f.size > 0 && f.size+int64(len(lines)) > f.maxBytes {
		f.problem = f.rotate()
	}
	if f.out == nil {
		var err error
		if f.out, f.size, err = open(f.name); err != nil {
			return err
		}
		if f.problem != nil {
			f.size = 0 // try again when as much has been written again
		}
	}
	n, err := f.out.Write(lines)
	if err == nil {
		f.size += int64(n)
		return nil
	}
	if n > 0 {
		if cut := f.cut(n); cut != nil {
			// The next write opens the file again and ends the torn line.
			err = errors.Join(err, cut, f.close())
		}
	}
	return err
}

// cut takes back the last n bytes.
func (f *file) cut(n int) error {
	size, err := f.out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	return f.out.Truncate(size - int64(n))
}

// rotate closes the file, whatever becomes of the renaming.
func (f *file) rotate() error {
	if err := f.close(); err != nil {
		return err
	}
	for i := f.maxFiles - 1; i > 0; i-- {
		from := f.name
		if i > 1 {
			from = numbered(f.name, i-1)
		}
		if err := os.Rename(from, numbered(f.name, i)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("rotate: %w", err)
		}
	}
	if f.maxFiles == 1 {
		if err := os.Remove(f.name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("rotate: %w", err)
		}
	}
	return syncDir(filepath.Dir(f.name))
}

func numbered(name string, i int) string { return name + "." + strconv.Itoa(i) }

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *file) sync() error {
	if f.out == nil {
		return nil
	}
	return f.out.Sync()
}

// close makes what was written durable.
func (f *file) close() error {
	if f.out == nil {
		return nil
	}
	out := f.out
	f.out = nil
	return errors.Join(out.Sync(), out.Close())
}
