//go:build linux

package process

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAbandonedGroups: groups whose driver is gone are deleted at the start of another one,
// unless they are young or have processes.
func TestAbandonedGroups(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("control groups need root")
	}
	const parent = "cairn-test-abandoned"
	d, err := New(Config{RunDir: t.TempDir(), DataDir: t.TempDir(), CgroupParent: parent, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * abandonedAfter)
	defer func() {
		for _, folder := range d.cgroups.parents(parent) {
			removeTree(folder)
		}
	}()
	for _, folder := range d.cgroups.parents(parent) {
		for _, name := range []string{"old/shims", "old/task/app", "used/task", "young/task"} {
			if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"old", "used"} {
			if err := os.Chtimes(filepath.Join(folder, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.cgroups.removeAbandoned(parent, []string{"used"})
	for _, folder := range d.cgroups.parents(parent) {
		for name, want := range map[string]bool{"old": false, "used/task": true, "young/task": true} {
			if _, err := os.Stat(filepath.Join(folder, name)); (err == nil) != want {
				t.Errorf("%s/%s: %v", folder, name, err)
			}
		}
	}
}
