package demo

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// watcher looks at the instances of a service in short intervals, and remembers when
// each was seen first and when it was seen to be gone.
type watcher struct {
	api     *api
	service string // id

	mu      sync.Mutex
	present map[netip.Addr]bool
	since   map[netip.Addr]time.Time // first seen
	left    map[netip.Addr]time.Time // seen to be gone
	mark    time.Time                // instances seen first after it are new
}

func newWatcher(a *api, service string) *watcher {
	return &watcher{
		api: a, service: service, present: map[netip.Addr]bool{}, since: map[netip.Addr]time.Time{},
		left: map[netip.Addr]time.Time{}, mark: time.Now(),
	}
}

const watchEvery = 50 * time.Millisecond

// run watches until ctx ends.
func (w *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		if instances, err := w.api.list(ctx, w.service); err == nil {
			w.see(time.Now(), instances)
		}
		_ = sleep(ctx, watchEvery)
	}
}

// see compares a list with the one before.
func (w *watcher) see(now time.Time, instances []instance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	present := make(map[netip.Addr]bool, len(instances))
	for _, i := range instances {
		a, err := netip.ParseAddr(i.Attributes["AWS_INSTANCE_IPV4"])
		if err != nil {
			continue
		}
		present[a] = true
		delete(w.left, a)
		if _, known := w.since[a]; !known {
			w.since[a] = now
		}
	}
	for a := range w.present {
		if !present[a] {
			w.left[a] = now
		}
	}
	w.present = present
}

// leftBefore reports whether an address was known to be gone at a time.
func (w *watcher) leftBefore(a netip.Addr, at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	left, gone := w.left[a]
	return gone && left.Before(at)
}

// age returns the time since an instance was seen first, and whether it is new.
func (w *watcher) age(a netip.Addr) (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	since, known := w.since[a]
	return time.Since(since), known && since.After(w.mark)
}

// forget makes all instances old: those that come later are new.
func (w *watcher) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark = time.Now()
}
