//go:build linux

package process

import (
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
)

// maxHealthOutput is how much of a health check's output is kept.
const maxHealthOutput = 4096

// healthState runs the health check of a container. At most one check runs at a time.
type healthState struct {
	spec     *healthSpec // nil: there is no check
	next     *time.Timer
	pid      int // of the check that runs; 0: none
	timedOut bool
	output   *checkOutput
	failures int
	current  healthRecord
	cleared  time.Time // when the container started
}

// timer returns a channel that fires when something is due, or nil without a check.
func (h *healthState) timer() <-chan time.Time {
	if h.next == nil {
		return nil
	}
	return h.next.C
}

func (h *healthState) begin(s *shim) {
	h.spec, h.cleared = s.spec.Health, s.started
	if h.spec == nil {
		return
	}
	h.current = healthRecord{Health: task.HealthUnknown, Since: s.started.UnixMilli()}
	_ = writeRecord(s.dir.health(), h.current) // no file means UNKNOWN too
	h.next = time.NewTimer(h.firstPause())
}

// firstPause is shorter than the interval: a container that is ready soon is healthy
// soon, and a failure before the first interval does not count.
func (h *healthState) firstPause() time.Duration {
	const soon = 250 * time.Millisecond
	return min(h.spec.Interval, soon)
}

// due starts a check, or ends one that has run for too long.
func (h *healthState) due(s *shim, now time.Time) {
	if h.pid != 0 {
		h.timedOut = true
		_ = unix.Kill(-h.pid, unix.SIGKILL) // it leads a process group
		_ = unix.Kill(h.pid, unix.SIGKILL)
		h.next.Reset(h.spec.Timeout)
		return
	}
	output, write, err := newCheckOutput()
	if err != nil {
		h.result(s, now, false, err.Error())
		return
	}
	check := s.spec.Init
	check.Args, check.Join, check.Rlimits = h.spec.Command, s.main, s.spec.Init.Rlimits
	pid, err := s.fork(&check, write, 0)
	write.Close()
	if err != nil {
		output.text()
		h.result(s, now, false, err.Error())
		return
	}
	h.pid, h.timedOut, h.output = pid, false, output
	h.next.Reset(h.spec.Timeout)
}

// ended takes the end of a process; it may be an orphan of the container.
func (h *healthState) ended(s *shim, pid int, code int64) {
	if pid != h.pid || h.pid == 0 {
		return
	}
	_ = unix.Kill(-pid, unix.SIGKILL) // what the check has left
	text := h.output.text()
	if h.timedOut {
		text = "Health check exceeded timeout (" + h.spec.Timeout.String() + ")"
	}
	h.pid, h.output = 0, nil
	h.result(s, time.Now(), code == 0 && !h.timedOut, text)
}

// checkOutput keeps the beginning of the output of a health check.
type checkOutput struct {
	read *os.File
	buf  []byte
	done chan struct{} // closed when buf is complete
}

func newCheckOutput() (o *checkOutput, write *os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	o = &checkOutput{read: read, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		o.buf, _ = io.ReadAll(io.LimitReader(read, maxHealthOutput))
		_, _ = io.Copy(io.Discard, read) // until the check or text closes it
	}()
	return o, write, nil
}

// text returns the output and ends the reading, also if something still has the pipe.
func (o *checkOutput) text() string {
	_ = o.read.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	<-o.done
	o.read.Close()
	return strings.ToValidUTF8(string(o.buf), "\uFFFD")
}

// result counts the outcome of a check. Failures in the start period do not count.
func (h *healthState) result(s *shim, now time.Time, passed bool, output string) {
	pause := h.spec.Interval
	verdict := h.current.Health
	switch {
	case passed:
		h.failures, verdict = 0, task.HealthHealthy
	case now.Sub(h.cleared) < max(h.spec.StartPeriod, min(h.spec.Interval, 5*time.Second)) && h.current.Health == task.HealthUnknown:
		pause = min(h.spec.Interval, max(now.Sub(h.cleared), h.firstPause())) // soon, then less often
	default:
		if h.failures++; h.failures >= h.spec.Retries {
			verdict = task.HealthUnhealthy
		}
	}
	if verdict != h.current.Health {
		h.current = healthRecord{Health: verdict, Since: now.UnixMilli(), Output: output}
		_ = writeRecord(s.dir.health(), h.current) // written again at the next change
		s.notify()
	}
	h.next.Reset(pause)
}

// stop ends the checks.
func (h *healthState) stop() {
	if h.next != nil {
		h.next.Stop()
	}
	if h.output != nil {
		h.output.text()
	}
}
