package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cairn-discovery/cairn/internal/fsx/crashfs"
	"github.com/cairn-discovery/cairn/store"
)

func records(state map[string]string, at store.Revision) iter.Seq[store.Record] {
	return func(yield func(store.Record) bool) {
		for _, key := range slices.Sorted(maps.Keys(state)) {
			if !yield(store.Record{Key: key, Value: []byte(state[key]), Revision: at}) {
				return
			}
		}
	}
}

func TestSnapshotCutsTheLog(t *testing.T) {
	fs := crashfs.New(1)
	s, err := Open(Config{Dir: simDir, FS: fs, SegmentSize: minSegment, SnapshotBytes: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	load(t, s)
	for i := 0; !s.SnapshotDue(); i++ {
		if i > 30 {
			t.Fatal("no snapshot is due after 30,000 bytes")
		}
		commit(t, s, put("key", strings.Repeat("x", 1000)))
	}
	state, at := load(t, s)
	before := len(fs.Files())
	if err := s.Snapshot(t.Context(), at, records(state, at)); err != nil {
		t.Fatal(err)
	}
	if s.SnapshotDue() {
		t.Error("another snapshot is due at once")
	}
	if after := len(fs.Files()); after != 3 || before < 6 { // the mark, a snapshot and a segment
		t.Errorf("%d files before, %d after", before, after)
	}
	if again, revision := load(t, s); !maps.Equal(again, state) || revision != at {
		t.Errorf("loaded revision %d with %d keys", revision, len(again))
	}
}

// A snapshot that is larger than the threshold makes the next one due later.
func TestSnapshotDueGrowsWithTheSnapshot(t *testing.T) {
	s, err := Open(Config{Dir: simDir, FS: crashfs.New(1), SegmentSize: 64 << 10, SnapshotBytes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	load(t, s)
	at := commit(t, s, put("large", strings.Repeat("x", 5000)))
	state, _ := load(t, s)
	if err := s.Snapshot(t.Context(), at, records(state, at)); err != nil {
		t.Fatal(err)
	}
	commit(t, s, put("a", strings.Repeat("x", 3000)))
	if s.SnapshotDue() {
		t.Error("due after less log than the snapshot's size")
	}
	commit(t, s, put("a", strings.Repeat("x", 3000)))
	if !s.SnapshotDue() {
		t.Error("not due after more log than the snapshot's size")
	}
}

func TestSnapshotThatFailsLosesNothing(t *testing.T) {
	s, fs := opened(t)
	at := commit(t, s, put("a", "1"))
	state, _ := load(t, s)
	fs.SetFault(fails("create", syscall.ENOSPC))
	if err := s.Snapshot(t.Context(), at, records(state, at)); !errors.Is(err, store.ErrFull) {
		t.Errorf("snapshot without space: %v", err)
	}
	fs.SetFault(nil)
	ctx, cancel := context.WithCancel(t.Context())
	large := func(yield func(store.Record) bool) {
		cancel()
		for i := 0; yield(store.Record{Key: fmt.Sprint(i), Value: make([]byte, 100_000), Revision: at}); i++ {
			if i > 1000 {
				t.Error("a snapshot goes on after its context ended")
				return
			}
		}
	}
	if err := s.Snapshot(ctx, at, large); !errors.Is(err, context.Canceled) {
		t.Errorf("snapshot with a context that ends: %v", err)
	}
	if err := s.Snapshot(t.Context(), at+1, records(nil, at)); err == nil {
		t.Errorf("snapshot at revision %d of a store at %d", at+1, at)
	}
	if after, revision := load(t, s); !maps.Equal(after, state) || revision != at {
		t.Errorf("loaded %v at %d", after, revision)
	}
}

func TestBackupAndRestore(t *testing.T) {
	state := map[string]string{}
	for i := range 2000 {
		state[fmt.Sprint("key", i)] = strings.Repeat("v", i%700)
	}
	var backup bytes.Buffer
	if err := WriteBackup(&backup, 77, records(state, 70)); err != nil {
		t.Fatal(err)
	}
	if at, n, err := VerifyBackup(bytes.NewReader(backup.Bytes())); at != 77 || n != 2000 || err != nil {
		t.Fatalf("verify: revision %d, %d records, %v", at, n, err)
	}
	cfg := Config{Dir: t.TempDir()}
	if at, err := Restore(cfg, bytes.NewReader(backup.Bytes())); at != 77 || err != nil {
		t.Fatalf("restore: revision %d, %v", at, err)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, at := load(t, s); at != 77 || !maps.Equal(got, state) {
		t.Fatalf("restored revision %d with %d keys", at, len(got))
	}
	if revision := commit(t, s, put("a", "1")); revision != 78 {
		t.Fatalf("went on with revision %d", revision)
	}
	_, err = Restore(cfg, bytes.NewReader(backup.Bytes()))
	if _, ok := errors.AsType[*LockedError](err); !ok {
		t.Errorf("restore to a folder in use: %v", err)
	}
	s.Close()
	_, err = Restore(cfg, bytes.NewReader(backup.Bytes()))
	if _, ok := errors.AsType[*NotEmptyError](err); !ok {
		t.Errorf("restore over data: %v", err)
	}
}

// What was told of revisions after the backup is not told again of others.
func TestRestoreGap(t *testing.T) {
	var backup bytes.Buffer
	if err := WriteBackup(&backup, 77, records(map[string]string{"a": "1"}, 70)); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: t.TempDir(), RestoreGap: 1000}
	if at, err := Restore(cfg, bytes.NewReader(backup.Bytes())); at != 77 || err != nil {
		t.Fatalf("restore: revision %d, %v", at, err)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if state, at := load(t, s); at != 1077 || state["a"] != "1" {
		t.Fatalf("restored revision %d with %v", at, state)
	}
	if revision := commit(t, s, put("a", "2")); revision != 1078 {
		t.Fatalf("went on with revision %d", revision)
	}
}

func TestBackupOfNothing(t *testing.T) {
	var backup bytes.Buffer
	if err := WriteBackup(&backup, 0, records(nil, 0)); err != nil {
		t.Fatal(err)
	}
	fs := crashfs.New(1)
	if at, err := Restore(Config{Dir: simDir, FS: fs, SegmentSize: minSegment}, &backup); at != 0 || err != nil {
		t.Fatalf("restore: revision %d, %v", at, err)
	}
	if state, at := load(t, openedOn(t, fs)); at != 0 || len(state) != 0 {
		t.Fatalf("restored revision %d with %v", at, state)
	}
}

func TestBackupRefusesRecordsOfTheFuture(t *testing.T) {
	for _, at := range []store.Revision{0, 3} {
		if err := WriteBackup(&bytes.Buffer{}, at, records(map[string]string{"a": "1"}, at+1)); err == nil {
			t.Errorf("a record of revision %d in a backup at %d", at+1, at)
		}
	}
}

// Every byte of a backup counts, and a bad one leaves the folder empty.
func TestBadBackupIsRefused(t *testing.T) {
	var backup bytes.Buffer
	if err := WriteBackup(&backup, 9, records(map[string]string{"a": "1", "b": strings.Repeat("x", 100)}, 5)); err != nil {
		t.Fatal(err)
	}
	good := backup.Bytes()
	try := func(what string, content []byte) {
		t.Helper()
		fs := crashfs.New(1)
		_, err := Restore(Config{Dir: simDir, FS: fs}, bytes.NewReader(content))
		_, bad := errors.AsType[*BackupError](err)
		if _, version := errors.AsType[*VersionError](err); !bad && !version {
			t.Fatalf("%s: %v", what, err)
		}
		if len(fs.Files()) != 0 {
			t.Fatalf("%s left files behind", what)
		}
	}
	for i := range good {
		try(fmt.Sprintf("cut to %d bytes", i), good[:i])
		for bit := range 8 {
			flipped := slices.Clone(good)
			flipped[i] ^= 1 << bit
			try(fmt.Sprintf("bit %d of byte %d flipped", bit, i), flipped)
		}
	}
	try("a byte more", append(slices.Clone(good), 0))
	try("two backups", append(slices.Clone(good), good...))
}

// An interrupted restore leaves a folder that is refused until it is done again.
func TestInterruptedRestore(t *testing.T) {
	var backup bytes.Buffer
	if err := WriteBackup(&backup, 9, records(map[string]string{"a": "1"}, 5)); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: simDir, SegmentSize: minSegment}
	for n := range 40 {
		fs := crashfs.New(uint64(n))
		cfg.FS = fs
		fs.SetFault(faultAt(n, crashfs.Crash, nil))
		_, err := Restore(cfg, bytes.NewReader(backup.Bytes()))
		fs.SetFault(nil)
		fs.Crash()
		if err != nil {
			if _, err = Restore(cfg, bytes.NewReader(backup.Bytes())); err != nil {
				if _, ok := errors.AsType[*NotEmptyError](err); !ok { // it was done after all
					t.Fatalf("crash at operation %d: restore again: %v", n, err)
				}
			}
		}
		if state, at := load(t, openedOn(t, fs)); at != 9 || state["a"] != "1" {
			t.Fatalf("crash at operation %d: restored revision %d with %v", n, at, state)
		}
	}
}
