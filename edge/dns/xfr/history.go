package xfr

import (
	"sync"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

const (
	// maxSteps bounds the changes that are kept of one zone.
	maxSteps = 1000
	// smallHistory is how many octets of changes are sent without asking whether
	// the whole zone is less.
	smallHistory = 64 << 10
)

// history is what is known of one zone: how it is, and how it came to be so.
type history struct {
	account   command.AccountID
	namespace registry.NamespaceID

	mu  sync.Mutex // guards what follows; held while differences are made
	now *version   // as it was looked at last; nil: never
	// first is the revision at which it was first seen so.
	first uint64
	// steps lead here, the oldest first. They are immutable, and so is the part
	// of the list that was handed out: since copies it.
	steps  []step
	octets int // in steps
	told   bool
	whole  int // octets of the last AXFR
}

// step is a change of a zone.
type step struct {
	// The zone was the same at all revisions from first to last.
	first, last uint64
	soa         soaOf // as it was before the step
	gone, come  records
}

func (st *step) octets() int { return len(st.gone.wire) + len(st.come.wire) }

// catchUp looks at a newer state, and returns the newest one that was looked at,
// or nil if the zone is gone.
func (h *history) catchUp(s *Server, st *state.State) *version {
	s.startedAt(st.Revision)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now != nil && st.Revision <= h.now.state.Revision {
		return h.now
	}
	next, ok := versionOf(st, h.account, h.namespace)
	if !ok {
		return nil
	}
	if h.now == nil {
		h.now, h.first = &next, st.Revision
		return h.now
	}
	if !h.now.same(&next) {
		h.add(s, &next)
		h.first = st.Revision
	}
	h.now = &next
	return h.now
}

// add keeps the step to the next version. One without differences is kept as
// well: the zone may have changed and changed back, and a secondary may have
// seen it from another of our servers in between.
func (h *history) add(s *Server, next *version) {
	before := step{first: h.first, last: h.now.state.Revision, soa: h.now.soa(s)}
	before.gone, before.come = h.now.difference(s, next)
	if before.gone.n > 0 || before.come.n > 0 || before.soa != next.soa(s) {
		h.told = false
	}
	h.steps = append(h.steps, before)
	h.octets += before.octets()
	limit := s.share()
	for h.octets > limit || len(h.steps) > maxSteps {
		h.octets -= h.steps[0].octets()
		h.steps[0] = step{} // nobody's memory but that of those who have it in hand
		h.steps = h.steps[1:]
	}
}

// news returns the SOA record if there is something to tell that was not told.
func (h *history) news(s *Server) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told || h.now == nil {
		return nil
	}
	h.told = true
	return s.cfg.Apex.appendSOA(nil, h.now.soa(s), h.now.state.Revision)
}

// since returns the steps from the zone as it was at a serial. It is false if
// that is not known, or if so much has changed that the whole is less.
func (h *history) since(s *Server, serial uint32) ([]step, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now.state.Revision
	back := uint64(zone.Serial(now) - serial)
	if back > now {
		return nil, false
	}
	at, octets := now-back, 0
	if at <= s.startedAt(now) {
		return nil, false // by an earlier run, under other settings perhaps
	}
	if at >= h.first {
		return nil, true
	}
	for i := len(h.steps) - 1; i >= 0; i-- {
		st := &h.steps[i]
		if octets += st.octets(); octets > max(h.whole, smallHistory) || at > st.last {
			return nil, false
		}
		if at >= st.first {
			return append([]step(nil), h.steps[i:]...), true
		}
	}
	return nil, false
}

// weighed keeps how many octets the whole zone has.
func (h *history) weighed(octets int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.whole = octets
}
