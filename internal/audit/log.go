// Package audit keeps a record of who did what: one JSON line for each call, in
// the form of AWS CloudTrail's records, in a file that is turned over, or on
// stderr. It knows no API; those who make the records say what is in them.
//
//	log, err := audit.New(audit.Config{File: "audit.log", Logger: logger})
//	go log.Run(ctx)
//	log.Write(ctx, &audit.Record{…})
//
// See docs/adr/0022-audit-before-the-answer.md for what is promised when.
package audit

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where records go.
type Config struct {
	// File is the path of the file, or "stderr".
	File string
	// MaxBytes is the size at which the file is turned over; 0 means 100 MiB.
	MaxBytes int64
	// MaxFiles is how many files are kept, with the one that is written; 0
	// means 10.
	MaxFiles int
	Logger   *slog.Logger
	// Stderr is where records for "stderr" go; nil means os.Stderr.
	Stderr io.Writer

	open func(name string) (output, int64, error) // in tests
}

const (
	defaultBytes = 100 << 20
	defaultFiles = 10

	// maxPending bounds the bytes that wait to be written. Records that may be
	// lost are taken up to half of it.
	maxPending = 8 << 20
	// maxWait is how long Write waits for its record to be written. Beyond that
	// the disk is taken to be stuck, which must not stop the API.
	maxWait = time.Second
	// syncEvery is how long what was written may stay in memory alone.
	syncEvery = time.Second
)

// Log takes records and writes them one after the other. It is safe for
// concurrent use.
type Log struct {
	cfg  Config
	file *file // nil for stderr; the writer's

	mu      sync.Mutex
	pending []byte
	records int           // in pending
	next    *pendingFlush // writes pending

	wake   chan struct{} // holds one when there is something to do
	reopen atomic.Bool
	stats  [3]atomic.Uint64
	broken bool // the last write failed; the writer's
}

// pendingFlush is the next write to the file.
type pendingFlush struct {
	done chan struct{} // closed when it is over, well or not
}

// Stats counts records since the start.
type Stats struct {
	// Written are those in the file; Lost those that could not be written, or
	// found no room; Late those that were answered before they were written.
	Written, Lost, Late uint64
}

const (
	written = iota
	lost
	late
)

// New checks the configuration and opens the file. It starts nothing.
func New(cfg Config) (*Log, error) {
	if cfg.File == "" || cfg.Logger == nil {
		return nil, errors.New("audit: File and Logger are required")
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultBytes
	}
	if cfg.MaxFiles == 0 {
		cfg.MaxFiles = defaultFiles
	}
	if cfg.open == nil {
		cfg.open = openOutput
	}
	if cfg.Stderr == nil {
		cfg.Stderr = os.Stderr
	}
	l := &Log{cfg: cfg, next: newFlush(), wake: make(chan struct{}, 1)}
	if cfg.File != "stderr" {
		l.file = &file{name: cfg.File, maxBytes: cfg.MaxBytes, maxFiles: cfg.MaxFiles}
		var err error
		if l.file.out, l.file.size, err = cfg.open(cfg.File); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func newFlush() *pendingFlush { return &pendingFlush{done: make(chan struct{})} }

// TryWrite takes a record without waiting for anything; if there is no room it is
// lost, and counted.
func (l *Log) TryWrite(r *Record) { l.add(r, maxPending/2) }

// Write takes a record and waits until it is written, a second at most. It
// does not wait for the disk to say that it is durable.
func (l *Log) Write(ctx context.Context, r *Record) {
	t := l.add(r, maxPending)
	if t == nil {
		return
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-t.done:
	case <-timer.C:
		l.stats[late].Add(1)
	case <-ctx.Done():
		l.stats[late].Add(1)
	}
}

// add returns the flush in which the record is going to be written, or nil if it
// is lost.
func (l *Log) add(r *Record, room int) *pendingFlush {
	buf := linePool.Get().(*[]byte)
	defer linePool.Put(buf)
	line := r.append((*buf)[:0])
	*buf = line
	if cap(line) > maxKeptLine {
		*buf = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending)+len(line) > room {
		l.stats[lost].Add(1)
		return nil
	}
	l.pending = append(l.pending, line...)
	l.records++
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return l.next
}

const maxKeptLine = 64 << 10

var linePool = sync.Pool{New: func() any { return new([]byte) }}

// Reopen reopens the file, for programs that rotate it
// themselves.
func (l *Log) Reopen() {
	l.reopen.Store(true)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Stats returns what was counted.
func (l *Log) Stats() Stats {
	return Stats{Written: l.stats[written].Load(), Lost: l.stats[lost].Load(), Late: l.stats[late].Load()}
}

// Run writes until ctx ends, then writes what waits, makes it durable, and
// returns.
func (l *Log) Run(ctx context.Context) error {
	ticker := time.NewTicker(syncEvery)
	defer ticker.Stop()
	dirty, spare := false, []byte(nil)
	for {
		select {
		case <-l.wake:
			spare = l.flush(spare)
			dirty = true
		case <-ticker.C:
			if dirty {
				l.fail("make durable", l.sync())
				dirty = false
			}
		case <-ctx.Done():
			l.flush(spare)
			if l.file == nil {
				return nil
			}
			return l.file.close()
		}
	}
}

func (l *Log) sync() error {
	if l.file == nil {
		return nil
	}
	return l.file.sync()
}

// flush writes what waits and gives its buffer back for later.
func (l *Log) flush(spare []byte) []byte {
	if l.reopen.CompareAndSwap(true, false) && l.file != nil {
		l.fail("close", l.file.close())
	}
	l.mu.Lock()
	lines, records, t := l.pending, l.records, l.next
	l.pending, l.records, l.next = spare[:0], 0, newFlush()
	l.mu.Unlock()
	if records > 0 {
		l.count(records, l.put(lines))
	}
	close(t.done)
	if cap(lines) > 1<<20 {
		return nil
	}
	return lines
}

func (l *Log) count(records int, err error) {
	if err != nil {
		l.stats[lost].Add(uint64(records))
		l.fail("write", err)
		return
	}
	l.stats[written].Add(uint64(records))
	if l.broken {
		l.broken = false
		l.cfg.Logger.Info("audit records are being written again", "lost", l.stats[lost].Load())
	}
	if l.file != nil && l.file.problem != nil {
		l.cfg.Logger.Error("the audit file could not be turned over and grows on", "error", l.file.problem)
		l.file.problem = nil
	}
}

func (l *Log) put(lines []byte) error {
	if l.file == nil {
		_, err := l.cfg.Stderr.Write(lines)
		return err
	}
	return l.file.write(lines, l.cfg.open)
}

// fail logs the first of several failures.
func (l *Log) fail(doing string, err error) {
	if err != nil && !l.broken {
		l.broken = true
		l.cfg.Logger.Error("audit records are being lost", "doing", doing, "error", err)
	}
}
