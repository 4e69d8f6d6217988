package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cairn-discovery/cairn/store"
)

// visitChunk is the number of changes of one call of visit.
const visitChunk = 1024

// loader reads a folder.
type loader struct {
	s       *Store
	ctx     context.Context
	visit   func([]store.Change) error
	plan    plan
	known   store.Revision // the last revision before this load
	started time.Time

	revision store.Revision
	snapshot snapshotInfo
	segments []loadedSegment // the last two
	buf      []byte          // holds the last segment
	changes  []store.Change
	writes   []store.Write
	batches  []store.Batch // those after known, when this is not the first load

	records  uint64 // passed to visit
	logBytes int64
	logged   time.Time
}

// loadedSegment is a segment that was read.
type loadedSegment struct {
	segmentHeader
	scanned
}

func (l *loader) run() error {
	l.logged = l.started
	if err := l.readSnapshot(); err != nil {
		return err
	}
	l.revision = l.plan.snapshot
	for i, first := range l.plan.segments {
		if err := l.readSegment(first, i == len(l.plan.segments)-1); err != nil {
			return err
		}
	}
	end := l.segments[len(l.segments)-1]
	switch {
	case end.sealed:
		return &DamageError{Dir: l.s.cfg.Dir, File: segmentName(end.next), Reason: "the file is missing, but the file before it names it"}
	case end.next-1 < l.plan.snapshot:
		return &DamageError{Dir: l.s.cfg.Dir, File: end.name(), Offset: end.tail,
			Reason: fmt.Sprintf("the log ends with revision %d, before the snapshot's %d", end.next-1, l.plan.snapshot)}
	case end.next-1 < end.reached:
		return &DamageError{Dir: l.s.cfg.Dir, File: end.name(), Offset: end.tail,
			Reason: fmt.Sprintf("the log ends with revision %d, but it had reached %d when it was closed", end.next-1, end.reached)}
	case end.next-1 < l.known:
		return &DamageError{Dir: l.s.cfg.Dir, File: end.name(), Offset: end.tail,
			Reason: fmt.Sprintf("the log ends with revision %d, but %d was committed", end.next-1, l.known)}
	}
	l.revision = end.next - 1
	return nil
}

func (l *loader) readSnapshot() error {
	if l.plan.snapshot == 0 {
		return nil
	}
	name := snapshotName(l.plan.snapshot)
	f, err := l.s.cfg.FS.Open(l.s.log.path(name))
	if err != nil {
		return damage(l.s.cfg.Dir, name, err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return damage(l.s.cfg.Dir, name, err)
	}
	in := io.NewSectionReader(f, 0, size)
	l.snapshot, err = readSnapshot(in, func(changes []store.Change) error {
		at, _ := in.Seek(0, io.SeekCurrent)
		l.progress(size, at)
		return l.hand(changes)
	})
	if err == nil && l.snapshot.revision != l.plan.snapshot {
		err = flawAt(0, "the file holds revision %d", l.snapshot.revision)
	}
	return damage(l.s.cfg.Dir, name, err)
}

func (l *loader) readSegment(first store.Revision, isLast bool) error {
	name := segmentName(first)
	h, err := l.readFile(name)
	if err == nil {
		err = l.follows(h, first)
	}
	var scan scanned
	if err == nil {
		scan, err = scanSegment(l.buf, h, isLast, l.frame)
	}
	if err == nil {
		err = l.flush() // the changes lie in buf
	}
	l.segments = append(l.segments[max(0, len(l.segments)-1):], loadedSegment{h, scan})
	return damage(l.s.cfg.Dir, name, err)
}

// readFile reads a whole segment into buf. The error is a *flaw, a *VersionError
// or comes from the file system.
func (l *loader) readFile(name string) (segmentHeader, error) {
	f, err := l.s.cfg.FS.Open(l.s.log.path(name))
	if err != nil {
		return segmentHeader{}, err
	}
	defer f.Close()
	var sector [sectorSize]byte
	if n, err := f.ReadAt(sector[:], 0); errors.Is(err, io.EOF) && n < sectorSize {
		return segmentHeader{}, flawAt(int64(n), "the file is truncated")
	} else if err != nil && !errors.Is(err, io.EOF) {
		return segmentHeader{}, err
	}
	h, err := parseSegmentHeader(sector[:])
	if _, ok := errors.AsType[*VersionError](err); ok {
		return h, err
	} else if err != nil {
		return h, flawAt(0, "%v", err)
	}
	size, err := f.Size()
	if err != nil {
		return h, err
	}
	if size != h.size {
		return h, flawAt(min(size, h.size), "the file has %d bytes instead of %d", size, h.size)
	}
	if int64(cap(l.buf)) < size {
		l.buf = make([]byte, size)
	}
	l.buf = l.buf[:size]
	if _, err := f.ReadAt(l.buf, 0); err != nil && !errors.Is(err, io.EOF) {
		return h, err
	}
	return h, nil
}

// follows checks that a segment continues the one before.
func (l *loader) follows(h segmentHeader, first store.Revision) error {
	if h.first != first {
		return flawAt(0, "the file starts with revision %d", h.first)
	}
	if n := len(l.segments); n > 0 && l.segments[n-1].next != h.first {
		return flawAt(0, "the segment before ends before revision %d; log entries are missing", l.segments[n-1].next)
	}
	return nil
}

// frame passes on the transactions of a frame that are not in the snapshot.
func (l *loader) frame(offset int64, f frame, payload []byte) (err error) {
	rest := payload
	for i := range f.count {
		l.writes, rest, err = nextTxn(rest, l.writes[:0])
		if err != nil {
			return flawAt(offset, "revision %d: %v", f.first+store.Revision(i), err)
		}
		if revision := f.first + store.Revision(i); revision > l.plan.snapshot {
			if err := l.take(revision); err != nil {
				return err
			}
		}
	}
	if len(rest) != 0 {
		return flawAt(offset, "a frame has %d bytes too many", len(rest))
	}
	l.logBytes += f.size()
	if f.mask != 0 {
		return l.flush() // the payload is masked again after this
	}
	return nil
}

// take queues the transaction in writes for visit.
func (l *loader) take(revision store.Revision) error {
	for _, w := range l.writes {
		l.changes = append(l.changes, store.Change{Record: store.Record{Key: w.Key, Value: w.Value, Revision: revision}, Delete: w.Delete})
	}
	if l.s.state == uncertain && revision > l.known {
		l.batches = append(l.batches, store.Batch{Revision: revision, Writes: cloneWrites(l.writes)})
	}
	if len(l.changes) < visitChunk {
		return nil
	}
	return l.flush()
}

func cloneWrites(writes []store.Write) []store.Write {
	own := slices.Clone(writes)
	for i := range own {
		own[i].Value = slices.Clone(own[i].Value)
	}
	return own
}

func (l *loader) flush() error {
	for chunk := range slices.Chunk(l.changes, visitChunk) {
		l.progress(0, 0)
		if err := l.hand(chunk); err != nil {
			return err
		}
	}
	l.changes = l.changes[:0]
	return nil
}

func (l *loader) hand(changes []store.Change) error {
	if err := l.s.interrupted(l.ctx); err != nil {
		return &stopped{err}
	}
	l.records += uint64(len(changes))
	if err := l.visit(changes); err != nil {
		return &stopped{err}
	}
	return nil
}

// progress logs the progress of a load, at most once a second. total and done are bytes
// of the snapshot, 0 in the log.
func (l *loader) progress(total, done int64) {
	now := time.Now()
	if now.Sub(l.logged) < time.Second {
		return
	}
	l.logged = now
	if done == 0 {
		l.s.cfg.Logger.Info("loading the log", "changes", l.records)
		return
	}
	l.s.cfg.Logger.Info("loading the snapshot", "records", l.records, "of_about", l.records*uint64(total)/uint64(done))
}

func (l *loader) report() {
	l.s.cfg.Logger.Info("data loaded",
		"dir", l.s.cfg.Dir,
		"revision", l.revision,
		"snapshot_revision", l.plan.snapshot,
		"snapshot_records", l.snapshot.records,
		"log_changes", l.records-l.snapshot.records,
		"log_bytes", l.logBytes,
		"duration", time.Since(l.started).Round(time.Millisecond))
}
