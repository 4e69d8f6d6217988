package explain

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// dnsName follows a name the way a DNS query goes.
func (e *explanation) dnsName() {
	wire, ok := dnswire.ParseName(e.q.Name)
	if !ok {
		e.Outcome = "FORMERR"
		e.find("%s is not a domain name", e.q.Name)
		return
	}
	name := []byte(wire)
	dnswire.Lower(name)
	e.view()
	r := e.zones.Lookup(&zone.Query{Name: name, Hash: zone.Hash(name), View: e.q.View, Strict: e.q.Strict})
	e.candidates(string(name), r.Zone)
	e.Outcome = r.State.String()
	switch r.State {
	case zone.Refused:
		e.find("the answer is REFUSED, unless names outside our zones are forwarded: the name is in no zone that this client sees")
	case zone.NXDOMAIN:
		e.takeZone(r.Zone)
		e.find("the zone has neither this name nor one below it, so the answer is NXDOMAIN; clients remember it for %s", span(int64(r.Zone.NegativeTTL(e.q.Strict))))
		if ns, ok := e.reg.Namespace(r.Zone.Account, r.Zone.Namespace); ok {
			e.services(ns)
		}
	case zone.Hit:
		e.takeZone(r.Zone)
		e.hit(name, r)
	}
}

func (e *explanation) takeZone(z *zone.Zone) {
	e.Zone = &Zone{Name: z.Name, Namespace: string(z.Namespace), Public: z.Public, VPC: z.VPC}
}

// view says what the client may see.
func (e *explanation) view() {
	switch {
	case e.q.Trusted:
		e.find("client %s is trusted: it sees every zone", e.q.From)
	case e.q.View.AllVPCs:
		e.find("client %s has a private address and no vpcs are configured: it sees every zone", e.q.From)
	case len(e.q.View.VPCs) > 0:
		e.find("client %s is in %s: it sees public zones and those of its VPC", e.q.From, strings.Join(e.q.View.VPCs, ", "))
	default:
		e.find("client %s is in no VPC: it sees public zones only", e.q.From)
	}
}

// candidates lists the zones that the name could be in.
func (e *explanation) candidates(name string, match *zone.Zone) {
	var all []*zone.Zone
	for z := range e.zones.Zones() {
		if name == z.Apex || strings.HasSuffix(name, z.Apex) && endsAtLabel(name, z.Apex) {
			all = append(all, z)
		}
	}
	slices.SortFunc(all, func(a, b *zone.Zone) int { return len(b.Apex) - len(a.Apex) })
	for _, z := range all {
		what := sprintf("zone %s (%s, private to %s)", z.Name, z.Namespace, z.VPC)
		if z.Public {
			what = sprintf("zone %s (%s, public)", z.Name, z.Namespace)
		}
		switch {
		case z == match:
			e.find("%s matches", what)
		case !z.Visible(&e.q.View):
			e.find("%s is not for this client: it is not in VPC %s", what, z.VPC)
			if match != nil {
				continue
			}
			e.hint("to let client %s see %s, list its network under the cidrs of %s in vpcs, or under dns.trusted", e.q.From, z.Name, z.VPC)
		default:
			e.find("%s would match too, but another zone comes first", what)
		}
	}
	if len(all) == 0 {
		e.find("no zone has this name or one above it")
	}
}

// endsAtLabel: the suffix of a name in wire form is one of its parents.
func endsAtLabel(name, suffix string) bool {
	for len(name) > len(suffix) {
		name = name[1+int(name[0]):]
	}
	return name == suffix
}

// hit explains a name that exists.
func (e *explanation) hit(name []byte, r zone.Result) {
	ns, ok := e.reg.Namespace(r.Zone.Account, r.Zone.Namespace)
	if !ok {
		return
	}
	if set := r.Node.Set(); set != nil {
		if svc, ok := e.reg.Service(r.Zone.Account, set.Service); ok {
			e.service(ns, svc, true)
			return
		}
	}
	if host := r.Node.Host(); host != nil {
		e.host(ns, name, host)
		return
	}
	e.Outcome = "NODATA"
	if r.Node.IsApex() {
		e.find("the name is the zone itself, which has SOA and NS records only: no service is named \".\"")
	} else {
		e.find("there is no service of this name, only names below it: the answer is NODATA")
	}
	e.services(ns)
}

// host explains the name that an SRV record points to.
func (e *explanation) host(ns *registry.Namespace, name []byte, h *zone.Host) {
	e.Outcome = "NOERROR"
	e.find("the name is that of instance %s, to which an SRV record points; it answers whatever the instance's health", h.Label[1:])
	if h.Waiting() {
		e.find("the SRV record itself is not answered yet: there is no verdict on the instance's health")
	}
	parent := name[1+int(name[0]):]
	r := e.zones.Lookup(&zone.Query{Name: parent, Hash: zone.Hash(parent), View: e.q.View, Strict: e.q.Strict})
	if r.Node == nil || r.Node.Set() == nil {
		return
	}
	if svc, ok := e.reg.Service(r.Zone.Account, r.Node.Set().Service); ok {
		e.service(ns, svc, true)
	}
}

// services names what is there instead.
func (e *explanation) services(ns *registry.Namespace) {
	const most = 8
	var names []string
	for _, svc := range ns.ServicesNamed("") {
		if len(names) == most {
			names = append(names, "…")
			break
		}
		names = append(names, svc.Name)
	}
	if len(names) == 0 {
		e.hint("namespace %s has no service yet", ns.Name)
		return
	}
	e.hint("namespace %s has these services: %s", ns.Name, strings.Join(names, ", "))
}
