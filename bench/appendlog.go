//go:build linux

package main

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// logSize is the space that is taken and written ahead, so that an append
// changes no metadata of the file system.
const logSize = 256 << 20

// appendLog is the least that can be called durable: appends that come at the
// same time share one write and one sync. It checks nothing and cannot be read
// back; it shows what the disk allows.
type appendLog struct {
	file *os.File

	mu      sync.Mutex
	waiting *group
	busy    bool
	at      int64
}

// group is a number of appends on their way to the disk.
type group struct {
	buf  []byte
	done chan struct{}
	err  error
}

func newGroup() *group { return &group{done: make(chan struct{})} }

func createLog(name string) (*appendLog, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < logSize; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros, at); err != nil {
			return nil, err
		}
	}
	return &appendLog{file: f, waiting: newGroup()}, f.Sync()
}

// append returns when b is on the disk.
func (l *appendLog) append(b []byte) error {
	l.mu.Lock()
	mine := l.waiting
	mine.buf = append(mine.buf, b...)
	if l.busy {
		l.mu.Unlock()
		<-mine.done
		return mine.err
	}
	l.busy = true
	for len(l.waiting.buf) > 0 { // the leader goes on for those that arrived in the meantime
		g := l.waiting
		l.waiting = newGroup()
		l.mu.Unlock()
		g.err = l.write(g.buf)
		close(g.done)
		l.mu.Lock()
		if g == mine && len(l.waiting.buf) > 0 {
			go l.lead() // somebody else's turn
			l.mu.Unlock()
			return mine.err
		}
	}
	l.busy = false
	l.mu.Unlock()
	return mine.err
}

// lead writes what waits until nothing does. The log is busy.
func (l *appendLog) lead() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting.buf) > 0 {
		g := l.waiting
		l.waiting = newGroup()
		l.mu.Unlock()
		g.err = l.write(g.buf)
		close(g.done)
		l.mu.Lock()
	}
	l.busy = false
}

func (l *appendLog) write(b []byte) error {
	if l.at+int64(len(b)) > logSize {
		l.at = 0
	}
	if _, err := l.file.WriteAt(b, l.at); err != nil {
		return err
	}
	l.at += int64(len(b))
	return unix.Fdatasync(int(l.file.Fd()))
}

func (l *appendLog) close() { l.file.Close() }
