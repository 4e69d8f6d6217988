package docker

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/client"
	"github.com/vishvananda/netlink"

	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
	"github.com/cairn-discovery/cairn/worker/runner/drivertest"
)

// The driver passes the suite of the contract.
func TestDriver(t *testing.T) {
	e := enginetest.Need(t)
	program, err := os.ReadFile(drivertest.Build(t))
	if err != nil {
		t.Fatal(err)
	}
	e.LoadFiles(t, "program:1", nil, map[string][]byte{"program": program})
	config := Config{
		Node: "contract", Socket: e.Socket(), Dir: filepath.Join(e.Dir(), "contract"), PidsLimit: 200,
		PullPolicy: pullNever, Logger: slog.New(slog.DiscardHandler),
	}
	t.Cleanup(func() { os.RemoveAll(config.Dir) })
	driver := func(t *testing.T) runner.Driver {
		d, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	drivertest.Run(t, drivertest.Options{
		New: driver, Image: "program:1", Subnet: netip.MustParsePrefix("10.99.0.0/16"),
		Count: func(t *testing.T) map[string]int { return count(t, e.Socket()) },
	})
}

// count counts what a driver could leave behind.
func count(t *testing.T, socket string) map[string]int {
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEngine(socket)
	if err != nil {
		t.Fatal(err)
	}
	containers, err := e.api().ContainerList(t.Context(), client.ContainerListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	networks, err := e.api().NetworkList(t.Context(), client.NetworkListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := e.api().VolumeList(t.Context(), client.VolumeListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	images, err := e.api().ImageList(t.Context(), client.ImageListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]int{
		"interfaces": len(links), "containers": len(containers.Items), "networks": len(networks.Items),
		"volumes": len(volumes.Items), "images": len(images.Items),
	}
}
