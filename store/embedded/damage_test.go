package embedded

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/fsx/crashfs"
	"github.com/cairn-discovery/cairn/store"
)

// smallStore makes the files of a store with a snapshot and a log of two
// segments, and returns its model too.
func smallStore(t *testing.T) *sim {
	m := newMatrixSim(t, 7)
	m.up()
	for i := range 3 {
		m.commit(m.txn(), m.txn())
		m.commit(store.Txn{Writes: []store.Write{{Key: "big", Value: []byte(strings.Repeat(fmt.Sprint(i), 700))}}})
	}
	m.snapshot(3, func() {})
	m.commit(store.Txn{Writes: []store.Write{{Key: "big", Value: []byte(strings.Repeat("x", 1800))}}})
	m.commit(store.Txn{Writes: []store.Write{{Key: "last", Value: []byte("x")}}})
	m.closeStore()
	return m
}

// damaged checks what a store makes of changed files: it must refuse them, or
// nothing that was acknowledged may be missing. It returns the refusal.
func (m *sim) damaged(files map[string][]byte, what string) error {
	m.t.Helper()
	fs := crashfs.New(1)
	for name, content := range files {
		fs.Put(name, content)
	}
	after := &sim{t: m.t, fs: fs, cfg: m.cfg, model: m.model}
	after.cfg.FS = fs
	after.note("%s", what)
	err := after.tryUp()
	if err == nil {
		return nil
	}
	_, damage := errors.AsType[*DamageError](err)
	_, version := errors.AsType[*VersionError](err)
	if !damage && !version {
		m.t.Fatalf("%s: %v", what, err)
	}
	if !maps.EqualFunc(fs.Files(), files, slices.Equal) {
		m.t.Fatalf("%s: the files were changed though they were refused", what)
	}
	return err
}

// with returns files with one of them replaced.
func with(files map[string][]byte, name string, content []byte) map[string][]byte {
	changed := maps.Clone(files)
	changed[name] = content
	return changed
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	m := smallStore(t)
	files := m.fs.Files()
	for name, content := range files {
		for at := range content {
			if testing.Short() && at%7 != 0 {
				continue
			}
			changed := slices.Clone(content)
			changed[at] ^= 1 << (at % 8)
			m.damaged(with(files, name, changed), fmt.Sprintf("%s with a bit of byte %d flipped", name, at))
		}
	}
}

// Values that are all zero look like space that was never written. A flipped bit
// beside them must not make the last frame, which was acknowledged, a torn one.
func TestFlippedBitsBesideZerosAreNoticed(t *testing.T) {
	m := newMatrixSim(t, 7)
	m.up()
	m.commit(store.Txn{Writes: []store.Write{{Key: "zeros", Value: make([]byte, 1800)}}})
	m.closeStore()
	files := m.fs.Files()
	name := simDir + "/" + segmentName(1)
	last := lastFrame(t, files[name])
	for at := last; at < last+1800; at++ {
		changed := slices.Clone(files[name])
		changed[at] ^= 0x10
		what := fmt.Sprintf("a bit of byte %d flipped", at)
		if m.damaged(with(files, name, changed), what) == nil {
			t.Fatalf("%s was accepted", what)
		}
	}
}

// A sector that lost its content looks like one that was never written. In the sectors
// of the very last frame that is what a torn write looks like. After a clean stop the
// header of the segment says how far the log had reached, so that every loss is
// noticed; after a crash a loss there can go unnoticed, and nowhere else.
func TestZeroedSectorsAreNoticed(t *testing.T) {
	m := smallStore(t)
	t.Run("after a clean stop", func(t *testing.T) { m.zeroSectors(t, m.fs.Files(), true) })
	m.up()
	m.commit(store.Txn{Writes: []store.Write{{Key: "after the stop", Value: []byte("x")}}})
	m.recover()
	t.Run("after a crash", func(t *testing.T) { m.zeroSectors(t, m.fs.Files(), false) })
}

func (m *sim) zeroSectors(t *testing.T, files map[string][]byte, clean bool) {
	newest := slices.Max(slices.DeleteFunc(slices.Collect(maps.Keys(files)), func(name string) bool {
		return !strings.HasSuffix(name, segmentSuffix)
	}))
	last := lastFrame(t, files[newest])
	for name, content := range files {
		for at := 0; at < len(content); at += sectorSize {
			changed := slices.Clone(content)
			clear(changed[at:min(at+sectorSize, len(content))])
			if slices.Equal(changed, content) {
				continue
			}
			what := fmt.Sprintf("%s with the sector at %d zero", name, at)
			if name == newest && int64(at+sectorSize) > last && !clean {
				continue
			}
			if m.damaged(with(files, name, changed), what) == nil {
				t.Fatalf("%s was accepted", what)
			}
		}
	}
}

// The end of the log is lost as a whole: all zeros from some place on. damaged makes
// sure that what is accepted is complete: only a seal may be lost.
func TestZeroedTailIsNoticed(t *testing.T) {
	m := smallStore(t)
	files := m.fs.Files()
	for name, content := range files {
		if !strings.HasSuffix(name, segmentSuffix) {
			continue
		}
		for at := sectorSize; at < len(content); at += frameAlign {
			changed := slices.Clone(content)
			clear(changed[at:])
			if slices.Equal(changed, content) {
				break
			}
			m.damaged(with(files, name, changed), fmt.Sprintf("%s with zeros from %d on", name, at))
		}
	}
}

// lastFrame returns where the last frame of a segment starts.
func lastFrame(t *testing.T, segment []byte) int64 {
	h, err := parseSegmentHeader(segment[:sectorSize])
	if err != nil {
		t.Fatal(err)
	}
	scan, err := scanSegment(slices.Clone(segment), h, true, func(int64, frame, []byte) error { return nil })
	if err != nil || scan.torn != "" {
		t.Fatal(err, scan.torn)
	}
	return scan.last
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	m := smallStore(t)
	files := m.fs.Files()
	for name, content := range files {
		if filepath.Base(name) == beginName {
			continue // it is empty, and what is in it means nothing
		}
		for size := range content {
			if testing.Short() && size%7 != 0 {
				continue
			}
			what := fmt.Sprintf("%s cut to %d bytes", name, size)
			if m.damaged(with(files, name, content[:size]), what) == nil {
				t.Fatalf("%s was accepted", what)
			}
		}
		if m.damaged(with(files, name, append(slices.Clone(content), 0)), name+" with a byte more") == nil {
			t.Fatalf("%s with a byte more was accepted", name)
		}
	}
}

func TestEveryMissingFileIsNoticed(t *testing.T) {
	m := smallStore(t)
	files := m.fs.Files()
	if len(files) < 3 {
		t.Fatalf("only %d files", len(files))
	}
	for name := range files {
		rest := maps.Clone(files)
		delete(rest, name)
		// Without the mark nothing is lost, which damaged checks.
		if m.damaged(rest, "without "+name) == nil && filepath.Base(name) != beginName {
			t.Fatalf("the loss of %s went unnoticed", name)
		}
	}
}

// A young store has one file with everything in it.
func TestTheOnlySegmentIsMissing(t *testing.T) {
	m := newMatrixSim(t, 7)
	m.up()
	m.commit(m.txn())
	m.closeStore()
	files := m.fs.Files()
	delete(files, simDir+"/"+segmentName(1))
	if err := m.damaged(files, "without the only segment"); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("got %v", err)
	}
}
