package hostile

import (
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Service is a service whose tasks are killed.
type Service struct {
	// Settled waits until all tasks run and are answered.
	Settled func()
	// Victim returns a task, its address and its process.
	Victim func() (task, address string, pid int)
	// Instances returns the tasks that the API answers, Addresses the addresses that DNS
	// answers.
	Instances, Addresses func() ([]string, error)
}

// Limits of the time between the end of a task and the last question that is answered with
// it. Most tasks must be within the first one, all within the second: the machine of the
// test may be busy.
const (
	usual = time.Second
	worst = 10 * time.Second
)

// Kill kills tasks as kill -9 does, while clients ask for the service all the time.
func Kill(t *testing.T, s *Service, rounds int) {
	var api, dns []time.Duration
	for range rounds {
		s.Settled()
		task, address, pid := s.Victim()
		var byAPI, byDNS watcher
		stop := watchAll(t, []*watcher{&byAPI, &byDNS}, []func() ([]string, error){s.Instances, s.Addresses})
		end := kill(t, pid)
		byAPI.wait(t, task)
		byDNS.wait(t, address)
		stop()
		api, dns = append(api, byAPI.last.Sub(end)), append(dns, byDNS.last.Sub(end))
	}
	for name, all := range map[string][]time.Duration{"DiscoverInstances": api, "DNS": dns} {
		slices.Sort(all)
		t.Logf("%s: last answers with a task after its end: %v", name, all)
		if median := all[len(all)/2]; median > usual {
			t.Errorf("%s: half of the tasks are answered %v after their end", name, median)
		}
		if last := all[len(all)-1]; last > worst {
			t.Errorf("%s: a task is answered %v after its end", name, last)
		}
	}
}

// kill kills a process and returns when it has ended.
func kill(t *testing.T, pid int) time.Time {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != 1 {
			t.Fatalf("process %d does not end: %v", pid, err)
		}
		return time.Now()
	}
}

// watcher notes when each answer was last seen.
type watcher struct {
	mu   sync.Mutex
	seen map[string]time.Time // when the last question was asked that was answered with it
	now  []string             // the newest answer
	last time.Time            // of what was waited for
}

// watchAll asks all the time, until the function that it returns is called.
func watchAll(t *testing.T, all []*watcher, ask []func() ([]string, error)) (stop func()) {
	ended := make(chan struct{})
	var running sync.WaitGroup
	for i, w := range all {
		w.seen = map[string]time.Time{}
		first := make(chan struct{})
		running.Go(func() {
			for n := 0; ; n++ {
				w.ask(t, ask[i])
				if n == 0 {
					close(first)
				}
				select {
				case <-ended:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
		<-first
	}
	return func() {
		close(ended)
		running.Wait()
	}
}

func (w *watcher) ask(t *testing.T, question func() ([]string, error)) {
	asked := time.Now()
	answer, err := question()
	if err != nil {
		t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = answer
	for _, x := range answer {
		w.seen[x] = asked
	}
}

// wait waits until an answer is without x, and notes when it was asked for with x last.
func (w *watcher) wait(t *testing.T, x string) {
	t.Helper()
	late := time.After(patience)
	for {
		w.mu.Lock()
		gone := !slices.Contains(w.now, x)
		w.last = w.seen[x]
		w.mu.Unlock()
		if gone {
			break
		}
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			t.Fatalf("%s is answered after %v", x, patience)
		}
	}
	if w.last.IsZero() {
		t.Errorf("%s was never answered", x)
	}
}
