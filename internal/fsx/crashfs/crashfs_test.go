package crashfs_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/cairn-discovery/cairn/internal/fsx"
	"github.com/cairn-discovery/cairn/internal/fsx/crashfs"
)

func create(t *testing.T, fs fsx.FS, name string) fsx.File {
	t.Helper()
	f, err := fs.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f fsx.File, b []byte, offset int64) {
	t.Helper()
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}

// Over many crashes each outcome that is allowed is seen, and no other.
func TestUnsyncedSectorsSurviveByChance(t *testing.T) {
	old, now := bytes.Repeat([]byte("a"), 1024), bytes.Repeat([]byte("b"), 1024)
	seen := map[string]int{}
	for seed := range uint64(200) {
		fs := crashfs.New(seed)
		f := create(t, fs, "d/f")
		write(t, f, old, 0)
		if err := errors.Join(f.Sync(), fs.SyncDir("d")); err != nil {
			t.Fatal(err)
		}
		write(t, f, now, 0)
		fs.Crash()
		got := fs.Files()["d/f"]
		for half := range 2 {
			part := got[half*512 : half*512+512]
			if !bytes.Equal(part, old[:512]) && !bytes.Equal(part, now[:512]) {
				t.Fatalf("seed %d: a sector was torn", seed)
			}
		}
		seen[string(got[0])+string(got[512])]++
	}
	if len(seen) != 4 {
		t.Fatalf("outcomes %v, want all four", seen)
	}
}

func TestSyncedDataSurvives(t *testing.T) {
	for seed := range uint64(50) {
		fs := crashfs.New(seed)
		f := create(t, fs, "d/f")
		write(t, f, []byte("kept"), 700)
		if err := errors.Join(f.Sync(), fs.SyncDir("d")); err != nil {
			t.Fatal(err)
		}
		fs.Crash()
		if got := fs.Files()["d/f"]; len(got) != 704 || string(got[700:]) != "kept" {
			t.Fatalf("seed %d: got %q", seed, got)
		}
		if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, crashfs.ErrCrashed) {
			t.Fatalf("a handle from before the crash answers %v", err)
		}
	}
}

func TestNamesNeedTheirFolderSynced(t *testing.T) {
	lost := 0
	for seed := range uint64(50) {
		fs := crashfs.New(seed)
		if err := create(t, fs, "d/f").Sync(); err != nil {
			t.Fatal(err)
		}
		fs.Crash()
		if _, ok := fs.Files()["d/f"]; !ok {
			lost++
		}
	}
	if lost == 0 || lost == 50 {
		t.Fatalf("the name was lost %d times of 50", lost)
	}
}

// A sync that failed is not made up for by one that works.
func TestFailedSyncIsNotRepeated(t *testing.T) {
	lost := 0
	for seed := range uint64(50) {
		fs := crashfs.New(seed)
		f := create(t, fs, "d/f")
		write(t, f, make([]byte, 4096), 0)
		if err := errors.Join(f.Sync(), fs.SyncDir("d")); err != nil {
			t.Fatal(err)
		}
		write(t, f, bytes.Repeat([]byte("x"), 4096), 0)
		fs.SetFault(func(crashfs.Op) (crashfs.Verdict, error) { return crashfs.Fail, syscall.EIO })
		if err := f.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatalf("got %v", err)
		}
		fs.SetFault(nil)
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		fs.Crash()
		if bytes.Contains(fs.Files()["d/f"], []byte{0}) {
			lost++
		}
	}
	if lost == 0 {
		t.Fatal("the second sync wrote what the first one did not")
	}
}

func TestSpaceRunsOut(t *testing.T) {
	fs := crashfs.New(1)
	fs.SetFree(1000)
	f := create(t, fs, "d/f")
	n, err := f.WriteAt(make([]byte, 1500), 0)
	if n != 512 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("wrote %d: %v", n, err)
	}
	if err := fs.Remove("d/f"); err != nil {
		t.Fatal(err)
	}
	write(t, create(t, fs, "d/g"), make([]byte, 1000), 0) // all of it is free again
}

func TestLockEndsWithTheProcess(t *testing.T) {
	fs := crashfs.New(1)
	if _, err := fs.Lock("d/LOCK", []byte("me")); err != nil {
		t.Fatal(err)
	}
	_, err := fs.Lock("d/LOCK", nil)
	if held, ok := errors.AsType[*fsx.HeldError](err); !ok || string(held.Note) != "me" {
		t.Fatalf("got %v", err)
	}
	fs.Kill()
	if _, err := fs.Lock("d/LOCK", nil); err != nil {
		t.Fatal(err)
	}
}
