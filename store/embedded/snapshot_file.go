package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cairn-discovery/cairn/store"
)

// A snapshot file, which a backup is too, is a file header and sections: chunks
// of records and one end.
//
//	file header           section header
//	 0  8 bytes  magic     0  u32  checksum of bytes 4..32
//	 8  u32  formatVersion 4  u32  checksum of the payload; in the end of all headers before
//	12  u32  checksum      8  u32  length of the payload
//	16  u64  revision     12  u32  kind
//	24  u64  zero         16  u64  number of records; in the end of all
//	                      24  u64  number of the chunk; in the end of chunks
//
// A record is a uvarint length and the key, a uvarint length and the value, and
// its revision as a uvarint.
const (
	snapshotMagic  = "cairnsnp"
	snapshotHeader = 32
	sectionHeader  = 32

	kindChunk = 1
	kindEnd   = 2

	// chunkBytes is the size from which a chunk is written. A chunk can be
	// longer by one record.
	chunkBytes = 256 << 10
	maxChunk   = chunkBytes + maxTxn + maxKey + 64
)

// section is the header of a section.
type section struct {
	sum    uint32
	length uint32
	kind   uint32
	count  uint64
	number uint64
}

func (c section) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b[4:], c.sum)
	le.PutUint32(b[8:], c.length)
	le.PutUint32(b[12:], c.kind)
	le.PutUint64(b[16:], c.count)
	le.PutUint64(b[24:], c.number)
	le.PutUint32(b, checksum(b[4:sectionHeader]))
}

func parseSection(b []byte) (section, error) {
	le := binary.LittleEndian
	c := section{
		sum:    le.Uint32(b[4:]),
		length: le.Uint32(b[8:]),
		kind:   le.Uint32(b[12:]),
		count:  le.Uint64(b[16:]),
		number: le.Uint64(b[24:]),
	}
	switch {
	case le.Uint32(b) != checksum(b[4:sectionHeader]):
		return c, errors.New("the checksum of a section's header is wrong")
	case c.length > maxChunk || c.kind != kindChunk && c.kind != kindEnd || c.kind == kindEnd && c.length != 0:
		return c, errors.New("a section's header makes no sense")
	}
	return c, nil
}

func putSnapshotHeader(b []byte, at store.Revision) {
	le := binary.LittleEndian
	clear(b[:snapshotHeader])
	copy(b, snapshotMagic)
	le.PutUint32(b[8:], formatVersion)
	le.PutUint64(b[16:], uint64(at))
	le.PutUint32(b[12:], checksum(b[:snapshotHeader]))
}

// parseSnapshotHeader returns the revision of a snapshot. The error is a
// *VersionError without File, or says what is wrong.
func parseSnapshotHeader(b []byte) (store.Revision, error) {
	le := binary.LittleEndian
	if string(b[:8]) != snapshotMagic {
		return 0, errors.New("this is not a snapshot or backup")
	}
	own := [snapshotHeader]byte(b)
	le.PutUint32(own[12:], 0)
	if checksum(own[:]) != le.Uint32(b[12:]) {
		return 0, errors.New("the checksum of the file header is wrong")
	}
	if v := le.Uint32(b[8:]); v != formatVersion {
		return 0, &VersionError{Version: v}
	}
	return store.Revision(le.Uint64(b[16:])), nil
}

// snapshotWriter writes a snapshot file to w.
type snapshotWriter struct {
	w       io.Writer
	at      store.Revision
	chunk   []byte // room for a section header, then records
	pending uint64 // records in chunk
	records uint64
	chunks  uint64
	bytes   int64
	sum     uint32 // of all headers so far
}

func newSnapshotWriter(w io.Writer, at store.Revision) (*snapshotWriter, error) {
	s := &snapshotWriter{w: w, at: at, chunk: make([]byte, sectionHeader, 4<<10)}
	var header [snapshotHeader]byte
	putSnapshotHeader(header[:], at)
	s.sum = extendSum(s.sum, header[:])
	return s, s.write(header[:])
}

func (s *snapshotWriter) add(r store.Record) error {
	if len(r.Key) > maxKey || len(r.Value) > maxTxn {
		return fmt.Errorf("%w: a record of %d bytes", errTooLarge, len(r.Key)+len(r.Value))
	}
	if r.Revision > s.at || s.at == 0 {
		return fmt.Errorf("embedded: a record of revision %d in a snapshot at %d", r.Revision, s.at)
	}
	b := binary.AppendUvarint(s.chunk, uint64(len(r.Key)))
	b = append(b, r.Key...)
	b = binary.AppendUvarint(b, uint64(len(r.Value)))
	b = append(b, r.Value...)
	s.chunk = binary.AppendUvarint(b, uint64(r.Revision))
	s.pending++
	if len(s.chunk) < chunkBytes {
		return nil
	}
	return s.flush()
}

func (s *snapshotWriter) flush() error {
	if s.pending == 0 {
		return nil
	}
	payload := s.chunk[sectionHeader:]
	section{sum: checksum(payload), length: uint32(len(payload)), kind: kindChunk, count: s.pending, number: s.chunks}.put(s.chunk)
	s.sum = extendSum(s.sum, s.chunk[:sectionHeader])
	err := s.write(s.chunk)
	s.records += s.pending
	s.chunks++
	s.chunk, s.pending = s.chunk[:sectionHeader], 0
	return err
}

// finish writes the end. Without it the file is no snapshot.
func (s *snapshotWriter) finish() error {
	if err := s.flush(); err != nil {
		return err
	}
	var end [sectionHeader]byte
	section{sum: s.sum, kind: kindEnd, count: s.records, number: s.chunks}.put(end[:])
	return s.write(end[:])
}

func (s *snapshotWriter) write(b []byte) error {
	n, err := s.w.Write(b)
	s.bytes += int64(n)
	return err
}
