package embedded

import (
	"errors"
	"io"

	"github.com/cairn-discovery/cairn/store"
)

// snapshotInfo is the header of a snapshot file.
type snapshotInfo struct {
	revision store.Revision
	records  uint64
	bytes    int64
}

// readSnapshot reads a snapshot from its first byte to the end of r. It hands over the
// records in chunks, and checks each chunk before. That all of them were there is only
// known when it returns nil. The chunk's memory is used again after visit. The error is a
// *flaw, a *VersionError without File, or comes from r or visit.
func readSnapshot(r io.Reader, visit func([]store.Change) error) (snapshotInfo, error) {
	s := snapshotReader{r: r}
	return s.all(visit)
}

type snapshotReader struct {
	r       io.Reader
	at      store.Revision
	offset  int64
	sum     uint32 // of all headers so far
	records uint64
	chunks  uint64
	buf     []byte
	changes []store.Change
}

func (s *snapshotReader) all(visit func([]store.Change) error) (snapshotInfo, error) {
	var err error
	if s.at, err = s.header(); err != nil {
		return snapshotInfo{}, err
	}
	for {
		c, err := s.section()
		if err != nil {
			return snapshotInfo{}, err
		}
		if c.kind == kindEnd {
			return snapshotInfo{revision: s.at, records: s.records, bytes: s.offset}, s.atEnd()
		}
		if err := s.decode(c); err != nil {
			return snapshotInfo{}, err
		}
		if err := visit(s.changes); err != nil {
			return snapshotInfo{}, err
		}
	}
}

func (s *snapshotReader) header() (store.Revision, error) {
	var b [snapshotHeader]byte
	if err := s.fill(b[:]); err != nil {
		return 0, err
	}
	s.sum = extendSum(s.sum, b[:])
	at, err := parseSnapshotHeader(b[:])
	if _, ok := errors.AsType[*VersionError](err); err != nil && !ok {
		err = flawAt(0, "%v", err)
	}
	return at, err
}

// section reads the header of the next section and its payload into buf.
func (s *snapshotReader) section() (section, error) {
	start := s.offset
	var b [sectionHeader]byte
	if err := s.fill(b[:]); err != nil {
		return section{}, err
	}
	c, err := parseSection(b[:])
	if err != nil {
		return c, flawAt(start, "%v", err)
	}
	if c.number != s.chunks {
		return c, flawAt(start, "chunk %d is where chunk %d should be", c.number, s.chunks)
	}
	if c.kind == kindEnd {
		if c.sum != s.sum || c.count != s.records {
			return c, flawAt(start, "the checksum of the whole file is wrong")
		}
		return c, nil
	}
	s.sum = extendSum(s.sum, b[:])
	s.chunks++
	s.records += c.count
	if cap(s.buf) < int(c.length) {
		s.buf = make([]byte, c.length+c.length/4)
	}
	s.buf = s.buf[:c.length]
	if err := s.fill(s.buf); err != nil {
		return c, err
	}
	if checksum(s.buf) != c.sum {
		return c, flawAt(start, "a chunk's checksum is wrong")
	}
	return c, nil
}

func (s *snapshotReader) fill(b []byte) error {
	n, err := io.ReadFull(s.r, b)
	s.offset += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return flawAt(s.offset, "the file is truncated")
	}
	return err
}

func (s *snapshotReader) atEnd() error {
	var b [1]byte
	switch n, err := io.ReadFull(s.r, b[:]); {
	case n > 0:
		return flawAt(s.offset, "there is data after the end of the snapshot")
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// decode turns the payload in buf into changes.
func (s *snapshotReader) decode(c section) error {
	s.changes = s.changes[:0]
	rest := s.buf
	for range c.count {
		var r store.Record
		var ok bool
		if r, rest, ok = takeRecord(rest); !ok {
			return flawAt(s.offset-int64(c.length), "undecodable record")
		}
		if r.Revision > s.at || s.at == 0 {
			return flawAt(s.offset-int64(c.length), "a record of revision %d in a snapshot at %d", r.Revision, s.at)
		}
		s.changes = append(s.changes, store.Change{Record: r})
	}
	if len(rest) != 0 {
		return flawAt(s.offset-int64(c.length), "a chunk has %d bytes too many", len(rest))
	}
	return nil
}

func takeRecord(b []byte) (r store.Record, rest []byte, ok bool) {
	key, rest, ok := takeSized(b)
	if !ok {
		return r, nil, false
	}
	value, rest, ok := takeSized(rest)
	if !ok {
		return r, nil, false
	}
	revision, rest, ok := takeUvarint(rest)
	return store.Record{Key: string(key), Value: value, Revision: store.Revision(revision)}, rest, ok
}
