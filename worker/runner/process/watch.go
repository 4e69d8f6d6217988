//go:build linux

package process

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// watched names a container.
type watched struct{ task, container string }

// watches waits for the ends of shims. Each has a goroutine that waits without a
// thread, because a process descriptor can be polled (pidfd_open(2)).
type watches struct {
	mu      sync.Mutex
	ended   func(watched) // nil before begin and after stop
	open    map[watched]*watch
	waiting sync.WaitGroup
}

// watch is one shim.
type watch struct {
	shim shimRecord
	file *os.File // process descriptor
}

func (w *watches) begin(ended func(watched)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended, w.open = ended, map[watched]*watch{}
}

// stop ends all watches and waits for them.
func (w *watches) stop() {
	w.mu.Lock()
	w.ended = nil
	for _, one := range w.open {
		one.file.Close()
	}
	w.open = nil
	w.mu.Unlock()
	w.waiting.Wait()
}

// add watches a shim. One that has ended already counts as ending now.
func (w *watches) add(key watched, shim shimRecord) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended == nil {
		return // adopt adds it
	}
	if old := w.open[key]; old != nil && old.shim.PID == shim.PID && old.shim.StartTime == shim.StartTime {
		return
	}
	ended := w.ended
	fd, err := openProcess(shim)
	if err != nil {
		w.waiting.Go(func() { ended(key) })
		return
	}
	one := &watch{shim: shim, file: os.NewFile(uintptr(fd), "pidfd")}
	w.open[key] = one
	w.waiting.Go(func() {
		if !one.wait() {
			return // stop has closed it
		}
		w.mu.Lock()
		if w.open[key] == one {
			delete(w.open, key)
		}
		w.mu.Unlock()
		one.file.Close()
		ended(key)
	})
}

// wait returns true when the process has ended, and false when its descriptor was
// closed. A process that this one has started is collected.
func (o *watch) wait() bool {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Read(func(fd uintptr) bool {
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(polled, 0)
		return err == nil && n > 0
	})
	if err != nil {
		return false
	}
	_, _ = unix.Wait4(o.shim.PID, nil, unix.WNOHANG, nil) // not a child after a restart
	return true
}

// openProcess returns a descriptor of a process, or an error if it has ended.
func openProcess(r shimRecord) (fd int, err error) {
	fd, err = unix.PidfdOpen(r.PID, unix.PIDFD_NONBLOCK)
	if err != nil {
		return -1, err
	}
	if start, err := startTime(r.PID); err != nil || start != r.StartTime {
		unix.Close(fd)
		return -1, unix.ESRCH
	}
	return fd, nil
}

// signalProcess sends a signal to a process. It does nothing if the process has ended.
func signalProcess(r shimRecord, signal unix.Signal) error {
	fd, err := openProcess(r)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, signal, nil, 0); err != nil && err != unix.ESRCH {
		return err
	}
	return nil
}
