package xfr

import (
	"slices"
	"sync"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

const (
	// maxSteps is how many changes of one zone are kept.
	maxSteps = 1000
	// smallHistory is how many octets of changes are sent even if the whole zone
	// has fewer.
	smallHistory = 64 << 10
)

// history has the newest version of one zone and the changes that led to it.
type history struct {
	zone zone.ID

	mu  sync.Mutex // guards what follows; held while differences are made
	now *version   // the newest; nil: none yet
	// first is the serial at which now was first seen.
	first uint64
	// steps are the changes up to now, oldest first. A step is immutable; since
	// returns a copy of the list.
	steps     []step
	octets    int  // in steps
	told      bool // Config.Changed was called for now
	wholeSize int  // octets of the last AXFR; 0: there was none
}

// step is one change of a zone.
type step struct {
	// Before the step, the zone was the same at all serials from first to last.
	first, last    uint64
	soa            soaOf // before the step
	removed, added records
}

func (st *step) octets() int { return len(st.removed.wire) + len(st.added.wire) }

// catchUp adds the version of a newer state, and returns the newest version, or nil
// if the zone does not exist any more.
func (h *history) catchUp(s *Server, st *state.State) *version {
	seconds := s.cfg.Now().Unix()
	s.startedAt(zone.Serial(st.Revision, seconds))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now != nil && zone.Serial(st.Revision, seconds) <= h.now.serial {
		return h.now
	}
	next, ok := versionOf(st, h.zone, seconds)
	if !ok {
		return nil
	}
	if h.now == nil {
		h.now, h.first = &next, next.serial
		return h.now
	}
	if !h.now.same(&next) {
		h.add(s, &next)
		h.first = next.serial
	}
	h.now = &next
	return h.now
}

// tellAgain makes the next look at the zone report it, changed or not.
func (h *history) tellAgain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = false
}

// add adds the step to the next version. A step without differences is added as
// well: the zone may have changed and changed back, and a secondary may have the
// version in between from another of our servers.
func (h *history) add(s *Server, next *version) {
	before := step{first: h.first, last: h.now.serial, soa: h.now.soa(s)}
	before.removed, before.added = h.now.difference(s, next)
	resigned := signed(next.zone) && next.day != h.now.day || !slices.Equal(h.now.zone.Keys, next.zone.Keys)
	if before.removed.n > 0 || before.added.n > 0 || before.soa != next.soa(s) || resigned {
		h.told = false
	}
	if signed(h.now.zone) || signed(next.zone) {
		// Each change of a signed zone changes signatures and the NSEC chain in other
		// places too: IXFR gets the whole zone.
		h.steps, h.octets = nil, 0
		return
	}
	h.steps = append(h.steps, before)
	h.octets += before.octets()
	limit := s.share()
	for h.octets > limit || len(h.steps) > maxSteps {
		h.octets -= h.steps[0].octets()
		h.steps[0] = step{} // the memory is free when no transfer uses it
		h.steps = h.steps[1:]
	}
}

// news returns the SOA record if Config.Changed was not called for this version.
func (h *history) news(s *Server) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told || h.now == nil {
		return nil
	}
	h.told = true
	return s.cfg.Apex.appendSOA(nil, h.now.soa(s), h.now.serial)
}

// since returns the steps from the version with a serial to the newest one. It
// returns false if that version is not known, or if the whole zone has fewer octets
// than the steps.
func (h *history) since(s *Server, serial uint32) ([]step, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now.serial
	back := uint64(uint32(now) - serial)
	if back > now {
		return nil, false
	}
	at, octets := now-back, 0
	if at <= s.startedAt(now) {
		return nil, false // of an earlier run, perhaps with other settings
	}
	if at >= h.first {
		return nil, true
	}
	for i := len(h.steps) - 1; i >= 0; i-- {
		st := &h.steps[i]
		if octets += st.octets(); octets > max(h.wholeSize, smallHistory) || at > st.last {
			return nil, false
		}
		if at >= st.first {
			return append([]step(nil), h.steps[i:]...), true
		}
	}
	return nil, false
}

// setSize records how many octets the whole zone has.
func (h *history) setSize(octets int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wholeSize = octets
}
