package records

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// AttrRegion is the attribute by which the policy LATENCY knows where an instance
// is.
const AttrRegion = "region"

func typeOf(t registry.RecordType) uint16 {
	switch t {
	case registry.RecordA:
		return dnswire.TypeA
	case registry.RecordAAAA:
		return dnswire.TypeAAAA
	case registry.RecordSRV:
		return dnswire.TypeSRV
	case registry.RecordCNAME:
		return dnswire.TypeCNAME
	}
	return 0
}

func policyOf(p registry.RoutingPolicy) zone.Policy {
	switch p {
	case registry.Weighted:
		return zone.Weighted
	case registry.Latency:
		return zone.Latency
	}
	return zone.Multivalue
}

// specsOf returns the RRsets of a service that has records.
func specsOf(ns *registry.Namespace, svc *registry.Service) []zone.Spec {
	specs := make([]zone.Spec, 0, len(svc.DNS.Records))
	for _, rec := range svc.DNS.Records {
		spec := zone.Spec{Type: typeOf(rec.Type), TTL: uint32(rec.TTL), Policy: policyOf(svc.DNS.Policy), Extended: true}
		if rec.Type == registry.RecordSRV {
			spec.Suffix, _ = nameOf(ns, svc)
		}
		specs = append(specs, spec)
	}
	return specs
}

// memberOf returns the member of an instance. It depends on nothing but the instance
// and the settings of the service, so that a member can be removed again.
func memberOf(svc *registry.Service, inst *registry.Instance) zone.Member {
	m := zone.Member{Health: healthOf(svc, inst)}
	weight, port, region := uint8(1), uint16(0), ""
	for k, v := range inst.Attributes().All() {
		switch k {
		case registry.AttrIPv4:
			m.V4, m.HasV4 = parse4(v)
		case registry.AttrIPv6:
			m.V6, m.HasV6 = parse6(v)
		case registry.AttrPort:
			n, _ := strconv.ParseUint(v, 10, 16)
			port = uint16(n)
		case registry.AttrCNAME:
			if rec := targetOf(inst, v); rec != nil && svc.DNS.Has(registry.RecordCNAME) {
				m.Type, m.Record = dnswire.TypeCNAME, rec
			}
		case registry.AttrAliasDNSName:
			m.Alias = targetOf(inst, v)
		case registry.AttrWeight:
			weight = parseWeight(v)
		case AttrRegion:
			region = v
		}
	}
	switch svc.DNS.Policy {
	case registry.Weighted:
		m.Weight = weight
	case registry.Latency:
		m.Region = region
	}
	if svc.DNS.Has(registry.RecordSRV) {
		if rec := srvOf(&m, svc, inst, weight, port); rec != nil {
			m.Type, m.Record = dnswire.TypeSRV, rec
		}
	}
	return m
}

func healthOf(svc *registry.Service, inst *registry.Instance) zone.Health {
	checked := svc.HasHealth()
	switch health := inst.HealthIn(checked); {
	case health == registry.Unhealthy:
		return zone.Down
	case checked && health == registry.Unknown:
		return zone.Pending
	}
	return zone.Up
}

// srvOf returns the SRV record of an instance, with the addresses of its member, or nil
// if its id cannot be part of a host name.
func srvOf(m *zone.Member, svc *registry.Service, inst *registry.Instance, weight uint8, port uint16) *zone.Record {
	var ttl uint32
	for _, rec := range svc.DNS.Records {
		if rec.Type == registry.RecordSRV {
			ttl = uint32(rec.TTL)
		}
	}
	labels, ok := inst.ID().HostLabels()
	if !ok {
		return nil // registration accepts no such id
	}
	data := make([]byte, 0, 6+len(labels))
	data = binary.BigEndian.AppendUint16(data, 1) // priority
	data = binary.BigEndian.AppendUint16(data, uint16(weight))
	data = binary.BigEndian.AppendUint16(data, port)
	data = append(data, labels...)
	return &zone.Record{Data: string(data), Host: zone.NewHost(zone.Host{
		V4: m.V4, HasV4: m.HasV4, V6: m.V6, HasV6: m.HasV6, TTL: ttl, Pending: m.Health == zone.Pending,
	})}
}

func parse4(v string) ([4]byte, bool) {
	addr, err := netip.ParseAddr(v)
	if err != nil || !addr.Is4() {
		return [4]byte{}, false
	}
	return addr.As4(), true
}

func parse6(v string) ([16]byte, bool) {
	addr, err := netip.ParseAddr(v)
	if err != nil || !addr.Is6() {
		return [16]byte{}, false
	}
	return addr.As16(), true
}

// parseWeight reads a weight. The name of the attribute is a common word, so
// where it is not validated its value can be anything.
func parseWeight(v string) uint8 {
	n, err := strconv.ParseUint(v, 10, 8)
	if err != nil {
		return 1
	}
	return uint8(n)
}

// targetOf returns the record with the name of a target, or nil if it is not a
// domain name.
func targetOf(inst *registry.Instance, name string) *zone.Record {
	wire, ok := dnswire.ParseName(name)
	if !ok {
		return nil
	}
	return &zone.Record{ID: strings.Clone(string(inst.ID())), Data: wire}
}
