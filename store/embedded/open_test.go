package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/fsx/crashfs"
	"github.com/cairn-discovery/cairn/store"
)

func TestFolderIsLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(Config{Dir: dir})
	locked, ok := errors.AsType[*LockedError](err)
	host, _ := os.Hostname()
	if !ok || locked.PID != os.Getpid() || locked.Host != host || locked.Since.IsZero() || locked.Dir != dir {
		t.Fatalf("second open: %#v", err)
	}
	if !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("it says %q", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestFilesBelongToTheUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(Config{Dir: dir, SegmentSize: minSegment})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	load(t, s)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("folder: %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 2 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestOpenChecksItsConfig(t *testing.T) {
	for _, c := range []Config{
		{},
		{Dir: simDir, SegmentSize: 1000},
		{Dir: simDir, SegmentSize: 4097},
		{Dir: simDir, SegmentSize: 2 << 30},
		{Dir: simDir, HistoryBytes: -1},
		{Dir: simDir, SnapshotBytes: -1},
	} {
		c.FS = crashfs.New(1)
		if _, err := Open(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// A damaged folder says what is wrong and what to do.
func TestDamageIsExplained(t *testing.T) {
	s, fs := opened(t)
	commit(t, s, put("a", "some value"))
	commit(t, s, put("b", "another"))
	s.Close()
	name := simDir + "/" + segmentName(1)
	content := fs.Files()[name]
	content[sectorSize+frameHeader+3] ^= 1
	fs.Put(name, content)
	s, err := Open(Config{Dir: simDir, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Load(t.Context(), func([]store.Change) error { return nil })
	damage, ok := errors.AsType[*DamageError](err)
	if !ok || damage.File != segmentName(1) || damage.Offset != sectorSize {
		t.Fatalf("load: %v", err)
	}
	for _, part := range []string{"data folder data", segmentName(1), "checksum", "restore a backup"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not mention %q", err, part)
		}
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	s, fs := opened(t)
	s.Close()
	name := simDir + "/" + segmentName(1)
	content := fs.Files()[name]
	content[8] = formatVersion + 1
	clear(content[12:16])
	sum := checksum(content[:sectorSize])
	content[12], content[13], content[14], content[15] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
	fs.Put(name, content)
	s, err := Open(Config{Dir: simDir, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Load(t.Context(), func([]store.Change) error { return nil })
	if v, ok := errors.AsType[*VersionError](err); !ok || v.Version != formatVersion+1 || v.File != segmentName(1) {
		t.Fatalf("load: %v", err)
	}
}

// Whatever else lies in the folder is left alone.
func TestForeignFilesAreLeftAlone(t *testing.T) {
	s, fs := opened(t)
	commit(t, s, put("a", "1"))
	s.Close()
	mine := segmentName(5) + tempSuffix
	for _, name := range []string{"notes.txt", "log-1.seg", "other.tmp", segmentName(1) + "~", mine} {
		fs.Put(simDir+"/"+name, []byte("x"))
	}
	s = openedOn(t, fs)
	if state, _ := load(t, s); state["a"] != "1" {
		t.Fatalf("got %v", state)
	}
	names, err := fs.List(simDir)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names, " "); strings.Contains(got, mine) || !strings.Contains(got, "other.tmp") || len(names) != 6 {
		t.Fatalf("the folder holds %v", names)
	}
}
