package embedded

import (
	"context"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cairn-discovery/cairn/internal/fsx/crashfs"
	"github.com/cairn-discovery/cairn/store"
)

// opened returns a loaded store on a file system that can fail.
func opened(t *testing.T) (*Store, *crashfs.FS) {
	t.Helper()
	fs := crashfs.New(1)
	return openedOn(t, fs), fs
}

func openedOn(t *testing.T, fs *crashfs.FS) *Store {
	t.Helper()
	s, err := Open(Config{Dir: simDir, FS: fs, SegmentSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	load(t, s)
	return s
}

func load(t *testing.T, s *Store) (map[string]string, store.Revision) {
	t.Helper()
	state := map[string]string{}
	revision, err := s.Load(t.Context(), func(changes []store.Change) error {
		for _, c := range changes {
			state[c.Key] = string(c.Value)
			if c.Delete {
				delete(state, c.Key)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return state, revision
}

func put(key, value string) store.Txn {
	return store.Txn{Writes: []store.Write{{Key: key, Value: []byte(value)}}}
}

func commit(t *testing.T, s *Store, txn store.Txn) store.Revision {
	t.Helper()
	revision, err := s.Commit(t.Context(), txn)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// fails makes operations of a kind fail.
func fails(kind string, err error) crashfs.Fault {
	return func(op crashfs.Op) (crashfs.Verdict, error) {
		if op.Kind == kind {
			return crashfs.Fail, err
		}
		return crashfs.Proceed, nil
	}
}

func TestCommitErrorsSayWhatIsKnown(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault crashfs.Fault
		want  error
	}{
		{"sync fails", fails("sync", syscall.EIO), store.ErrUncertain},
		{"sync lacks space", fails("sync", syscall.ENOSPC), store.ErrUncertain},
		{"write fails and cannot be undone", fails("write", syscall.EIO), store.ErrUncertain},
		{"no space", fails("write", syscall.ENOSPC), store.ErrFull},
		{"over quota", fails("write", syscall.EDQUOT), store.ErrFull},
		{"file too large", fails("write", syscall.EFBIG), store.ErrFull},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, fs := opened(t)
			fs.SetFault(c.fault)
			if _, err := s.Commit(t.Context(), put("a", "1")); !errors.Is(err, c.want) {
				t.Fatalf("commit: %v, want %v", err, c.want)
			}
		})
	}
}

func TestWriteThatFailsIsUndone(t *testing.T) {
	s, fs := opened(t)
	fs.SetFault(faultAt(fs.Ops(), crashfs.FailDone, syscall.EIO))
	_, err := s.Commit(t.Context(), put("a", "1"))
	if !errors.Is(err, syscall.EIO) || errors.Is(err, store.ErrUncertain) || errors.Is(err, store.ErrFull) {
		t.Fatalf("commit: %v", err)
	}
	if revision := commit(t, s, put("b", "1")); revision != 1 {
		t.Fatalf("the next commit got revision %d", revision)
	}
}

func TestFullDiskKeepsReadsAndRecoversByItself(t *testing.T) {
	s, fs := opened(t)
	commit(t, s, put("a", "1"))
	fs.SetFree(0)
	var full error
	n := 0
	for ; full == nil; n++ {
		_, full = s.Commit(t.Context(), put("fill", strings.Repeat("x", 10_000)))
	}
	if !errors.Is(full, store.ErrFull) {
		t.Fatalf("commit: %v", full)
	}
	if state, _ := load(t, s); state["a"] != "1" {
		t.Fatal("a full store cannot be read")
	}
	fs.SetFree(smallSegment)
	if revision := commit(t, s, put("b", "1")); revision != store.Revision(n+1) {
		t.Fatalf("revision %d after %d commits", revision, n)
	}
}

// With little space left segments are small, so that it is used.
func TestSegmentsShrinkWhenSpaceIsScarce(t *testing.T) {
	fs := crashfs.New(1)
	fs.SetFree(100_000)
	s, err := Open(Config{Dir: simDir, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	load(t, s)
	commit(t, s, put("a", "1"))
	if s.log.head.size < smallSegment || s.log.head.size > 100_000 {
		t.Fatalf("a segment of %d bytes", s.log.head.size)
	}
}

func TestUncertainIsSettledByLoad(t *testing.T) {
	s, fs := opened(t)
	commit(t, s, put("a", "1"))
	fs.SetFault(fails("sync", syscall.EIO))
	if _, err := s.Commit(t.Context(), put("a", "2")); !errors.Is(err, store.ErrUncertain) {
		t.Fatalf("commit: %v", err)
	}
	_, err := s.Load(t.Context(), func([]store.Change) error { return nil })
	if !errors.Is(err, store.ErrUncertain) {
		t.Fatalf("load with a disk that does not sync: %v", err)
	}
	fs.SetFault(nil)
	state, at := load(t, s)
	commit(t, s, put("b", "1"))
	fs.Crash()
	after, revision := load(t, openedOn(t, fs))
	if after["a"] != state["a"] || revision != at+1 {
		t.Fatalf("settled as %v at %d, but is %v at %d", state, at, after, revision)
	}
}

// What an uncertain commit left is seen by those who watch, once it is settled.
func TestWatchGoesOnAfterUncertain(t *testing.T) {
	s, fs := opened(t)
	base := commit(t, s, put("a", "1"))
	fs.SetFault(faultAt(fs.Ops()+1, crashfs.FailDone, syscall.EIO)) // the sync
	if _, err := s.Commit(t.Context(), put("a", "2")); !errors.Is(err, store.ErrUncertain) {
		t.Fatalf("commit: %v", err)
	}
	if _, at := load(t, s); at != base+1 {
		t.Fatalf("settled at revision %d", at)
	}
	commit(t, s, put("a", "3"))
	var seen []string
	for batch, err := range s.Watch(t.Context(), base) {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, string(batch.Writes[0].Value)); len(seen) == 2 {
			break
		}
	}
	if seen[0] != "2" || seen[1] != "3" {
		t.Fatalf("saw %v", seen)
	}
}

func TestDiskThatRefusesThePlaceGetsANewFile(t *testing.T) {
	s, fs := opened(t)
	commit(t, s, put("a", "1"))
	fs.SetFault(fails("sync", syscall.EIO))
	if _, err := s.Commit(t.Context(), put("a", "2")); !errors.Is(err, store.ErrUncertain) {
		t.Fatalf("commit: %v", err)
	}
	fs.SetFault(func(op crashfs.Op) (crashfs.Verdict, error) {
		if op.Kind == "write" && op.Name == segmentName(1) {
			return crashfs.Fail, syscall.EIO
		}
		return crashfs.Proceed, nil
	})
	state, at := load(t, s)
	fs.SetFault(nil)
	commit(t, s, put("b", "1"))
	fs.Crash()
	after, revision := load(t, openedOn(t, fs))
	if after["a"] != state["a"] || revision != at+1 {
		t.Fatalf("settled as %v at %d, but is %v at %d", state, at, after, revision)
	}
}

func TestLimits(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	load(t, s)
	for _, txn := range []store.Txn{put(strings.Repeat("k", maxKey+1), ""), put("k", strings.Repeat("v", maxTxn))} {
		if _, err := s.Commit(t.Context(), txn); !errors.Is(err, errTooLarge) {
			t.Fatalf("commit: %v", err)
		}
	}
	key, value := strings.Repeat("k", maxKey), strings.Repeat("v", maxTxn-maxKey-32)
	commit(t, s, put(key, value))
	if state, _ := load(t, s); state[key] != value {
		t.Fatal("the largest transaction came back changed")
	}
}

func TestCommitRefusesWhatCannotBe(t *testing.T) {
	s, _ := opened(t)
	if _, err := s.Commit(t.Context(), store.Txn{Base: 1}); !errors.Is(err, errBase) {
		t.Errorf("a base in the future: %v", err)
	}
	other, err := Open(Config{Dir: "other", FS: crashfs.New(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Commit(t.Context(), store.Txn{}); !errors.Is(err, errNotLoaded) {
		t.Errorf("commit before load: %v", err)
	}
}

func TestEmptyTransactionTakesARevision(t *testing.T) {
	s, _ := opened(t)
	if revision := commit(t, s, store.Txn{}); revision != 1 {
		t.Fatalf("got revision %d", revision)
	}
	if _, revision := load(t, s); revision != 1 {
		t.Fatalf("loaded revision %d", revision)
	}
}

// A commit that waits behind others can be given up, one under way cannot.
func TestWaitingCommitCanBeGivenUp(t *testing.T) {
	s, _ := opened(t)
	if err := s.lockLog(t.Context()); err != nil { // as during a commit
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var given, kept error
	wg.Go(func() { _, given = s.Commit(ctx, put("given up", "1")) })
	wg.Go(func() { _, kept = s.Commit(t.Context(), put("kept", "1")) })
	cancel()
	s.unlockLog()
	wg.Wait()
	state, _ := load(t, s)
	if kept != nil || state["kept"] != "1" {
		t.Errorf("the commit that waited: %v", kept)
	}
	if _, there := state["given up"]; there != (given == nil) {
		t.Errorf("the commit that was given up says %v and is there: %t", given, there)
	}
}

// A frame of an earlier version may hold several transactions.
func TestFrameOfSeveralTransactions(t *testing.T) {
	s, _ := opened(t)
	buf := make([]byte, frameHeader)
	for _, txn := range []store.Txn{put("a", "1"), put("b", "2"), {}} {
		buf, _ = appendTxn(buf, nil, txn.Writes)
	}
	out := finishFrame(buf, frame{count: 3, first: 1}, s.log.head.salt, s.log.tail)
	if _, err := s.log.active.WriteAt(out, s.log.tail); err != nil {
		t.Fatal(err)
	}
	s.state = uncertain // so that Load takes the frame over
	state, revision := load(t, s)
	if revision != 3 || state["a"] != "1" || state["b"] != "2" {
		t.Errorf("loaded %v at revision %d", state, revision)
	}
	if revision := commit(t, s, put("c", "3")); revision != 4 {
		t.Errorf("the next commit has revision %d", revision)
	}
}
