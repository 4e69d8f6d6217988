package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/internal/fsx"
	"github.com/cairn-discovery/cairn/store"
)

// The log is a chain of segments. A segment is a file of fixed size, zero from
// the tail on, which starts with one sector:
//
//	 0  8 bytes  segmentMagic
//	 8  u32      formatVersion
//	12  u32      checksum of the sector with these four bytes zero
//	16  u64      salt, random, part of every frame's checksum
//	24  u64      revision of the first transaction
//	32  u64      size of the file
//	40  u64      revision that the log had reached when the store was closed, or 0
//
// Its name holds the first revision in hexadecimal. It is written under a
// temporary name, synced and renamed, so a file with the final name is whole.
const (
	segmentMagic  = "cairnlog"
	formatVersion = 1

	segmentPrefix = "log-"
	segmentSuffix = ".seg"
	tempSuffix    = ".tmp"

	// sealRoom at the end of every segment is kept for the seal.
	sealRoom = frameHeader
)

type segmentHeader struct {
	salt  uint64
	first store.Revision
	size  int64
	// reached is a revision that the log has reached for certain. It is written when
	// the store is closed, and tells a lost end of the log from one that a crash left.
	reached store.Revision
}

func (h segmentHeader) name() string { return segmentName(h.first) }

func segmentName(first store.Revision) string {
	return fmt.Sprintf("%s%016x%s", segmentPrefix, uint64(first), segmentSuffix)
}

// parseName returns the revision in a file's name, if it is of that kind.
func parseName(name, prefix, suffix string) (store.Revision, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, suffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return store.Revision(n), err == nil
}

func (h segmentHeader) encode() []byte {
	b := make([]byte, sectorSize)
	le := binary.LittleEndian
	copy(b, segmentMagic)
	le.PutUint32(b[8:], formatVersion)
	le.PutUint64(b[16:], h.salt)
	le.PutUint64(b[24:], uint64(h.first))
	le.PutUint64(b[32:], uint64(h.size))
	le.PutUint64(b[40:], uint64(h.reached))
	le.PutUint32(b[12:], checksum(b))
	return b
}

var errSegmentHeader = errors.New("the segment header's checksum is wrong")

// parseSegmentHeader reads a segment's first sector. The error is a
// *VersionError without File, or says what is wrong.
func parseSegmentHeader(sector []byte) (segmentHeader, error) {
	if len(sector) < sectorSize {
		return segmentHeader{}, errors.New("the file is shorter than a segment header")
	}
	le := binary.LittleEndian
	if string(sector[:8]) != segmentMagic {
		return segmentHeader{}, errors.New("this is not a log segment")
	}
	own := [sectorSize]byte(sector)
	le.PutUint32(own[12:], 0)
	if checksum(own[:]) != le.Uint32(sector[12:]) {
		return segmentHeader{}, errSegmentHeader
	}
	if v := le.Uint32(sector[8:]); v != formatVersion {
		return segmentHeader{}, &VersionError{Version: v}
	}
	h := segmentHeader{salt: le.Uint64(own[16:]), first: store.Revision(le.Uint64(own[24:])), size: int64(le.Uint64(own[32:])),
		reached: store.Revision(le.Uint64(own[40:]))}
	if h.first == 0 || h.size < sectorSize || h.size > maxSegment || h.size%sectorSize != 0 {
		return segmentHeader{}, errors.New("the segment header makes no sense")
	}
	return h, nil
}

// prepareSegment writes a new segment, with the given frames after its header,
// under its temporary name, makes its content durable and leaves it open.
func prepareSegment(fs fsx.FS, dir string, h segmentHeader, frames []byte) (fsx.File, error) {
	temp := filepath.Join(dir, h.name()+tempSuffix)
	f, err := fs.Create(temp)
	if err != nil {
		return nil, err
	}
	if err := fillSegment(f, h, frames); err != nil {
		// The rest is harmless, but the disk may be nearly full.
		f.Close()
		_ = fs.Remove(temp)
		return nil, err
	}
	return f, nil
}

// placeSegment renames a prepared segment to its final name, durably. After an error
// the file may have either name, now and after a crash.
func placeSegment(fs fsx.FS, dir string, h segmentHeader) error {
	final := filepath.Join(dir, h.name())
	if err := fs.Rename(final+tempSuffix, final); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}

func fillSegment(f fsx.File, h segmentHeader, frames []byte) error {
	if err := f.Allocate(h.size); err != nil {
		return err
	}
	if _, err := f.WriteAt(h.encode(), 0); err != nil {
		return err
	}
	if _, err := f.WriteAt(frames, sectorSize); err != nil {
		return err
	}
	if err := writeZeros(f, sectorSize+int64(len(frames)), h.size); err != nil {
		return err
	}
	return f.Sync()
}

// writeZeros writes zeros. Space that is only reserved is converted on first use,
// which would make every fdatasync write metadata too.
func writeZeros(f fsx.File, from, to int64) error {
	zeros := make([]byte, min(256<<10, max(to-from, 0)))
	for from < to {
		n := min(int64(len(zeros)), to-from)
		if _, err := f.WriteAt(zeros[:n], from); err != nil {
			return err
		}
		from += n
	}
	return nil
}
