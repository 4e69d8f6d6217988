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

// transfers are the parts of the configuration about zone transfers, which a reload
// changes. Keys and rules belong together: a rule names its key by pointer.
type transfers struct {
	keys        tsig.Keys
	rules       []xfr.Rule
	secondaries []netip.AddrPort
	updates     []config.Update
}

// newTransfers reads the secrets of the keys too.
func newTransfers(d *config.DNS) (*transfers, error) {
	byName, keys, err := d.Keys()
	if err != nil {
		return nil, err
	}
	t := &transfers{keys: keys, updates: d.Update}
	for i := range d.Transfer {
		rule := transferRule(&d.Transfer[i], byName)
		t.rules = append(t.rules, rule)
		t.secondaries = append(t.secondaries, rule.Secondaries...)
	}
	return t, nil
}

// transferRule returns a rule as the server takes it.
func transferRule(t *config.Transfer, keys map[string]*tsig.Key) xfr.Rule {
	r := xfr.Rule{Zone: t.Zone, VPC: t.VPC, Allow: config.Prefixes(t.Allow), Key: keys[t.TSIGKey]}
	for _, text := range t.Secondaries {
		ap, _ := config.Upstream(text) // Check has checked it
		addr := ap.Addr().Unmap()
		r.Secondaries = append(r.Secondaries, netip.AddrPortFrom(addr, ap.Port()))
		r.Allow = append(r.Allow, netip.PrefixFrom(addr.WithZone(""), addr.BitLen()))
	}
	return r
}

// wireTransfers gives the DNS server what it needs to transfer zones.
func (w *wiring) wireTransfers(e *dnsEdge, cfg *dns.Config, signer xfr.Signer) error {
	d := &w.cfg.DNS
	t, err := newTransfers(d)
	if err != nil {
		return err
	}
	w.transfers.Store(t)
	cfg.Keys = func() tsig.Keys { return w.transfers.Load().keys }
	cfg.Updates = &updater{w.rep, func() []config.Update { return w.transfers.Load().updates }}
	apex, err := answer.ApexOf(&cfg.Config)
	if err != nil {
		return err
	}
	e.notify, err = notify.New(notify.Config{
		Source: sourceOf(e.listeners), Logger: w.log.With("part", "notify"), Registerer: w.metrics,
	}, t.secondaries)
	if err != nil {
		return err
	}
	e.transfers, err = xfr.New(xfr.Config{
		Source: w.rep, Rules: t.rules, Apex: apex, Strict: cfg.Strict, Signer: signer,
		Changed: func(c xfr.Change) {
			for _, addr := range c.Rule.Secondaries {
				e.notify.Send(notify.Change{Secondary: addr, Apex: c.Apex, SOA: c.SOA, Key: c.Rule.Key})
			}
		},
		Interval: d.TransferLimits.NotifyInterval.Duration, HistoryBytes: d.TransferLimits.HistoryBytes,
		Transfers: d.TransferLimits.Transfers, Timeout: d.TransferLimits.Timeout.Duration,
		Logger: w.log.With("part", "transfer"), Registerer: w.metrics,
	})
	cfg.Transfers = e.transfers
	w.dns.Store(e)
	return err
}

// setTransfers makes the transfers of a reload the current ones.
func (n *Node) setTransfers(t *transfers) error {
	n.transfers.Store(t)
	e := n.dns.Load()
	if e == nil {
		return nil // the node does not run yet
	}
	// First the secondaries: the rules send to them.
	e.notify.SetSecondaries(t.secondaries)
	return e.transfers.SetRules(t.rules)
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
