package docker

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"golang.org/x/sys/unix"
)

// endWatches wait for the ends of the first processes of containers. The engine tells an
// end a second later or more, because it completes the output first; until then clients
// would be sent to a task that is gone.
type endWatches struct {
	mu      sync.Mutex
	open    map[string]*endWatch // by id of the container
	waiting sync.WaitGroup
}

// completeAfter is how long the engine has to complete the output of a container before it
// is asked again.
const completeAfter = 10 * time.Second

// endWatch is the watch of one container.
type endWatch struct {
	pid     int
	process *os.File  // process descriptor
	ended   time.Time // zero: it runs
	// last is what the engine said last while the container ran. The engine does not
	// describe a container while it completes its output.
	last *container.InspectResponse
}

// wait returns true when the process has ended, and false when its descriptor was closed.
// It takes no thread, because the descriptor can be polled (pidfd_open(2)).
func (o *endWatch) wait() bool {
	raw, err := o.process.SyscallConn()
	if err != nil {
		return false
	}
	return raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return err == nil && n > 0
	}) == nil
}

// openProcess opens the descriptor of the first process of a container. Ids of processes
// are used again, and may be those of another process namespace: the control groups tell
// whether it is the right one.
func openProcess(pid int, containerID string) (*os.File, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	groups, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err == nil && !strings.Contains(string(groups), containerID) {
		err = errors.New("the process is not that of the container")
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// watchEnd watches a container that runs until ctx ends, and calls ended when its process
// has ended. It does not wait. Where the process is not found, because the engine is in
// another process namespace, the engine alone tells the end.
func (d *Driver) watchEnd(ctx context.Context, id string, ended func()) {
	d.ends.waiting.Go(func() {
		i, err := d.inspect(ctx, id)
		if err != nil || !i.State.Running || i.State.Pid == 0 {
			return // an event tells more
		}
		if one := d.ends.begin(ctx, i); one != nil && one.wait() {
			d.ends.end(one)
			ended()
		}
	})
}

// begin opens a watch. It returns nil if there is one, or the process is not found.
func (w *endWatches) begin(ctx context.Context, c *container.InspectResponse) *endWatch {
	id, pid := c.ID, c.State.Pid
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.open[id]; ctx.Err() != nil || old != nil && old.pid == pid {
		return nil
	}
	process, err := openProcess(pid, id)
	if err != nil {
		return nil
	}
	if w.open == nil {
		w.open = map[string]*endWatch{}
	}
	one := &endWatch{pid: pid, process: process, last: c}
	w.open[id] = one
	return one
}

func (w *endWatches) end(one *endWatch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one.process.Close()
	one.ended = time.Now()
}

// stop ends all watches, whose context has ended, and waits for them.
func (w *endWatches) stop() {
	w.mu.Lock()
	for _, one := range w.open {
		one.process.Close() // it may be closed
	}
	w.open = nil
	w.mu.Unlock()
	w.waiting.Wait()
}

// running remembers what the engine says about a container that runs. It returns true if
// the process of the container has ended all the same.
func (w *endWatches) running(c *container.InspectResponse) (ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.open[c.ID]
	if one == nil || one.pid != c.State.Pid {
		return false
	}
	one.last = c
	return !one.ended.IsZero()
}

// gone returns what the engine said last about a container that it takes for running
// though its process has ended. Nil: it is not gone, or the engine has had completeAfter
// for its output and can be asked: with a full disk it does not stop listing a container as
// running.
func (w *endWatches) gone(id string) *container.InspectResponse {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.open[id]; one != nil && !one.ended.IsZero() && time.Since(one.ended) < completeAfter {
		return one.last
	}
	return nil
}

// forget forgets a container that has ended for the engine too.
func (w *endWatches) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.open[id]; one != nil && !one.ended.IsZero() {
		delete(w.open, id)
	}
}
