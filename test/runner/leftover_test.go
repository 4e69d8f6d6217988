//go:build linux

package runner_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/store/memory"
)

// TestLeftoversOfADeletedNode ends a node as kill -9 does, deletes its data folder, and
// starts another node, which removes the tasks: nobody else will.
func TestLeftoversOfADeletedNode(t *testing.T) {
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
	b.stop() // tasks go on
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
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	b.must(err)
	for _, file := range commands {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), b.config.Others) {
			n.processes++
		}
	}
	return n
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
