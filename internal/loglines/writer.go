// Package loglines writes many log lines at little cost: those of requests.
//
// A Writer writes lines that may wait together, so that a busy server does not make a
// system call for each. A TextHandler forms usual lines faster than slog.TextHandler.
//
//	out := loglines.NewWriter(os.Stderr)
//	defer out.Close()
//	logger := slog.New(loglines.NewTextHandler(out, level)) // what it logs is written at once
//	requests := loglines.NewTextHandler(out.Later(), level)
package loglines

import (
	"io"
	"sync"
	"time"
)

const (
	// maxWait is the longest time that a line waits. A process that is killed loses no line
	// that is older.
	maxWait = 10 * time.Millisecond
	// maxPending bounds the bytes that wait. A write of more is not atomic on a pipe (pipe(7)):
	// a line of another process that has the same pipe could be inside of it.
	maxPending = 4 << 10
)

// Writer writes lines to an io.Writer, in the order in which it gets them. Each Write must
// have whole lines. It is safe for concurrent use. Make one with NewWriter.
type Writer struct {
	out io.Writer

	mu      sync.Mutex
	pending []byte
	written time.Time   // when lines that may wait were last written
	timer   *time.Timer // writes pending
	closed  bool
}

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer {
	w := &Writer{out: out, pending: make([]byte, 0, maxPending)}
	w.timer = time.AfterFunc(time.Hour, w.waited)
	w.timer.Stop()
	return w
}

// Write writes lines at once, after those that wait.
func (w *Writer) Write(lines []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	return w.out.Write(lines)
}

// Later returns an io.Writer for lines that may wait for a moment, if others were written a
// moment ago. It reports no errors.
func (w *Writer) Later() io.Writer { return later{w} }

type later struct{ *Writer }

// Write implements io.Writer.
func (l later) Write(lines []byte) (int, error) {
	w := l.Writer
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending)+len(lines) > maxPending {
		w.flush()
	}
	if len(w.pending) == 0 {
		wait := maxWait - time.Since(w.written)
		if wait <= 0 || w.closed || len(lines) > maxPending {
			return w.put(lines)
		}
		w.timer.Reset(wait)
	}
	w.pending = append(w.pending, lines...)
	return len(lines), nil
}

// waited writes the lines that wait, at the end of their time.
func (w *Writer) waited() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
}

// flush writes the lines that wait. The caller holds mu.
func (w *Writer) flush() {
	if len(w.pending) == 0 {
		return
	}
	w.timer.Stop()
	_, _ = w.put(w.pending) // as slog, which has nobody to tell
	w.pending = w.pending[:0]
}

func (w *Writer) put(lines []byte) (int, error) {
	w.written = time.Now()
	return w.out.Write(lines)
}

// Close writes the lines that wait. From then on, no line waits. It does not close the
// io.Writer.
func (w *Writer) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.flush()
}
