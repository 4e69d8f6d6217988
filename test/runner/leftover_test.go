//go:build linux

package runner_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/store/memory"
)

// TestLeftoversOfADeletedNode ends a node as kill -9 does, with and without its tasks,
// deletes its data folder, and starts another node, which removes what is left: nobody
// else will.
func TestLeftoversOfADeletedNode(t *testing.T) {
	for _, test := range []struct {
		name   string
		killed bool // the tasks too
	}{{"tasks go on", false}, {"tasks are killed", true}} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			before := b.count()
			b.define("web", task.ContainerDefinition{Name: "app", Command: []string{"serve", "80"}})
			var address string
			for _, x := range b.run("web", 3) {
				address = b.task(x.ID, task.StatusRunning).Network.IPv4
			}
			b.get("http://" + address + "/")
			if now := b.count(); now == before {
				t.Errorf("three tasks run, and still there are %+v", now)
			}
			b.stop()
			if test.killed {
				b.killTasks()
			}
			deleted := b.config.RunDir
			if err := os.RemoveAll(b.config.Owner); err != nil {
				t.Fatal(err)
			}
			b.store, b.config.RunDir, b.config.Owner, b.config.DataDir = memory.New(), filepath.Join(b.config.Others, "two"), t.TempDir(), filepath.Join(t.TempDir(), "data")
			b.start()
			b.poll("the folder of the deleted node is gone", func() bool {
				_, err := os.Stat(deleted)
				return os.IsNotExist(err)
			})
			b.stop()
			b.stop = func() {}
			if now := b.count(); now != before {
				t.Errorf("before %+v, after %+v", before, now)
			}
			if _, err := os.Stat(b.config.Others); !os.IsNotExist(err) {
				t.Errorf("the folder of run folders: %v", err)
			}
		})
	}
}

// TestNodeAndTasksAreKilled starts a node again after it was killed together with all
// processes of its tasks, as when the container in which all run is killed: the tasks
// have ended, and nothing of them is left.
func TestNodeAndTasksAreKilled(t *testing.T) {
	b := newBench(t)
	before := b.count()
	b.define("web", task.ContainerDefinition{Name: "app", Command: []string{"serve", "80"}})
	var ids []string
	for _, x := range b.run("web", 3) {
		ids = append(ids, b.task(x.ID, task.StatusRunning).ID)
	}
	b.stop()
	b.killTasks()
	b.start()
	for _, id := range ids {
		if x := b.task(id, task.StatusStopped); x.Containers[0].Reason == "" {
			t.Errorf("no reason: %+v", x.Containers[0])
		}
	}
	b.poll("nothing is left", func() bool { return b.count() == before })
	left, err := os.ReadDir(filepath.Join(b.config.RunDir, "tasks"))
	if err != nil || len(left) > 0 {
		t.Errorf("in the folder of running tasks: %v %v", left, err)
	}
}

// killTasks kills all processes of tasks.
func (b *bench) killTasks() {
	b.t.Helper()
	b.poll("all processes of tasks have ended", func() bool {
		pids := b.processes()
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
		}
		return len(pids) == 0
	})
}

// TestFoldersWithoutOwner: a node that was killed when it made its folder has left no owner
// there. The folder is removed if it has no tasks.
func TestFoldersWithoutOwner(t *testing.T) {
	b := newBench(t)
	b.stop()
	empty, full := filepath.Join(b.config.Others, "empty"), filepath.Join(b.config.Others, "full")
	for _, dir := range []string{empty, filepath.Join(full, "tasks", "0123456789abcdef0123456789abcdef")} {
		b.must(os.MkdirAll(dir, 0o700))
	}
	b.must(os.WriteFile(filepath.Join(empty, "lock"), nil, 0o600))
	b.start()
	b.poll("the empty folder is gone", func() bool {
		_, err := os.Stat(empty)
		return os.IsNotExist(err)
	})
	b.stop()
	if _, err := os.Stat(full); err != nil {
		t.Error("the folder with a task is gone:", err)
	}
	b.must(os.RemoveAll(full))
	b.start()
}

// TestLeftoversOfANodeThatMayComeBack starts another node while the data folder of the
// first one exists: its tasks go on.
func TestLeftoversOfANodeThatMayComeBack(t *testing.T) {
	b := newBench(t)
	b.define("web", task.ContainerDefinition{Name: "app", Command: []string{"serve", "80"}})
	x := b.task(b.run("web", 1)[0].ID, task.StatusRunning)
	b.stop()
	first := *b
	b.store, b.config.RunDir, b.config.Owner = memory.New(), filepath.Join(b.config.Others, "two"), t.TempDir()
	b.start()
	b.waitNode()
	b.stop()
	b.store, b.config = first.store, first.config
	b.start()
	now := b.task(x.ID, task.StatusRunning)
	if now.Containers[0].RuntimeID != x.Containers[0].RuntimeID || now.Containers[0].Restarts != 0 {
		t.Errorf("before %+v, after %+v", x.Containers[0], now.Containers[0])
	}
	b.get("http://" + now.Network.IPv4 + "/")
}

// left is what a runner can leave on a machine.
type left struct{ interfaces, tables, groups, processes int }

func (b *bench) count() left {
	b.t.Helper()
	var n left
	links, err := netlink.LinkList()
	b.must(err)
	n.interfaces = len(links)
	c, err := nftables.New()
	b.must(err)
	tables, err := c.ListTables()
	b.must(err)
	n.tables = len(tables)
	// Groups vanish while others are looked at, so errors are ignored.
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.Contains(path, b.config.CgroupParent) {
			n.groups++
		}
		return nil
	})
	n.processes = len(b.processes())
	return n
}

// processes returns the ids of the shims and of the processes in containers. All of them
// have the file system of an image, or name the folder of the tasks.
func (b *bench) processes() []int {
	b.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	b.must(err)
	var pids []int
	for _, dir := range all {
		command, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !strings.Contains(string(command), b.config.Others) && !strings.HasPrefix(string(command), "/program\x00") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		b.must(err)
		pids = append(pids, pid)
	}
	return pids
}

// poll waits for something that tells nobody when it happens.
func (b *bench) poll(what string, good func() bool) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(60 * time.Second)
	for !good() {
		select {
		case <-tick.C:
		case <-late:
			b.t.Fatalf("it never happened that %s", what)
		}
	}
}
