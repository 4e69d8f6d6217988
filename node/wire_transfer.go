package node

import (
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/edge/dns"
	"github.com/cairn-discovery/cairn/edge/dns/notify"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
	"github.com/cairn-discovery/cairn/replica"
)

// wireTransfers gives the DNS server what it needs to hand out zones.
func (n *Node) wireTransfers(e *dnsEdge, cfg *dns.Config, rep *replica.Replica, metrics prometheus.Registerer) error {
	d := &n.cfg.DNS
	named, keys, err := d.tsigKeys()
	if err != nil {
		return err
	}
	cfg.Keys = keys
	if len(d.Transfer) == 0 {
		return nil
	}
	apex, err := dns.ApexOf(cfg)
	if err != nil {
		return err
	}
	secondaries := make([][]netip.AddrPort, len(d.Transfer))
	rules := make([]xfr.Rule, len(d.Transfer))
	var all []netip.AddrPort
	for i := range d.Transfer {
		rules[i], secondaries[i] = d.Transfer[i].rule(named)
		all = append(all, secondaries[i]...)
	}
	e.notify, err = notify.New(notify.Config{
		Source: sourceOf(e.listeners), Logger: n.log.With("part", "notify"), Registerer: metrics,
	}, all)
	if err != nil {
		return err
	}
	e.transfers, err = xfr.New(xfr.Config{
		Source: rep, Rules: rules, Apex: apex, Strict: cfg.Strict,
		Changed: func(c xfr.Change) {
			for _, addr := range secondaries[c.Rule] {
				e.notify.Send(notify.Change{Secondary: addr, Apex: c.Apex, SOA: c.SOA, Key: rules[c.Rule].Key})
			}
		},
		Interval: d.TransferLimits.NotifyInterval.Duration, HistoryBytes: d.TransferLimits.HistoryBytes,
		Transfers: d.TransferLimits.Transfers, Timeout: d.TransferLimits.Timeout.Duration,
		Logger: n.log.With("part", "transfer"), Registerer: metrics,
	})
	cfg.Transfers = e.transfers
	return err
}

// rule is the rule as the server understands it, and the secondaries to notify.
func (t *Transfer) rule(keys map[string]*tsig.Key) (xfr.Rule, []netip.AddrPort) {
	r := xfr.Rule{Zone: t.Zone, VPC: t.VPC, Allow: prefixesOf(t.Allow), Key: keys[t.TSIGKey]}
	var secondaries []netip.AddrPort
	for _, text := range t.Secondaries {
		ap, _ := upstream(text) // Check has seen to it
		addr := ap.Addr().Unmap()
		secondaries = append(secondaries, netip.AddrPortFrom(addr, ap.Port()))
		r.Allow = append(r.Allow, netip.PrefixFrom(addr.WithZone(""), addr.BitLen()))
	}
	return r, secondaries
}

// sourceOf is the address that secondaries know this server by, as far as it
// listens on one only.
func sourceOf(l *listeners) netip.Addr {
	ap, err := netip.ParseAddrPort(l.dns.Addr().String())
	if err != nil || ap.Addr().IsUnspecified() {
		return netip.Addr{}
	}
	return ap.Addr()
}
