package explain

import (
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// rotation finds out which instances DNS may answer with, by the rules of
// core/zone: each record type has a choice of its own, so that one may fail open
// while another does not. It returns how many there are in all.
//
// e.Instances are those of the service, in its order.
func (e *explanation) rotation(svc *registry.Service) int {
	var insts []*registry.Instance
	for _, inst := range svc.Instances("") {
		insts = append(insts, inst)
	}
	for _, rec := range svc.DNS.Records {
		e.choose(svc, insts, rec.Type)
	}
	n := 0
	for i := range e.Instances {
		out := &e.Instances[i]
		if out.InDNS {
			n++
		} else if problem := e.absence(svc, insts[i]); out.healthy && problem != "" {
			out.Reasons = append(out.Reasons, problem)
		}
		if out.failsOpen {
			out.Reasons = append(out.Reasons, "in DNS all the same: no instance is healthy, and DNS fails open")
		}
	}
	return n
}

// choose marks the instances of which an answer may have records of a type.
func (e *explanation) choose(svc *registry.Service, insts []*registry.Instance, t registry.RecordType) {
	of := func(wanted func(*Instance) bool) (chosen []int) {
		for i, inst := range insts {
			if hasRecord(inst, t) && wanted(&e.Instances[i]) {
				chosen = append(chosen, i)
			}
		}
		return chosen
	}
	chosen := of(func(i *Instance) bool { return i.healthy })
	opens := len(chosen) == 0
	if opens {
		chosen = of(func(i *Instance) bool { return i.Health == registry.Unhealthy.String() })
	}
	if svc.DNS.Policy == registry.Weighted && !e.q.Strict {
		chosen = heavy(insts, chosen)
	}
	for _, i := range chosen {
		e.Instances[i].InDNS = true
		e.Instances[i].failsOpen = e.Instances[i].failsOpen || opens
		e.Service.FailsOpen = e.Service.FailsOpen || opens
	}
}

// heavy leaves out those of weight 0, unless that is all there are.
func heavy(insts []*registry.Instance, chosen []int) []int {
	var some []int
	for _, i := range chosen {
		if !weightless(insts[i]) {
			some = append(some, i)
		}
	}
	if len(some) == 0 {
		return chosen
	}
	return some
}

func weightless(inst *registry.Instance) bool {
	w, ok := inst.Attributes().Get(registry.AttrWeight)
	return ok && w == "0"
}

// hasRecord reports whether a record of a type can be made from an instance.
func hasRecord(inst *registry.Instance, t registry.RecordType) bool {
	has := func(key string) bool { _, ok := inst.Attributes().Get(key); return ok }
	switch t {
	case registry.RecordA:
		return has(registry.AttrIPv4) || has(registry.AttrAliasDNSName)
	case registry.RecordAAAA:
		return has(registry.AttrIPv6) || has(registry.AttrAliasDNSName)
	case registry.RecordCNAME:
		return has(registry.AttrCNAME)
	}
	return true
}

// absence says why DNS does not answer with an instance although it is healthy.
func (e *explanation) absence(svc *registry.Service, inst *registry.Instance) string {
	for _, rec := range svc.DNS.Records {
		if hasRecord(inst, rec.Type) && weightless(inst) {
			return "its weight is 0, so it is answered only while all others have 0 too or are out"
		}
		if hasRecord(inst, rec.Type) {
			return ""
		}
	}
	switch svc.DNS.Records[0].Type {
	case registry.RecordA:
		return "it has no IPv4 address for an A record"
	case registry.RecordAAAA:
		return "it has no IPv6 address for an AAAA record"
	}
	return "it has no AWS_INSTANCE_CNAME for a CNAME record"
}

// policy says which of the instances an answer holds.
func (e *explanation) policy(svc *registry.Service, n int) {
	switch {
	case e.Service.FailsOpen:
		e.find("no instance is healthy: DNS fails open and answers with unhealthy ones")
		e.hint("DiscoverInstances gives none for HEALTHY, and all for HEALTHY_OR_ELSE_ALL")
	case svc.InstanceCount() == 0:
		e.find("no instance is registered")
	case n == 0 && svc.HealthCheck != nil:
		e.find("there is no verdict on any instance yet, and without one none is answered")
	}
	switch svc.DNS.Policy {
	case registry.Multivalue:
		if n > zone.MaxAnswer {
			e.find("MULTIVALUE: an answer holds %d of %d instances, chosen at random", zone.MaxAnswer, n)
		} else {
			e.find("MULTIVALUE: an answer holds all instances that are in: %d", n)
		}
	case registry.Weighted:
		e.find("WEIGHTED: an answer holds one instance, chosen by weight from those that are in: %d", n)
	case registry.Latency:
		e.find("LATENCY: an answer holds instances of the region nearest to the client that has any of those that are in: %d", n)
	}
	if n == 0 {
		e.Outcome = "NODATA"
		e.find("there is nothing to answer with: the answer is NODATA")
	}
}
