package embedded

import (
	"math/rand/v2"
	"path/filepath"

	"github.com/cairn-discovery/cairn/internal/fsx"
	"github.com/cairn-discovery/cairn/store"
)

// Sizes of segments in bytes.
const (
	defaultSegment = 16 << 20
	minSegment     = 4 << 10
	maxSegment     = 1 << 30
	// smallSegment is the smallest size of a segment on a nearly full disk.
	smallSegment = 64 << 10
)

// segmentLog appends frames. It is guarded by Store.logToken.
type segmentLog struct {
	fs   fsx.FS
	dir  string
	size int64 // of a new segment

	// first holds the first revision of each segment, oldest first. The last
	// one is the active segment.
	first  []store.Revision
	active fsx.File
	head   segmentHeader // of the active segment
	tail   int64
	// dirty is how many bytes from the tail on a failed write may have left.
	dirty int64
	// mustRoll is set once the next segment may exist under its name: what
	// belongs there must not be written to the active one any more.
	mustRoll bool
}

// append makes a frame durable. With ErrUncertain the frame may be durable, with any
// other error it is not. buf has room for the header in front of the payload, which
// is not changed.
func (l *segmentLog) append(buf []byte, revision store.Revision) error {
	if err := l.clear(); err != nil {
		return err
	}
	need := alignFrame(int64(len(buf)))
	if l.mustRoll || l.tail+need > l.head.size-sealRoom {
		if err := l.roll(revision, need); err != nil {
			return err
		}
	}
	out := finishFrame(buf, frame{count: 1, first: revision}, l.head.salt, l.tail)
	if n, err := l.active.WriteAt(out, l.tail); err != nil {
		return l.undo(out, n, err)
	}
	if err := l.active.Datasync(); err != nil {
		return unknown("sync the log", err)
	}
	l.tail += need
	return nil
}

// undo clears a frame that could not be written.
func (l *segmentLog) undo(out []byte, written int, cause error) error {
	l.dirty = int64(len(out))
	if l.clear() == nil {
		return notDone("write the log", cause)
	}
	// It cannot even be overwritten. If the system says that it took only part
	// of a frame for lack of space, it is no whole frame and can be cleared
	// later; otherwise we do not know what will be on the disk.
	if isNoSpace(cause) && !isZero(out[written:]) {
		return notDone("write the log", cause)
	}
	return unknown("write the log", cause)
}

// clear makes the space after the tail zero again, durably.
func (l *segmentLog) clear() error {
	if l.dirty == 0 {
		return nil
	}
	if err := writeZeros(l.active, l.tail, l.tail+l.dirty); err != nil {
		return notDone("clear the log's tail", err)
	}
	if err := l.active.Datasync(); err != nil {
		return notDone("clear the log's tail", err)
	}
	l.dirty = 0
	return nil
}

// roll goes on in a new segment that starts with revision first and has room
// for a frame of need bytes. The order matters: the new one is durable before
// the seal that promises it, and the seal before anything in the new one. After
// an error nothing of this has happened for the caller; it is done again later.
func (l *segmentLog) roll(first store.Revision, need int64) error {
	next, h, err := l.prepare(first, need)
	if err != nil {
		return notDone("prepare a log segment", err)
	}
	l.mustRoll = true
	err = placeSegment(l.fs, l.dir, h)
	// A segment that is too small for its first frame has just been replaced:
	// the new one has the same name.
	isNew := first != l.head.first
	if err == nil && isNew {
		err = l.seal(first)
	}
	if err != nil {
		next.Close()
		return notDone("start a log segment", err)
	}
	l.active.Close()
	l.use(next, h, sectorSize)
	if isNew {
		l.first = append(l.first, first)
	}
	return nil
}

// use sets the active segment.
func (l *segmentLog) use(f fsx.File, h segmentHeader, tail int64) {
	l.active, l.head, l.tail = f, h, tail
	l.dirty, l.mustRoll = 0, false
}

// prepare creates the next segment, or a smaller one on a nearly full disk.
func (l *segmentLog) prepare(first store.Revision, need int64) (fsx.File, segmentHeader, error) {
	least := roundUp(sectorSize+need+sealRoom, sectorSize)
	small := max(least, min(l.size, smallSegment))
	for size := max(l.size, least); ; size = max(small, roundUp(size/2, sectorSize)) {
		h := segmentHeader{salt: rand.Uint64(), first: first, size: size}
		f, err := prepareSegment(l.fs, l.dir, h, nil)
		if err == nil || !isNoSpace(err) || size == small {
			return f, h, err
		}
	}
}

// seal ends the active segment, so that a loss of the next segment is detected.
func (l *segmentLog) seal(next store.Revision) error {
	var b [frameHeader]byte
	frame{payloadSum: checksum(nil), first: next}.put(b[:], l.head.salt, l.tail)
	if _, err := l.active.WriteAt(b[:], l.tail); err != nil {
		return err
	}
	return l.active.Datasync()
}

// markEnd records in the active segment that the log has reached a revision.
func (l *segmentLog) markEnd(reached store.Revision) error {
	if l.active == nil || l.dirty != 0 || l.head.reached == reached {
		return nil
	}
	h := l.head
	h.reached = reached
	if _, err := l.active.WriteAt(h.encode(), 0); err != nil {
		return notDone("mark the end of the log", err)
	}
	if err := l.active.Datasync(); err != nil {
		return notDone("mark the end of the log", err)
	}
	return nil
}

// dropThrough removes the segments without revisions after the given one from the
// list and returns their names. It keeps the active segment.
func (l *segmentLog) dropThrough(at store.Revision) []string {
	var names []string
	for len(l.first) > 1 && l.first[1] <= at+1 {
		names = append(names, segmentName(l.first[0]))
		l.first = l.first[1:]
	}
	return names
}

func (l *segmentLog) close() error {
	if l.active == nil {
		return nil
	}
	f := l.active
	l.active = nil
	return f.Close()
}

func (l *segmentLog) path(name string) string { return filepath.Join(l.dir, name) }

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
