package upstream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cairn-discovery/cairn/internal/record"
	"github.com/cairn-discovery/cairn/store"
)

// A stream is a sequence of frames: the length of each as an unsigned varint, then its
// fields in the encoding of internal/record. Kinds and fields that a reader does not know
// are skipped, so versions can differ.

// kind is what a frame holds.
type kind uint64

const (
	// kindRecord is one record of the state with its revision.
	kindRecord kind = iota + 1
	// kindLoaded ends the records; its revision is that of the state.
	kindLoaded
	// kindBatch is one committed transaction.
	kindBatch
	// kindContact says that the state of the sender, which all frames before it have
	// brought to the reader, may be out of date for this long.
	kindContact
	// kindCompacted says that the batches after the revision asked for are gone.
	kindCompacted
)

// frame is one message of a stream.
type frame struct {
	kind     kind
	revision store.Revision
	record   store.Record  // kindRecord
	writes   []store.Write // kindBatch
	stale    uint64        // kindContact, in milliseconds
}

// The field numbers are permanent.
const (
	fieldKind = iota + 1
	fieldRevision
	fieldKey
	fieldValue
	fieldWrite
	fieldStale
)

// The fields of a write.
const (
	writeKey = iota + 1
	writeValue
	writeDelete
)

// maxFrame is the largest frame that is read, in bytes.
const maxFrame = 64 << 20

func (f *frame) append(b []byte) []byte {
	b = record.AppendUint(b, fieldKind, uint64(f.kind))
	b = record.AppendUint(b, fieldRevision, uint64(f.revision))
	b = record.AppendString(b, fieldKey, f.record.Key)
	b = record.AppendString(b, fieldValue, f.record.Value)
	b = record.AppendUint(b, fieldStale, f.stale)
	for _, w := range f.writes {
		b = record.AppendNested(b, fieldWrite, func(b []byte) []byte {
			b = record.AppendString(b, writeKey, w.Key)
			b = record.AppendString(b, writeValue, w.Value)
			if w.Delete {
				b = record.AppendUint(b, writeDelete, 1)
			}
			return b
		})
	}
	return b
}

func decodeFrame(b []byte) (frame, error) {
	var f frame
	r := record.NewReader(b)
	for x, ok := r.Next(); ok; x, ok = r.Next() {
		switch x.Number {
		case fieldKind:
			f.kind = kind(x.Uint)
		case fieldRevision:
			f.revision = store.Revision(x.Uint)
		case fieldKey:
			f.record.Key = string(x.Bytes)
		case fieldValue:
			f.record.Value = x.Bytes
		case fieldStale:
			f.stale = x.Uint
		case fieldWrite:
			w, err := decodeWrite(x.Bytes)
			if err != nil {
				return f, err
			}
			f.writes = append(f.writes, w)
		}
	}
	f.record.Revision = f.revision
	return f, r.Err()
}

func decodeWrite(b []byte) (store.Write, error) {
	var w store.Write
	r := record.NewReader(b)
	for x, ok := r.Next(); ok; x, ok = r.Next() {
		switch x.Number {
		case writeKey:
			w.Key = string(x.Bytes)
		case writeValue:
			w.Value = x.Bytes
		case writeDelete:
			w.Delete = x.Uint != 0
		}
	}
	if r.Err() == nil && w.Key == "" {
		return w, errors.New("upstream: a write without a key")
	}
	return w, r.Err()
}

// frameWriter writes frames.
type frameWriter struct {
	out *bufio.Writer
	buf []byte
}

func (w *frameWriter) write(f *frame) error {
	w.buf = f.append(w.buf[:0])
	var length [binary.MaxVarintLen64]byte
	if _, err := w.out.Write(length[:binary.PutUvarint(length[:], uint64(len(w.buf)))]); err != nil {
		return err
	}
	_, err := w.out.Write(w.buf)
	return err
}

// readFrame reads one frame. Its bytes belong to the caller.
func readFrame(r *bufio.Reader) (frame, error) {
	length, err := binary.ReadUvarint(r)
	if err != nil {
		return frame{}, err
	}
	if length > maxFrame {
		return frame{}, fmt.Errorf("upstream: a frame of %d bytes; the limit is %d", length, maxFrame)
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err != nil {
		return frame{}, err
	}
	if uint64(len(b)) < length {
		return frame{}, io.ErrUnexpectedEOF
	}
	return decodeFrame(b)
}
