package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func writes(text string) func(*os.File) error {
	return func(f *os.File) error {
		_, err := f.WriteString(text)
		return err
	}
}

// check compares everything in the folder, so that nothing is left behind.
func check(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("folder holds %v, want %v", entries, want)
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != text {
			t.Errorf("%s = %q, %v; want %q", name, got, err, text)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := Write(path, false, writes("one")); err != nil {
		t.Fatal(err)
	}
	check(t, dir, map[string]string{"file": "one"})
	if err := Write(path, false, writes("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Write() over a file = %v, want fs.ErrExist", err)
	}
	check(t, dir, map[string]string{"file": "one"})
	if err := Write(path, true, writes("three")); err != nil {
		t.Fatal(err)
	}
	check(t, dir, map[string]string{"file": "three"})
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := Write(path, false, writes("kept")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := Write(path, true, func(f *os.File) error {
		return errors.Join(writes("half")(f), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("Write() = %v, want the error of fill", err)
	}
	check(t, dir, map[string]string{"file": "kept"})
}

func TestWriteRace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	err := Write(path, false, func(f *os.File) error {
		return errors.Join(writes("late")(f), os.WriteFile(path, []byte("first"), 0o600))
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("Write() = %v, want fs.ErrExist", err)
	}
	check(t, dir, map[string]string{"file": "first"})
}
