//go:build linux

package process

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/tasklisten"
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
		ln, err = tasklisten.Listen(ctx, address)
		return err
	})
	return ln, err
}
