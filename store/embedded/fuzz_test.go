package embedded

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/store"
)

// segmentOf makes a segment with frames of one transaction each.
func segmentOf(h segmentHeader, txns ...[]store.Write) []byte {
	data := make([]byte, h.size)
	copy(data, h.encode())
	at := int64(sectorSize)
	for i, writes := range txns {
		buf, _ := appendTxn(make([]byte, frameHeader, 64<<10), nil, writes)
		out := finishFrame(buf, frame{count: 1, first: h.first + store.Revision(i)}, h.salt, at)
		copy(data[at:], out)
		at += alignFrame(int64(len(out)))
	}
	return data
}

var fuzzHeader = segmentHeader{salt: 42, first: 7, size: 4096}

func fuzzSegment() []byte {
	return segmentOf(fuzzHeader,
		[]store.Write{{Key: "a", Value: []byte("1")}, {Key: "b", Delete: true}},
		[]store.Write{{Key: "zeros", Value: make([]byte, 1500)}},
		nil,
	)
}

// FuzzSegment: whatever a segment holds, reading it ends with frames or a flaw,
// and leaves the data as it was.
func FuzzSegment(f *testing.F) {
	good := fuzzSegment()
	f.Add(good, true)
	f.Add(good[:600], true)
	f.Add(make([]byte, 1024), false)
	f.Fuzz(func(t *testing.T, data []byte, last bool) {
		if len(data) < sectorSize+sealRoom {
			return
		}
		h, err := parseSegmentHeader(data)
		if err != nil {
			h = fuzzHeader // so that frames are reached nevertheless
		}
		before := slices.Clone(data)
		s, err := scanSegment(data, h, last, func(_ int64, f frame, payload []byte) error {
			for range f.count {
				var err error
				if _, payload, err = nextTxn(payload, nil); err != nil {
					return flawAt(0, "%v", err)
				}
			}
			return nil
		})
		if _, ok := errors.AsType[*flaw](err); err != nil && !ok {
			t.Fatalf("not a flaw: %v", err)
		}
		if s.tail < sectorSize || s.tail > int64(len(data)) || s.last > s.tail {
			t.Fatalf("tail %d, last frame %d of %d bytes", s.tail, s.last, len(data))
		}
		if !bytes.Equal(before, data) {
			t.Fatal("the data was changed")
		}
	})
}

// FuzzFrame: what a group commits comes back as it was, at every offset, and
// never looks torn.
func FuzzFrame(f *testing.F) {
	f.Add("key", []byte("value"), uint16(0), uint64(1))
	f.Add("", make([]byte, 3000), uint16(33), uint64(0))
	f.Add("k", bytes.Repeat([]byte{0xff}, 600), uint16(15), uint64(1<<63))
	f.Fuzz(func(t *testing.T, key string, value []byte, slot uint16, salt uint64) {
		at := sectorSize + int64(slot)*frameAlign
		writes := []store.Write{{Key: key, Value: value}, {Key: key, Delete: true}}
		size := frameHeader + txnSize(&store.Txn{Writes: writes})
		buf, kept := appendTxn(make([]byte, frameHeader, size), nil, writes)
		if len(buf) > size {
			t.Fatalf("encoded %d bytes, promised %d", len(buf), size)
		}
		out := finishFrame(buf, frame{count: 1, first: 9}, salt, at)
		if hasBlankShare(out, at) {
			t.Fatal("a sector's share is blank")
		}
		got, ok := parseFrame(out, salt, at)
		if !ok || got.count != 1 || got.first != 9 || int(got.length) != len(out)-frameHeader {
			t.Fatalf("parsed %+v, %t", got, ok)
		}
		if _, ok := parseFrame(out, salt, at+frameAlign); ok {
			t.Fatal("the frame is good at another place too")
		}
		payload := slices.Clone(out[frameHeader:])
		applyMask(payload, got.mask)
		back, rest, err := nextTxn(payload, nil)
		if err != nil || len(rest) != 0 || !slices.EqualFunc(back, writes, sameWrite) || !slices.EqualFunc(kept, writes, sameWrite) {
			t.Fatalf("came back as %v, kept %v: %v", back, kept, err)
		}
	})
}

// FuzzTxn: whatever a payload holds, decoding it ends, and takes no more memory
// than the payload justifies.
func FuzzTxn(f *testing.F) {
	good, _ := appendTxn(make([]byte, 0, 100), nil, []store.Write{{Key: "a", Value: []byte("1")}, {Key: "b", Delete: true}})
	f.Add(good)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		writes, rest, err := nextTxn(data, nil)
		if err == nil && len(writes)+len(rest) > len(data) {
			t.Fatalf("%d writes out of %d bytes", len(writes), len(data))
		}
	})
}

// FuzzSnapshot: whatever a snapshot holds, reading it ends with records or a
// flaw, and what was read without one is written the same way again.
func FuzzSnapshot(f *testing.F) {
	var good bytes.Buffer
	if err := WriteBackup(&good, 9, records(map[string]string{"a": "1", "b": ""}, 5)); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Add(good.Bytes()[:80])
	f.Fuzz(func(t *testing.T, data []byte) {
		var all []store.Record
		info, err := readSnapshot(bytes.NewReader(data), func(changes []store.Change) error {
			for _, c := range changes {
				c.Value = slices.Clone(c.Value)
				all = append(all, c.Record)
			}
			return nil
		})
		if err != nil {
			_, isFlaw := errors.AsType[*flaw](err)
			_, isVersion := errors.AsType[*VersionError](err)
			if !isFlaw && !isVersion {
				t.Fatalf("not a flaw: %v", err)
			}
			return
		}
		var again bytes.Buffer
		if err := WriteBackup(&again, info.revision, slices.Values(all)); err != nil {
			t.Fatal(err)
		}
		if back, err := readSnapshot(&again, func([]store.Change) error { return nil }); err != nil || back.records != info.records {
			t.Fatalf("written again: %+v, %v", back, err)
		}
	})
}

// FuzzLockNote: a lock file may hold anything.
func FuzzLockNote(f *testing.F) {
	f.Add([]byte("pid 12\nhost here\nsince 2024-01-01T00:00:00Z\n"))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, note []byte) {
		if parseLockNote("d", note).Error() == "" {
			t.Fatal("it says nothing")
		}
	})
}
