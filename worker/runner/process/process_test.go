//go:build linux

package process_test

import (
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/drivertest"
	"github.com/cairn-discovery/cairn/worker/runner/process"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == process.ShimCommand || os.Args[1] == process.InitCommand) {
		os.Exit(process.Main(os.Args[1], os.Args[2:]))
	}
	drivertest.Isolate()
	os.Exit(m.Run())
}

// machine makes drivers that share their folders.
type machine struct {
	config process.Config
}

func newMachine(t testing.TB) *machine {
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	run, err := os.MkdirTemp("/run", "cairn-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	image := filepath.Join(t.TempDir(), "image")
	if err := os.MkdirAll(image, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(drivertest.Build(t), filepath.Join(image, "program")); err != nil {
		t.Fatal(err)
	}
	return &machine{process.Config{
		RunDir: run, DataDir: filepath.Join(t.TempDir(), "data"),
		Images:       map[string]process.Image{"program": {Root: image, Command: []string{"/program", "sleep"}}},
		CgroupParent: "cairn-test", MaxPIDs: 200, Forbidden: []uint16{8055},
		Logger: slog.New(slog.DiscardHandler),
	}}
}

func (m *machine) driver(t *testing.T) runner.Driver {
	d, err := process.New(m.config)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDriver(t *testing.T) {
	m := newMachine(t)
	drivertest.Run(t, drivertest.Options{
		New: m.driver, Image: "program", Subnet: netip.MustParsePrefix("10.99.0.0/16"), Count: m.count,
	})
}

// count counts what a driver could leave behind.
func (m *machine) count(t *testing.T) map[string]int {
	n := map[string]int{}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	n["interfaces"] = len(links)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	n["mounts"] = strings.Count(string(mounts), m.config.RunDir) // those of other tests of the machine come and go
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	n["processes"] = len(processes)
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.Contains(path+"/", "/"+m.config.CgroupParent+"/") {
			n["control groups"]++
		}
		return nil
	})
	n["tables of rules"] = tables(t)
	return n
}

func tables(t *testing.T) int {
	all, err := process.Tables()
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
