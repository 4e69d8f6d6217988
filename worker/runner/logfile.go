package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// OlderLog returns the name of the n-th older file of a log; 0 is the newest.
func OlderLog(file string, n int) string {
	if n == 0 {
		return file
	}
	return fmt.Sprintf("%s.%d", file, n)
}

// followPause is how often a log that is followed is read.
const followPause = 200 * time.Millisecond

// OpenLog returns the last lines of a log with its older files, all with tail 0. If
// running is not nil, it goes on with what is written, until ctx ends or running
// returns false.
func OpenLog(ctx context.Context, file string, tail int, running func() bool) (io.ReadCloser, error) {
	l := &logReader{ctx: ctx, name: file, running: running}
	var parts []io.Reader
	for n := olderLogs(file); n >= 0; n-- {
		f, err := os.Open(OlderLog(file, n))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			l.Close()
			return nil, err
		}
		l.files = append(l.files, f)
		parts = append(parts, f)
	}
	l.rest = io.MultiReader(parts...)
	if tail > 0 {
		lines, err := lastLines(l.rest, tail)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.rest = bytes.NewReader(lines)
	}
	return l, nil
}

// olderLogs returns how many older files a log has.
func olderLogs(file string) int {
	n := 0
	for {
		if _, err := os.Stat(OlderLog(file, n+1)); err != nil {
			return n
		}
		n++
	}
}

// lastLines returns the last lines of what is read, at most 16 MiB.
func lastLines(r io.Reader, n int) ([]byte, error) {
	const most = 16 << 20
	var kept []byte
	chunk := make([]byte, 64<<10)
	for {
		read, err := r.Read(chunk)
		kept = append(kept, chunk[:read]...)
		if cut := lineStart(kept, n); cut > 0 {
			kept = append(kept[:0], kept[cut:]...)
		}
		if len(kept) > most {
			kept = append(kept[:0], kept[len(kept)-most:]...)
		}
		if errors.Is(err, io.EOF) {
			return kept, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// lineStart returns where the n-th last line begins. The last one may be incomplete.
func lineStart(b []byte, n int) int {
	end := len(b)
	if end > 0 && b[end-1] == '\n' {
		end--
	}
	for range n {
		end = bytes.LastIndexByte(b[:end], '\n')
		if end < 0 {
			return 0
		}
	}
	return end + 1
}

// logReader reads what there is, and then what is written.
type logReader struct {
	ctx     context.Context
	name    string
	rest    io.Reader
	files   []*os.File // the last one is the newest
	running func() bool
	last    bool // the container has ended; one more look
}

func (l *logReader) Read(p []byte) (int, error) {
	for {
		n, err := l.rest.Read(p)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if l.running == nil || l.last || l.ctx.Err() != nil {
			return 0, io.EOF
		}
		l.last = !l.running()
		l.next()
		if l.last {
			continue
		}
		select {
		case <-l.ctx.Done():
		case <-time.After(followPause):
		}
	}
}

// next goes on with the newest file, which is another one after a rotation.
func (l *logReader) next() {
	if len(l.files) > 0 {
		f := l.files[len(l.files)-1]
		l.rest = f
		open, err := f.Stat()
		if err != nil {
			return
		}
		named, err := os.Stat(l.name)
		if err != nil || os.SameFile(open, named) {
			return
		}
	}
	f, err := os.Open(l.name)
	if err != nil {
		return
	}
	old := l.rest
	l.files = append(l.files, f)
	l.rest = io.MultiReader(old, f)
}

func (l *logReader) Close() error {
	var err error
	for _, f := range l.files {
		err = errors.Join(err, f.Close())
	}
	return err
}
