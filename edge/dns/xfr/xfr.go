// Package xfr transfers zones to secondary servers: whole zones by AXFR (RFC 5936),
// changes by IXFR (RFC 1995). It also reports when to send NOTIFY (RFC 1996).
// DESIGN.md explains what a transferred zone contains and why.
//
// edge/dns receives the query, checks its signature and asks Permit. Transfer then
// sends the messages.
package xfr

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/replica"
)

// Source returns the newest state.
type Source interface {
	Current() *replica.Snapshot
}

// Config is what a Server needs.
type Config struct {
	Source Source // required
	// Rules allow clients to transfer zones. The first one that matches a client and
	// a zone decides.
	Rules []Rule
	// Apex holds the settings that the records of all zones share.
	Apex Apex
	// Strict is that of edge/dns.
	Strict bool
	// Changed is called when the contents of a zone have changed, and for every
	// zone at the start of Run. It must not block. Nil: it is not called.
	Changed func(Change)
	// Interval is the shortest time between two checks for changes; 0 means 1s.
	Interval time.Duration
	// HistoryBytes limits the memory for the changes of all zones, which IXFR
	// sends; 0 means 16 MiB.
	HistoryBytes int
	// Transfers is how many transfers run at a time; 0 means 16. One client can
	// have a quarter of them.
	Transfers int
	// Signer signs copies of signed zones. Nil: they are not transferred.
	Signer Signer
	// Now is the clock. Nil: the system's.
	Now func() time.Time
	// Timeout limits one transfer; 0 means 5 minutes. A client can make the server
	// keep an old version of the zone for this time.
	Timeout time.Duration
	Logger  *slog.Logger // required
	// Registerer registers the metrics. Nil: there are none.
	Registerer prometheus.Registerer
}

// Change is a zone with new contents.
type Change struct {
	Rule *Rule  // the rule that matches the zone
	Apex string // in wire form
	SOA  []byte // the zone's SOA record, in wire form, not compressed
}

// Server transfers zones. Create it with New, then call Run.
type Server struct {
	cfg     Config
	metrics *metrics
	rules   atomic.Pointer[[]Rule]
	changed chan struct{} // the rules were changed

	mu        sync.Mutex // guards what follows; held for moments
	histories map[zone.ID]*history
	started   bool
	start     uint64 // the first serial that was looked at
	running   int
	perClient map[netip.Addr]int
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Source == nil || cfg.Logger == nil {
		return nil, errors.New("xfr: Source and Logger are required")
	}
	fill(&cfg.Interval, time.Second)
	fill(&cfg.HistoryBytes, 16<<20)
	fill(&cfg.Transfers, 16)
	fill(&cfg.Timeout, 5*time.Minute)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{
		cfg: cfg, metrics: newMetrics(cfg.Registerer), changed: make(chan struct{}, 1),
		histories: map[zone.ID]*history{}, perClient: map[netip.Addr]int{},
	}
	return s, s.SetRules(cfg.Rules)
}

// SetRules replaces the rules. Config.Changed is then called for every zone that
// they match, because a secondary may be new. If a rule is wrong, nothing changes.
func (s *Server) SetRules(rules []Rule) error {
	rules = slices.Clone(rules)
	for i := range rules {
		if err := rules[i].check(); err != nil {
			return err
		}
	}
	s.rules.Store(&rules)
	s.mu.Lock()
	histories := slices.Collect(maps.Values(s.histories))
	s.mu.Unlock()
	for _, h := range histories {
		h.tellAgain()
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Run watches the zones of the rules until ctx ends, records their changes for IXFR
// and reports them to Config.Changed.
func (s *Server) Run(ctx context.Context) error {
	for {
		snapshot := s.cfg.Source.Current()
		s.follow(snapshot.State)
		// Changes within one interval are reported together; the first is not
		// delayed.
		if !s.wait(ctx, time.After(s.cfg.Interval)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-snapshot.Superseded():
		case <-s.changed:
		case <-time.After(s.untilNextDay()):
		}
	}
}

// untilNextDay returns the time until copies get new signatures.
func (s *Server) untilNextDay() time.Duration {
	now := s.cfg.Now()
	return time.Unix((zone.Day(now.Unix())+1)*zone.SecondsPerDay, 0).Sub(now)
}

// wait returns false if ctx ended first.
func (s *Server) wait(ctx context.Context, c <-chan time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-c:
		return true
	}
}

// follow looks at the zones of all rules.
func (s *Server) follow(st *state.State) {
	s.forget(st)
	seen := map[zone.ID]bool{}
	rules := *s.rules.Load()
	for i := range rules {
		for z := range s.zones(&rules[i], &st.Zones) {
			if seen[z.ID] {
				continue // an earlier rule matches it
			}
			seen[z.ID] = true
			h := s.historyOf(z)
			h.catchUp(s, st)
			if soa := h.news(s); soa != nil && s.cfg.Changed != nil {
				s.cfg.Changed(Change{Rule: &rules[i], Apex: z.Apex, SOA: soa})
			}
		}
	}
}

// forget drops the histories of zones that do not exist any more.
func (s *Server) forget(st *state.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.histories {
		if _, ok := st.Zones.Zone(id); !ok {
			delete(s.histories, id)
		}
	}
}

func (s *Server) historyOf(z *zone.Zone) *history {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.histories[z.ID]
	if h == nil {
		h = &history{zone: z.ID}
		s.histories[z.ID] = h
	}
	return h
}

// startedAt returns the first serial that was looked at, which is now if there was
// none. Clients may have it and earlier ones from an earlier run of the node, with
// other name servers.
func (s *Server) startedAt(now uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started, s.start = true, now
	}
	return s.start
}

// share returns how many octets of changes one zone may keep.
func (s *Server) share() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.cfg.HistoryBytes/max(len(s.histories), 1), 16<<10)
}

// enter counts a new transfer, or returns false if the limit is reached.
func (s *Server) enter(client netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running >= s.cfg.Transfers || s.perClient[client] >= max(s.cfg.Transfers/4, 1) {
		return false
	}
	s.running++
	s.perClient[client]++
	return true
}

func (s *Server) leave(client netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	if s.perClient[client]--; s.perClient[client] == 0 {
		delete(s.perClient, client)
	}
}
