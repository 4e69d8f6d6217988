//go:build linux

package process

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// Listen implements runner.Driver.
func (d *Driver) Listen(ctx context.Context, id string, address netip.AddrPort) (net.Listener, error) {
	if err := checkTask(id); err != nil {
		return nil, err
	}
	var r taskRecord
	if ok, err := readRecord(d.files.record(id), &r); err != nil || !ok || r.Mode != runner.ModeAWSVPC {
		return nil, fmt.Errorf("task %s has no network of its own: %w", id, err)
	}
	var ln net.Listener
	err := inNamespace(d.files.netns(id), func() (err error) {
		if address.Addr().IsLinkLocalUnicast() {
			if err := addToLoopback(address.Addr()); err != nil {
				return err
			}
		}
		var lc net.ListenConfig // the socket is opened on this thread
		ln, err = lc.Listen(ctx, "tcp", address.String())
		return err
	})
	return ln, err
}

func addToLoopback(a netip.Addr) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.AddrReplace(lo, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, a.BitLen()))})
}
