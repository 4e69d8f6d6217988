// Package xfr hands zones out to secondary servers: whole by AXFR (RFC 5936),
// what has changed by IXFR (RFC 1995), and it finds out when to send NOTIFY (RFC
// 1996). DESIGN.md says what a transferred zone contains and why.
//
// The server of messages stays edge/dns: it takes a query apart, checks its
// signature and asks Permit; what then goes out is Transfer's.
package xfr

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/replica"
)

// Source gives the newest state.
type Source interface {
	Current() *replica.Snapshot
}

// Config is what a Server needs.
type Config struct {
	Source Source // required
	// Rules say who may have which zone. The first that fits a client decides.
	Rules []Rule
	// Apex is what all zones have in common.
	Apex Apex
	// Strict is that of edge/dns.
	Strict bool
	// Changed is called when the contents of a zone have changed, and for every
	// zone at the start of Run. It must not block. Nil: nobody is told.
	Changed func(Change)
	// Interval is the least time between two looks for changes; 0 means 1s.
	Interval time.Duration
	// HistoryBytes bounds what is kept of changes, of all zones together, for
	// IXFR; 0 means 16 MiB.
	HistoryBytes int
	// Transfers bounds how many go on at a time; 0 means 16. One client has a
	// quarter of them at the most.
	Transfers int
	// Timeout bounds one transfer; 0 means 5 minutes. For so long a client can
	// make the server keep an old version of the zone.
	Timeout time.Duration
	Logger  *slog.Logger // required
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
}

// Change is a zone with new contents.
type Change struct {
	Rule int    // index of the rule that tells whom to notify
	Apex string // in wire form
	SOA  []byte // the zone's SOA record, in wire form, not compressed
}

// Server hands out zones. Make one with New, then Run it.
type Server struct {
	cfg     Config
	metrics *metrics

	mu        sync.Mutex // guards what follows; held for moments
	histories map[registry.NamespaceID]*history
	started   bool
	start     uint64 // the revision that was looked at first
	running   int
	perClient map[netip.Addr]int
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Source == nil || cfg.Logger == nil {
		return nil, errors.New("xfr: Source and Logger are required")
	}
	for i := range cfg.Rules {
		if err := cfg.Rules[i].check(); err != nil {
			return nil, err
		}
	}
	fill(&cfg.Interval, time.Second)
	fill(&cfg.HistoryBytes, 16<<20)
	fill(&cfg.Transfers, 16)
	fill(&cfg.Timeout, 5*time.Minute)
	return &Server{
		cfg: cfg, metrics: newMetrics(cfg.Registerer),
		histories: map[registry.NamespaceID]*history{}, perClient: map[netip.Addr]int{},
	}, nil
}

func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Run follows the zones that somebody may have, so that what has changed in them
// is known when it is asked for, and tells of changes, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	if len(s.cfg.Rules) == 0 {
		<-ctx.Done()
		return nil
	}
	for {
		snapshot := s.cfg.Source.Current()
		s.follow(snapshot.State)
		// Many changes in a row are one change; the first does not wait.
		if !wait(ctx, time.After(s.cfg.Interval)) || !wait(ctx, snapshot.Superseded()) {
			return nil
		}
	}
}

// wait is false if ctx ended first.
func wait[T any](ctx context.Context, c <-chan T) bool {
	select {
	case <-ctx.Done():
		return false
	case <-c:
		return true
	}
}

// follow looks at all zones that rules are about.
func (s *Server) follow(st *state.State) {
	s.forget(st)
	seen := map[registry.NamespaceID]bool{}
	for i := range s.cfg.Rules {
		for z := range s.cfg.Rules[i].zones(&st.Zones) {
			if seen[z.Namespace] {
				continue // an earlier rule is about it
			}
			seen[z.Namespace] = true
			h := s.historyOf(z)
			h.catchUp(s, st)
			if soa := h.news(s); soa != nil && s.cfg.Changed != nil {
				s.cfg.Changed(Change{Rule: i, Apex: z.Apex, SOA: soa})
			}
		}
	}
}

// forget drops what is known of zones that are gone.
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
	h := s.histories[z.Namespace]
	if h == nil {
		h = &history{account: z.Account, namespace: z.Namespace}
		s.histories[z.Namespace] = h
	}
	return h
}

// startedAt is the revision that was looked at first, which is the given one if
// none was. What clients have of it or of earlier ones may be from an earlier run
// of the node with other name servers.
func (s *Server) startedAt(now uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started, s.start = true, now
	}
	return s.start
}

// share is how many octets of changes one zone may keep.
func (s *Server) share() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.cfg.HistoryBytes/max(len(s.histories), 1), 16<<10)
}

// enter takes a transfer in, or is false if too many go on.
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
