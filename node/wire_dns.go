package node

import (
	"cmp"
	"context"
	"encoding/hex"
	"net/netip"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/aws/route53"
	"github.com/cairn-discovery/cairn/edge/dns"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/edge/dns/doh"
	"github.com/cairn-discovery/cairn/edge/dns/dot"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
	"github.com/cairn-discovery/cairn/edge/dns/notify"
	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
	"github.com/cairn-discovery/cairn/internal/certs"
	"github.com/cairn-discovery/cairn/internal/connlimit"
	"github.com/cairn-discovery/cairn/node/config"
)

// dnsEdge is the DNS server on all its listeners, and the resolver it asks.
type dnsEdge struct {
	listeners *listeners
	server    *dns.Server
	forward   *forward.Resolver // nil when nothing is forwarded
	transfers *xfr.Server
	notify    *notify.Sender
	doh       *doh.Server   // nil when DNS over HTTPS is not served
	certs     *certs.Source // nil when there is no certificate
}

func (w *wiring) dnsComponent() (component, error) {
	e, err := w.newDNS()
	if err != nil {
		return component{}, err
	}
	w.gateways.dns = e.server
	return component{name: "dns", run: w.edge("dns", e.run), stopTimeout: dnsStopTimeout}, nil
}

// newDNS builds the DNS edge.
func (w *wiring) newDNS() (*dnsEdge, error) {
	e := &dnsEdge{listeners: w.listeners, certs: w.dnsCert}
	var err error
	if e.forward, err = w.newForward(); err != nil {
		return nil, err
	}
	limit := w.cfg.DNS.RateLimit.Limiter()
	limit.Registerer = w.metrics
	limiter, err := ratelimit.New(limit)
	if err != nil {
		return nil, err
	}
	cfg := dnsConfigOf(&w.cfg.Config, w.listeners)
	signer, err := w.newSigner()
	if err != nil {
		return nil, err
	}
	cfg.Signer = signer
	cfg.Source, cfg.Views, cfg.Forward, cfg.Limit = w.rep, w.views.Load, e.forward, limiter
	cfg.Refuse = w.refuses
	cfg.Logger, cfg.Registerer = w.log.With("part", "dns"), w.metrics
	if err = w.wireTransfers(e, &cfg, signer); err != nil {
		return nil, err
	}
	if e.server, err = dns.New(cfg); err != nil {
		return nil, err
	}
	if w.listeners.doh != nil {
		e.doh, err = doh.New(doh.Config{
			Answer:       e.overHTTPS,
			Certificates: w.dnsCert,
			Limits:       connlimit.Limits{Total: cfg.Limits.Connections, PerClient: cfg.Limits.ConnectionsPerClient},
			Reached: func(limit connlimit.Limit, refused bool) {
				e.server.LimitReached(answer.HTTPS, limit, refused)
			},
			Logger: w.log.With("part", "doh"),
		})
	}
	return e, err
}

// newForward returns the resolver for names outside our zones, or nil if there
// are no servers to ask.
func (w *wiring) newForward() (*forward.Resolver, error) {
	d := &w.cfg.DNS
	if len(d.Forward) == 0 {
		return nil, nil
	}
	cfg := forward.Config{
		CacheBytes: d.ForwardCacheBytes,
		Timeout:    d.ForwardTimeout.Duration,
		Logger:     w.log.With("part", "forward"),
		Registerer: w.metrics,
	}
	for _, text := range d.Forward {
		addr, _ := config.Upstream(text) // Check has made sure that it is one
		cfg.Upstreams = append(cfg.Upstreams, addr)
	}
	if self, err := netip.ParseAddrPort(w.listeners.dns.Addr().String()); err == nil {
		cfg.Self = []netip.AddrPort{self}
	}
	return forward.New(cfg)
}

func (e *dnsEdge) overHTTPS(ctx context.Context, query []byte, from netip.AddrPort, out []byte) []byte {
	return e.server.Handle(ctx, query, from, answer.HTTPS, out)
}

// run serves all listeners until ctx ends. The resolver stops last, because the
// servers ask it.
func (e *dnsEdge) run(ctx context.Context) error {
	if e.forward != nil {
		resolving, end := context.WithCancel(context.WithoutCancel(ctx))
		var resolver sync.WaitGroup
		resolver.Go(func() { _ = e.forward.Run(resolving) }) // never fails
		defer resolver.Wait()
		defer end()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return e.server.Serve(ctx, e.listeners.dns) })
	group.Go(func() error { return e.transfers.Run(ctx) })
	group.Go(func() error { return e.notify.Run(ctx) })
	if e.listeners.dot != nil {
		ln := dot.Listen(e.listeners.dot, e.certs)
		group.Go(func() error { return e.server.ServeStream(ctx, ln, answer.TLS) })
	}
	if e.doh != nil {
		group.Go(func() error { return e.doh.Serve(ctx, e.listeners.doh) })
	}
	return group.Wait()
}

// dnsConfigOf returns the part of the DNS server's configuration that needs no
// other component.
func dnsConfigOf(c *config.Config, l *listeners) dns.Config {
	cfg := dns.Config{Config: answer.Config{
		Strict:     c.Strict(),
		Hostmaster: c.DNS.Hostmaster,
		Hosts:      hostsOf(c, l),
		Region:     c.Region,
		Identity:   c.DNS.Identity,
		LogSample:  c.DNS.QueryLogSample,
	}, Limits: dns.Limits{Connections: c.DNS.MaxConnections, ConnectionsPerClient: c.DNS.MaxConnectionsPerClient}}
	for _, s := range c.DNS.NameServers {
		cfg.NameServers = append(cfg.NameServers, s.Name)
	}
	for _, r := range c.DNS.Regions {
		cfg.Regions = append(cfg.Regions, answer.Region{
			Name: r.Name, CIDRs: config.Prefixes(r.CIDRs), Distances: r.Distances,
			Location: zone.Location{Continent: cmp.Or(r.Continent, route53.ContinentOf(r.Country)), Country: r.Country, Subdivision: r.Subdivision},
		})
	}
	if secret, err := hex.DecodeString(string(c.DNS.CookieSecret)); err == nil && len(secret) > 0 {
		cfg.Cookies.Secret = secret
	}
	return cfg
}
