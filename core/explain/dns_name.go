package explain

import (
	"net/netip"
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
	r := e.zones.Lookup(&zone.Query{Name: name, Hash: zone.Hash(name), View: e.q.View, Strict: e.q.Strict, Fixed: e.q.Fixed})
	e.candidates(string(name), r.Zone)
	e.Outcome = r.State.String()
	switch r.State {
	case zone.Refused:
		e.find("the answer is REFUSED, unless names outside our zones are forwarded: the name is in no zone that this client sees")
	case zone.NXDOMAIN:
		e.takeZone(r.Zone)
		if r.Zone.Fixed {
			e.find("%s is a name of dns.api_names or dns.name_servers, and there are no names below it", r.Zone.Name)
		}
		e.find("the zone has neither this name nor one below it, so the answer is NXDOMAIN; clients remember it for %s", span(int64(r.Zone.NegativeTTL(e.q.Strict))))
		if ns, ok := e.namespace(r.Zone); ok {
			e.services(ns)
		}
	case zone.Referral:
		e.takeZone(r.Zone)
		e.referral(r)
	case zone.Hit:
		e.takeZone(r.Zone)
		if r.Fixed {
			e.fixed(name, r)
			return
		}
		e.hit(name, r)
	}
}

// fixed explains a name that the configuration sets.
func (e *explanation) fixed(name []byte, r zone.Result) {
	e.Outcome = "NOERROR"
	var addrs []string
	for _, rrs := range r.Node.All(e.zones, e.q.Strict) {
		for _, data := range rrs.Data {
			addr, _ := netip.AddrFromSlice(data)
			addrs = append(addrs, addr.String())
		}
	}
	e.find("the name is one of dns.api_names or dns.name_servers: the answer is %s for %s", strings.Join(addrs, ", "), span(zone.FixedTTL))
	if n := e.zones.Node(r.Zone, string(name)); n != nil && n.Set() != nil {
		if svc, ok := e.serviceOf(r.Zone, n.Set()); ok {
			e.hint("service %s (%s) has this name too; only DiscoverInstances finds it. Give it another name", svc.Name, svc.ID)
		}
	}
}

func (e *explanation) takeZone(z *zone.Zone) {
	e.Zone = &Zone{Name: z.Name, Public: z.Public, VPC: vpcsOf(z)}
	if _, ok := e.namespace(z); ok && !z.Fixed {
		e.Zone.Namespace = string(z.ID)
	}
}

func vpcsOf(z *zone.Zone) string { return strings.Join(z.VPCs, ", ") }

// namespace returns the namespace that a zone is of.
func (e *explanation) namespace(z *zone.Zone) (*registry.Namespace, bool) {
	return e.reg.Namespace(z.Account, registry.NamespaceID(z.ID))
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
		what := sprintf("zone %s (%s, private to %s)", z.Name, z.ID, vpcsOf(z))
		if z.Public {
			what = sprintf("zone %s (%s, public)", z.Name, z.ID)
		}
		switch {
		case z == match:
			e.find("%s matches", what)
		case !z.Visible(&e.q.View):
			e.find("%s is not for this client: it is not in VPC %s", what, vpcsOf(z))
			if match != nil {
				continue
			}
			e.hint("to let client %s see %s, list its network under the cidrs of %s in vpcs, or under dns.trusted", e.q.From, z.Name, vpcsOf(z))
		default:
			e.find("%s would match too, but another zone comes first", what)
		}
	}
	if len(all) == 0 {
		e.find("no zone has this name or one above it")
	}
}

// endsAtLabel reports whether the suffix of a name in wire form is one of its parents.
func endsAtLabel(name, suffix string) bool {
	for len(name) > len(suffix) {
		name = dnswire.Parent(name)
	}
	return name == suffix
}

// hit explains a name that exists.
func (e *explanation) hit(name []byte, r zone.Result) {
	ns, ok := e.namespace(r.Zone)
	if !ok {
		if e.groups(r) {
			return
		}
		e.Outcome = "NODATA"
		return
	}
	if set := r.Node.Set(); set != nil {
		if svc, ok := e.serviceOf(r.Zone, set); ok {
			e.service(ns, svc, true)
			return
		}
	}
	if host := r.Node.Host(); host != nil {
		e.host(ns, r.Zone, string(name), host)
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
func (e *explanation) host(ns *registry.Namespace, z *zone.Zone, name string, h *zone.Host) {
	svc, ids := e.hostOf(z, name)
	if svc == nil {
		return
	}
	e.Outcome = "NOERROR"
	if len(ids) == 1 {
		e.find("the name is that of instance %s, to which an SRV record points; it answers whatever the instance's health", ids[0])
	} else {
		e.find("the name is that of instances %s, to which SRV records point; it answers with the addresses of all, whatever their health", strings.Join(ids, ", "))
	}
	if h.Pending {
		e.find("the SRV record itself is not answered yet: there is no verdict on the instance's health")
	}
	e.service(ns, svc, true)
}

// hostOf returns the service and the instances that a host is of.
func (e *explanation) hostOf(z *zone.Zone, name string) (svc *registry.Service, ids []string) {
	for above := dnswire.Parent(name); len(above) >= len(z.Apex); above = dnswire.Parent(above) {
		n := e.zones.Node(z, above)
		if n == nil || n.Set() == nil {
			continue
		}
		svc, ok := e.serviceOf(z, n.Set())
		if !ok || !svc.DNS.Has(registry.RecordSRV) {
			continue
		}
		for id := range svc.Instances("") {
			if labels, _ := id.HostLabels(); strings.EqualFold(labels+above, name) {
				ids = append(ids, string(id))
			}
		}
		if len(ids) > 0 {
			return svc, ids
		}
	}
	return nil, nil
}

// serviceOf returns the service that RRsets are of.
func (e *explanation) serviceOf(z *zone.Zone, s *zone.Set) (*registry.Service, bool) {
	return e.reg.Service(z.Account, registry.ServiceID(s.Source))
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
