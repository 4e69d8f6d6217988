package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/internal/fsx"
)

const lockName = "LOCK"

// lockDir locks the folder. The lock file is never removed, because it could be the
// lock of another process by then.
func lockDir(fs fsx.FS, dir string) (io.Closer, error) {
	lock, err := fs.Lock(filepath.Join(dir, lockName), lockNote(time.Now()))
	if held, ok := errors.AsType[*fsx.HeldError](err); ok {
		return nil, parseLockNote(dir, held.Note)
	}
	if err != nil {
		return nil, fmt.Errorf("embedded: lock the data folder: %w", err)
	}
	return lock, nil
}

// InUse returns a LockedError if a Store uses a folder now. It leaves the folder
// as it is, but for the lock file.
func InUse(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
		return nil // no Store has ever used it
	}
	lock, err := lockDir(fsx.OS{}, dir)
	if err != nil {
		return err
	}
	return lock.Close()
}

// lockNote describes the holder of the lock, one fact a line.
func lockNote(now time.Time) []byte {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return fmt.Appendf(nil, "pid %d\nhost %s\nsince %s\n", os.Getpid(), host, now.UTC().Format(time.RFC3339))
}

// parseLockNote parses the note of another process and ignores unknown lines.
func parseLockNote(dir string, note []byte) *LockedError {
	e := &LockedError{Dir: dir}
	for line := range strings.Lines(string(note)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "pid":
			e.PID, _ = strconv.Atoi(value)
		case "host":
			e.Host = value
		case "since":
			e.Since, _ = time.Parse(time.RFC3339, value)
		}
	}
	return e
}
