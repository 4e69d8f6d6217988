package node

import (
	"net/netip"

	"github.com/cairn-discovery/cairn/edge/dns"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/edge/dns/notify"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
	"github.com/cairn-discovery/cairn/node/config"
)

// wireTransfers gives the DNS server what it needs to transfer zones.
func (w *wiring) wireTransfers(e *dnsEdge, cfg *dns.Config) error {
	d := &w.cfg.DNS
	byName, keys, err := d.Keys()
	if err != nil {
		return err
	}
	cfg.Keys = keys
	if len(d.Transfer) == 0 {
		return nil
	}
	apex, err := answer.ApexOf(&cfg.Config)
	if err != nil {
		return err
	}
	secondaries := make([][]netip.AddrPort, len(d.Transfer))
	rules := make([]xfr.Rule, len(d.Transfer))
	var all []netip.AddrPort
	for i := range d.Transfer {
		rules[i], secondaries[i] = transferRule(&d.Transfer[i], byName)
		all = append(all, secondaries[i]...)
	}
	e.notify, err = notify.New(notify.Config{
		Source: sourceOf(e.listeners), Logger: w.log.With("part", "notify"), Registerer: w.metrics,
	}, all)
	if err != nil {
		return err
	}
	e.transfers, err = xfr.New(xfr.Config{
		Source: w.rep, Rules: rules, Apex: apex, Strict: cfg.Strict,
		Changed: func(c xfr.Change) {
			for _, addr := range secondaries[c.Rule] {
				e.notify.Send(notify.Change{Secondary: addr, Apex: c.Apex, SOA: c.SOA, Key: rules[c.Rule].Key})
			}
		},
		Interval: d.TransferLimits.NotifyInterval.Duration, HistoryBytes: d.TransferLimits.HistoryBytes,
		Transfers: d.TransferLimits.Transfers, Timeout: d.TransferLimits.Timeout.Duration,
		Logger: w.log.With("part", "transfer"), Registerer: w.metrics,
	})
	cfg.Transfers = e.transfers
	return err
}

// transferRule returns the rule as the server takes it, and the secondaries to
// notify.
func transferRule(t *config.Transfer, keys map[string]*tsig.Key) (xfr.Rule, []netip.AddrPort) {
	r := xfr.Rule{Zone: t.Zone, VPC: t.VPC, Allow: config.Prefixes(t.Allow), Key: keys[t.TSIGKey]}
	var secondaries []netip.AddrPort
	for _, text := range t.Secondaries {
		ap, _ := config.Upstream(text) // Check has made sure of it
		addr := ap.Addr().Unmap()
		secondaries = append(secondaries, netip.AddrPortFrom(addr, ap.Port()))
		r.Allow = append(r.Allow, netip.PrefixFrom(addr.WithZone(""), addr.BitLen()))
	}
	return r, secondaries
}

// sourceOf returns the address from which secondaries expect messages: that of
// the DNS listener, or none if it is on all addresses.
func sourceOf(l *listeners) netip.Addr {
	ap, err := netip.ParseAddrPort(l.dns.Addr().String())
	if err != nil || ap.Addr().IsUnspecified() {
		return netip.Addr{}
	}
	return ap.Addr()
}
