package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/edge/dns"
	"github.com/cairn-discovery/cairn/edge/dns/doh"
	"github.com/cairn-discovery/cairn/edge/dns/dot"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
	"github.com/cairn-discovery/cairn/edge/dns/notify"
	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
	"github.com/cairn-discovery/cairn/internal/certs"
	"github.com/cairn-discovery/cairn/replica"
)

// dnsEdge is the DNS server on all its listeners, and the resolver it asks.
type dnsEdge struct {
	listeners *listeners
	server    *dns.Server
	forward   *forward.Resolver // nil when nothing is forwarded
	transfers *xfr.Server       // nil when no zone is transferred
	notify    *notify.Sender    // goes with it
	doh       *doh.Server       // nil when DNS over HTTPS is not served
	certs     *certs.Source     // nil when there is no certificate
}

// wireDNS builds the DNS edge.
func (n *Node) wireDNS(
	rep *replica.Replica, l *listeners, cert *certs.Source, metrics prometheus.Registerer,
) (*dnsEdge, error) {
	e := &dnsEdge{listeners: l, certs: cert}
	var err error
	if e.forward, err = n.newForward(l, metrics); err != nil {
		return nil, err
	}
	limit := rateLimitOf(&n.cfg.DNS.RateLimit)
	limit.Registerer = metrics
	limiter, err := ratelimit.New(limit)
	if err != nil {
		return nil, err
	}
	cfg := dnsConfigOf(&n.cfg, l)
	if cfg.Signer, err = n.newSigner(metrics); err != nil {
		return nil, err
	}
	cfg.Source, cfg.Views, cfg.Forward, cfg.Limit = rep, n.views.Load, e.forward, limiter
	cfg.Logger, cfg.Registerer = n.log.With("part", "dns"), metrics
	if err = n.wireTransfers(e, &cfg, rep, metrics); err != nil {
		return nil, err
	}
	if e.server, err = dns.New(cfg); err != nil {
		return nil, err
	}
	if l.doh != nil {
		e.doh, err = doh.New(doh.Config{
			Answer:       e.overHTTPS,
			Certificates: cert,
			Logger:       n.log.With("part", "doh"),
		})
	}
	return e, err
}

// newForward returns the resolver for names outside our zones, or nil if there
// is none to ask.
func (n *Node) newForward(l *listeners, metrics prometheus.Registerer) (*forward.Resolver, error) {
	d := &n.cfg.DNS
	if len(d.Forward) == 0 {
		return nil, nil
	}
	cfg := forward.Config{
		CacheBytes: d.ForwardCacheBytes,
		Timeout:    d.ForwardTimeout.Duration,
		Logger:     n.log.With("part", "forward"),
		Registerer: metrics,
	}
	for _, text := range d.Forward {
		addr, _ := upstream(text) // Check has seen to it
		cfg.Upstreams = append(cfg.Upstreams, addr)
	}
	if self, err := netip.ParseAddrPort(l.dns.Addr().String()); err == nil {
		cfg.Self = []netip.AddrPort{self}
	}
	return forward.New(cfg)
}

func (e *dnsEdge) overHTTPS(ctx context.Context, query []byte, from netip.AddrPort, out []byte) []byte {
	return e.server.Handle(ctx, query, from, dns.HTTPS, out)
}

// run serves all listeners until ctx ends. The resolver ends after those who
// ask it.
func (e *dnsEdge) run(ctx context.Context) error {
	if e.forward != nil {
		last, end := context.WithCancel(context.WithoutCancel(ctx))
		var resolver sync.WaitGroup
		resolver.Go(func() { _ = e.forward.Run(last) }) // never fails
		defer resolver.Wait()
		defer end()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return e.server.Serve(ctx, e.listeners.dns) })
	if e.transfers != nil {
		group.Go(func() error { return e.transfers.Run(ctx) })
		group.Go(func() error { return e.notify.Run(ctx) })
	}
	if e.listeners.dot != nil {
		ln := dot.Listen(e.listeners.dot, e.certs)
		group.Go(func() error { return e.server.ServeStream(ctx, ln, dns.TLS) })
	}
	if e.doh != nil {
		group.Go(func() error { return e.doh.Serve(ctx, e.listeners.doh) })
	}
	return group.Wait()
}

// dnsConfigOf is what of the configuration goes to the DNS server as it is.
func dnsConfigOf(c *Config, l *listeners) dns.Config {
	cfg := dns.Config{
		Strict:     c.Compatibility == compatStrict,
		Hostmaster: c.DNS.Hostmaster,
		Hosts:      hostsOf(c, l),
		Region:     c.Region,
		Identity:   c.DNS.Identity,
		LogSample:  c.DNS.QueryLogSample,
	}
	for _, s := range c.DNS.NameServers {
		cfg.NameServers = append(cfg.NameServers, s.Name)
	}
	for _, r := range c.DNS.Regions {
		cfg.Regions = append(cfg.Regions, dns.Region{
			Name: r.Name, CIDRs: prefixesOf(r.CIDRs), Distances: r.Distances,
		})
	}
	if secret, err := hex.DecodeString(string(c.DNS.CookieSecret)); err == nil && len(secret) > 0 {
		cfg.Cookies.Secret = secret
	}
	return cfg
}

// viewsOf tells clients apart.
func viewsOf(c *Config) (*view.Table, error) {
	cfg := view.Config{Trusted: prefixesOf(c.DNS.Trusted)}
	if c.VPCs != nil {
		cfg.VPCs = []view.VPC{}
	}
	for _, v := range c.VPCs {
		cfg.VPCs = append(cfg.VPCs, view.VPC{ID: v.ID, CIDRs: prefixesOf(v.CIDRs)})
	}
	return view.New(cfg)
}

// certificates reads the certificate for the API and for DNS, whose clients need
// none of their own. Both are nil without tls.
func (n *Node) certificates() (api, resolver *certs.Source, err error) {
	t := n.cfg.TLS
	if t.CertFile == "" {
		return nil, nil, nil
	}
	cfg := certs.Config{CertFile: t.CertFile, KeyFile: t.KeyFile, Logger: n.log.With("part", "certificates")}
	resolver, err = certs.Load(cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("tls: %w", err)
	}
	cfg.ClientCAFile, cfg.ClientOptional = t.ClientCAFile, t.ClientOptional
	cfg.Logger = nil // one of the two tells what happens
	if api, err = certs.Load(cfg); err != nil {
		return nil, nil, fmt.Errorf("tls: %w", err)
	}
	n.sources.Store(&[]*certs.Source{api, resolver})
	return api, resolver, nil
}

// renewing keeps the certificates in step with their files.
func (n *Node) renewing(ctx context.Context) error {
	var group errgroup.Group
	for _, s := range *n.sources.Load() {
		group.Go(func() error { return s.Run(ctx) })
	}
	return group.Wait()
}

// renew reads the certificates again now.
func (n *Node) renew() error {
	sources := n.sources.Load()
	if sources == nil {
		return nil
	}
	var errs []error
	for _, s := range *sources {
		errs = append(errs, s.Reload())
	}
	return errors.Join(errs...)
}
