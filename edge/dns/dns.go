// Package dns is the authoritative DNS server: it answers for every zone of
// core/zone, over UDP and TCP, and over TLS and HTTPS where it is given
// listeners for them.
//
// A query goes this way, and allocates nothing on it:
//
//	udp_linux.go  a batch of datagrams by one system call
//	request.go    one of them taken apart: question, EDNS, TSIG
//	answer.go     what it asks for, looked up in the newest snapshot
//	records.go    the records, from parts prepared when the state changed
//	finish.go     EDNS, truncation, the header
//
// A name outside our zones, and an alias to one, may need an upstream resolver,
// and an answer from a signed zone signatures. What their caches do not hold is
// waited for elsewhere: see later.go.
package dns

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
	"github.com/cairn-discovery/cairn/replica"
)

// Source gives the newest state.
type Source interface {
	Current() *replica.Snapshot
}

// Config is what a Server needs.
type Config struct {
	// Source is asked for the state once for each batch of queries, after the
	// batch came in: an answer is never older than its question. Required.
	Source Source
	// Views says which client sees what. It is called for each batch, so it may
	// change while the server runs. Required.
	Views func() *view.Table
	// Strict makes the server behave as Route 53 where it otherwise does
	// better; see docs/divergences/dns.md.
	Strict bool
	// Forward resolves names outside our zones for clients that may recurse,
	// and the targets of aliases. Nil: such names are refused, such aliases
	// fail.
	Forward *forward.Resolver
	// Signer signs what comes from signed zones, for clients that ask for
	// signatures. Nil: it cannot be signed, and they get SERVFAIL.
	Signer SigningSource
	// Limit bounds answers over UDP to clients that see public zones only.
	// Nil: no bound.
	Limit *ratelimit.Limiter
	// NameServers are the names in the NS records of all zones, the first of
	// them in the SOA records too. None means "ns.cairn.internal".
	NameServers []string
	// Transfers hands out zones to secondary servers. Nil: all are refused.
	Transfers *xfr.Server
	// Keys are those that queries may be signed with (RFC 8945). None: every
	// signature is that of an unknown key.
	Keys tsig.Keys
	// Hostmaster is the mailbox in SOA records, as a domain name. Empty means
	// "hostmaster" below the first name server's parent.
	Hostmaster string
	// Hosts are names that the server answers itself: those of the APIs and of
	// the name servers.
	Hosts []Host
	// Regions is what the routing policy LATENCY goes by.
	Regions []Region
	// Region is where clients are taken to be that no CIDR of Regions holds.
	Region string
	// Cookies says how DNS cookies are made (RFC 7873).
	Cookies Cookies
	// Identity is told to clients that ask for it by NSID (RFC 5001) or
	// id.server (RFC 4892). Empty: it is not told.
	Identity string
	// MaxUDPSize bounds answers over UDP, whatever the client allows. Zero
	// means 1232, which no path fragments; 512 to 4096.
	MaxUDPSize int
	// Limits bound what clients can make the server hold.
	Limits Limits
	// LogSample logs every n-th query at level info. Zero: none.
	LogSample int
	Logger    *slog.Logger // required
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
}

// Limits bound what clients can make the server hold. Zero means the default.
type Limits struct {
	Connections          int           // at a time, over TCP and TLS; 4096
	ConnectionsPerClient int           // at a time, per address; 64
	Pipelined            int           // queries in work per connection; 32
	IdleTimeout          time.Duration // between queries; 10 s
	ReadTimeout          time.Duration // for the rest of a query that has begun; 5 s
	WriteTimeout         time.Duration // for one answer; 5 s
	Waiting              int           // UDP queries that wait for an upstream; 1024
}

func (l *Limits) fill() {
	fill(&l.Connections, 4096)
	fill(&l.ConnectionsPerClient, 64)
	fill(&l.Pipelined, 32)
	fill(&l.IdleTimeout, 10*time.Second)
	fill(&l.ReadTimeout, 5*time.Second)
	fill(&l.WriteTimeout, 5*time.Second)
	fill(&l.Waiting, 1024)
}

func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

const (
	// defaultUDPSize fits the smallest IPv6 MTU, so it is never fragmented.
	defaultUDPSize = 1232
	minUDPSize     = 512
	maxUDPSize     = 4096
)

// Server answers DNS queries. Make one with New, then Serve.
type Server struct {
	cfg       Config
	authority authority
	hosts     []host
	regions   *regions
	cookies   *cookies
	metrics   *metrics

	pools   [transports]sync.Pool // of *answerer, for queries that come one by one
	waiting chan struct{}         // holds a value for each UDP query that waits for an upstream
	streams streams
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Source == nil || cfg.Views == nil || cfg.Logger == nil {
		return nil, errors.New("dns: Source, Views and Logger are required")
	}
	cfg.Limits.fill()
	fill(&cfg.MaxUDPSize, defaultUDPSize)
	if cfg.MaxUDPSize < minUDPSize || cfg.MaxUDPSize > maxUDPSize {
		return nil, errors.New("dns: MaxUDPSize must be 512 to 4096")
	}
	s := &Server{cfg: cfg, waiting: make(chan struct{}, cfg.Limits.Waiting)}
	var errs [4]error
	s.authority, errs[0] = newAuthority(&cfg)
	s.hosts, errs[1] = newHosts(cfg.Hosts)
	s.regions, errs[2] = newRegions(cfg.Regions, cfg.Region)
	s.cookies, errs[3] = newCookies(cfg.Cookies)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	s.metrics = newMetrics(s, cfg.Registerer)
	for t := range transports {
		shared := s.metrics.newShard(t)
		s.pools[t].New = func() any { return s.newAnswerer(shared) }
	}
	s.streams.perClient = map[netip.Addr]int{}
	return s, nil
}

// Handle answers one query, waiting for upstream resolvers as long as ctx lets
// it. The answer is appended to out, whose contents are lost; nil means that
// the query gets none. It may be called by many goroutines.
func (s *Server) Handle(ctx context.Context, query []byte, from netip.AddrPort, transport Transport, out []byte) []byte {
	start := time.Now()
	a := s.take(transport)
	defer s.give(a)
	a.refresh()
	a.ctx = ctx
	answer, v := a.answer(query, from.Addr(), transport, out[:0])
	a.ctx = nil
	a.flush()
	if v == transfer {
		return s.transferInOne(ctx, query, from, out[:0])
	}
	if v != send {
		return nil
	}
	a.shard.took(time.Since(start), 1)
	return answer
}

// take returns an answerer for a transport; give takes it back.
func (s *Server) take(t Transport) *answerer { return s.pools[t].Get().(*answerer) }

func (s *Server) give(a *answerer) { s.pools[a.shard.transport].Put(a) }

func (s *Server) newAnswerer(to *shard) *answerer {
	a := &answerer{server: s, shard: to, counts: new(counts)}
	a.random = zone.NewRand(randomSeed(), randomSeed())
	a.picker.Rand = a.random
	a.picker.Strict = s.cfg.Strict
	return a
}

// Serve answers from the sockets until ctx ends, finishes what it has in hand
// and returns nil, or returns the error of a socket that failed. It closes the
// sockets.
func (s *Server) Serve(ctx context.Context, sockets *Sockets) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range sockets.UDP {
		group.Go(func() error { return s.serveUDP(ctx, c) })
	}
	group.Go(func() error { return s.ServeStream(ctx, sockets.TCP, TCP) })
	group.Go(func() error { return s.cookies.run(ctx) })
	err := group.Wait()
	return errors.Join(err, sockets.Close())
}
