package explain

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// maxChain is how many names of a chain are explained: as many as an answer follows.
const maxChain = 8

// aliases says where the CNAME records and aliases lead that an answer may have. It does
// not know what upstream resolvers say.
func (e *explanation) aliases(svc *registry.Service) {
	targets, cname := e.targets(svc)
	start, ok := dnswire.ParseName(e.q.Name)
	if !ok || len(targets) == 0 || e.Outcome != "NOERROR" {
		return
	}
	outcome := ""
	for _, t := range targets[:min(len(targets), maxChain)] {
		outcome = e.chain(dnswire.Lowered(start), t, cname)
	}
	if outcome != "" && len(targets) == 1 && !e.hasAddresses(svc) {
		e.Outcome = outcome
	}
}

// targets returns the names that instances in the answer lead to, each once.
func (e *explanation) targets(svc *registry.Service) (targets []string, cname bool) {
	attr := registry.AttrAliasDNSName
	if cname = svc.DNS.Has(registry.RecordCNAME); cname {
		attr = registry.AttrCNAME
	}
	i := 0
	for _, inst := range svc.Instances("") {
		if name, ok := inst.Attributes().Get(attr); ok && e.Instances[i].InDNS && !slices.Contains(targets, name) {
			targets = append(targets, name)
		}
		i++
	}
	return targets, cname
}

// hasAddresses reports whether an answer may have an address of an instance itself.
func (e *explanation) hasAddresses(svc *registry.Service) bool {
	i := 0
	for _, inst := range svc.Instances("") {
		if _, alias := inst.Attributes().Get(registry.AttrAliasDNSName); e.Instances[i].InDNS && !alias {
			return !svc.DNS.Has(registry.RecordCNAME)
		}
		i++
	}
	return false
}

// chain follows a target. It returns the outcome of the answer, or "" if that stays as
// it is.
func (e *explanation) chain(start, target string, cname bool) (outcome string) {
	what := "the alias leads"
	if cname {
		what = "the CNAME record leads"
	}
	seen := []string{start}
	for range maxChain {
		wire, ok := dnswire.ParseName(target)
		if !ok {
			return ""
		}
		name := []byte(dnswire.Lowered(wire))
		if slices.Contains(seen, string(name)) {
			e.find("%s back to %s: it is a loop", what, target)
			e.hint("change the target of an instance on the way: the name has no address")
			if cname {
				return ""
			}
			return "SERVFAIL"
		}
		seen = append(seen, string(name))
		r := e.zones.Lookup(&zone.Query{Name: name, Hash: zone.Hash(name), View: e.q.View, Strict: e.q.Strict, Fixed: e.q.Fixed})
		switch {
		case r.State == zone.Refused:
			by := "the resolvers of dns.forward are asked"
			if cname {
				by = "the resolvers of dns.forward are asked for trusted clients and those in a VPC, others resolve it themselves"
			}
			e.find("%s to %s, which is in no zone that this client sees: %s", what, target, by)
			return ""
		case r.State == zone.NXDOMAIN:
			e.find("%s to %s, which does not exist in zone %s", what, target, r.Zone.Name)
			return map[bool]string{true: "NXDOMAIN", false: "NODATA"}[cname]
		}
		next, addresses := e.next(r)
		if addresses || len(next) != 1 {
			e.find("%s to %s, which is answered here: see \"cairn explain %s\"", what, target, target)
			return ""
		}
		what, target = what+" to "+target+", and on", next[0]
	}
	e.find("%s to %s: the chain is too long", what, target)
	return ""
}

// next returns where the records of a name lead on to, and whether it has others.
func (e *explanation) next(r zone.Result) (targets []string, addresses bool) {
	set := r.Node.Set()
	if set == nil || r.Fixed {
		return nil, true
	}
	svc, ok := e.serviceOf(r.Zone, set)
	if !ok {
		return nil, true
	}
	for _, inst := range svc.Instances("") {
		attributes := inst.Attributes()
		if name, ok := attributes.Get(registry.AttrCNAME); ok && svc.DNS.Has(registry.RecordCNAME) {
			targets = append(targets, name)
		} else if name, ok := attributes.Get(registry.AttrAliasDNSName); ok {
			targets = append(targets, name)
		} else {
			addresses = true
		}
	}
	return targets, addresses
}
