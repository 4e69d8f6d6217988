package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"

	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/worker/runner/tasklisten"
)

// Listen opens a listener in the network namespace of a task in awsvpc mode. A
// link-local address is added to the loopback interface there first.
func (d *Driver) Listen(ctx context.Context, taskID string, address netip.AddrPort) (net.Listener, error) {
	ns, err := d.openNamespace(ctx, taskID)
	if err != nil {
		return nil, fmt.Errorf("listen in the network of the task: %w", d.engine.explain(err))
	}
	defer ns.Close()
	var l net.Listener
	done := make(chan error, 1)
	go func() {
		// The thread is in another namespace from here on. It is never unlocked, so it
		// ends with this goroutine and no other code runs on it.
		runtime.LockOSThread()
		done <- func() error {
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return os.NewSyscallError("setns", err)
			}
			var err error
			l, err = tasklisten.Listen(ctx, address)
			return err
		}()
	}()
	if err := <-done; err != nil {
		return nil, fmt.Errorf("listen on %s in the network of the task: %w", address, err)
	}
	return l, nil
}

// openNamespace opens the network namespace of the pause container of a task.
func (d *Driver) openNamespace(ctx context.Context, taskID string) (*os.File, error) {
	c, err := d.find(ctx, taskID, pauseName)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("the task has no network of its own")
	}
	before, err := d.inspect(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	if !before.State.Running || before.State.Pid == 0 {
		return nil, errors.New("the pause container does not run")
	}
	ns, err := os.Open("/proc/" + strconv.Itoa(before.State.Pid) + "/ns/net")
	if err != nil {
		return nil, errors.New("the pause container has just ended")
	}
	// If the container ended in between, the id may be that of another process.
	after, err := d.inspect(ctx, c.ID)
	if err == nil && (!after.State.Running || after.State.Pid != before.State.Pid || after.State.StartedAt != before.State.StartedAt) {
		err = errors.New("the pause container has just ended")
	}
	if err != nil {
		ns.Close()
		return nil, err
	}
	return ns, nil
}

// maxStats bounds the statistics of a container.
const maxStats = 1 << 20

// Stats returns the statistics of a container as the engine gives them. It takes about
// a second, because they contain the difference of two samples.
func (d *Driver) Stats(ctx context.Context, taskID, name string) (json.RawMessage, error) {
	c, err := d.find(ctx, taskID, name)
	if err != nil {
		return nil, d.engine.explain(err)
	}
	if c == nil {
		return nil, fmt.Errorf("the task has no container %q", name)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := d.engine.api().ContainerStats(ctx, c.ID, client.ContainerStatsOptions{IncludePreviousSample: true})
	if err != nil {
		return nil, d.engine.explain(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, maxStats))
	if err != nil {
		return nil, d.engine.explain(err)
	}
	if !json.Valid(b) {
		return nil, errors.New("the Docker Engine sent statistics that are not JSON")
	}
	return b, nil
}
