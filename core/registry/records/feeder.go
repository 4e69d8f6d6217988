// Package records turns the DNS namespaces, services and instances of the
// registry into zones and RRsets of core/zone.
//
// It is where core/registry ends and core/zone begins: neither imports the
// other. A Feeder observes a registry.Draft and changes a zone.Draft; it holds no
// state of its own.
package records

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Feeder keeps the zones of a zone.Draft consistent with a registry.Draft. It is for
// the goroutine that uses the drafts.
type Feeder struct {
	draft *zone.Draft
	// last is the editor of the service that changed last: when a State is
	// loaded, instances come in the order of their services.
	last editor
}

var _ registry.Observer = (*Feeder)(nil)

// NewFeeder returns a Feeder that changes d.
func NewFeeder(d *zone.Draft) *Feeder { return &Feeder{draft: d} }

// editor is the zone.Editor of a service.
type editor struct {
	service *registry.Service // only its Account and ID count
	*zone.Editor
}

// ZoneID returns the id of the zone of a namespace.
func ZoneID(ns registry.NamespaceID) zone.ID { return zone.ID(ns) }

// NamespaceChanged stores or deletes the zone of a namespace.
func (f *Feeder) NamespaceChanged(old, new *registry.Namespace) {
	f.last = editor{}
	switch {
	case new == nil:
		f.draft.DeleteZone(ZoneID(old.ID))
	case new.IsDNS():
		f.draft.PutZone(zoneOf(new))
	}
}

func zoneOf(ns *registry.Namespace) zone.Zone {
	z := zone.Zone{
		ID: ZoneID(ns.ID), HostedZone: zone.ID(ns.HostedZoneID), Account: ns.Account, Name: ns.Name,
		Public: ns.Type == registry.DNSPublic, SOATTL: uint32(ns.SOATTL), Keys: ns.Keys,
		Created: ns.CreateDate, Delegated: ns.Delegated,
	}
	if ns.VPC != "" {
		z.VPCs = []string{ns.VPC}
	}
	return z
}

// ServiceChanged defines, changes or deletes the RRsets of a service.
func (f *Feeder) ServiceChanged(ns *registry.Namespace, old, new *registry.Service) {
	f.last = editor{}
	if old != nil && new != nil && sameSpecs(old, new) {
		f.setTTLs(ns, new)
		return
	}
	if old != nil {
		f.deleteService(ns, old)
	}
	if new != nil {
		f.addService(ns, new)
	}
}

// sameSpecs reports whether two versions of a service have the same RRsets and
// differ at most in TTLs. The hosts of SRV records carry the TTL themselves.
func sameSpecs(a, b *registry.Service) bool {
	if a.ID != b.ID || a.DNS == nil || b.DNS == nil || a.DNS.Policy != b.DNS.Policy || a.HasHealth() != b.HasHealth() ||
		len(a.DNS.Records) != len(b.DNS.Records) || a.DNS.Has(registry.RecordSRV) {
		return false
	}
	for i, rec := range a.DNS.Records {
		if b.DNS.Records[i].Type != rec.Type {
			return false
		}
	}
	return true
}

func (f *Feeder) setTTLs(ns *registry.Namespace, svc *registry.Service) {
	if e := f.edit(ns, svc); e != nil && e.Exists() {
		e.SetTTLs(specsOf(ns, svc))
	}
}

func (f *Feeder) addService(ns *registry.Namespace, svc *registry.Service) {
	e := f.edit(ns, svc)
	if e == nil {
		return
	}
	e.Define(string(svc.ID), specsOf(ns, svc))
	for _, inst := range svc.Instances("") {
		m := memberOf(svc, inst)
		e.Replace(nil, &m)
	}
}

func (f *Feeder) deleteService(ns *registry.Namespace, svc *registry.Service) {
	e := f.edit(ns, svc)
	if e == nil || !e.Exists() {
		return
	}
	for _, inst := range svc.Instances("") {
		m := memberOf(svc, inst)
		e.Replace(&m, nil)
	}
	e.Delete()
}

// InstanceChanged adds, changes or removes the records of an instance.
func (f *Feeder) InstanceChanged(ns *registry.Namespace, svc *registry.Service, old, new *registry.Instance) {
	if last := f.last.service; last == nil || last.ID != svc.ID || last.Account != svc.Account {
		f.last = editor{svc, f.edit(ns, svc)}
	}
	if f.last.Editor == nil || !f.last.Exists() {
		return
	}
	var was, is *zone.Member
	if old != nil {
		m := memberOf(svc, old)
		was = &m
	}
	if new != nil {
		m := memberOf(svc, new)
		is = &m
	}
	f.last.Replace(was, is)
}

// edit returns the editor of the name of a service, or nil if the service has no
// records.
func (f *Feeder) edit(ns *registry.Namespace, svc *registry.Service) *zone.Editor {
	if svc.DNS == nil {
		return nil
	}
	name, ok := nameOf(ns, svc)
	if !ok {
		return nil
	}
	return f.draft.Edit(ZoneID(ns.ID), name)
}

// nameOf returns the name of a service in wire form; "." is the namespace itself.
func nameOf(ns *registry.Namespace, svc *registry.Service) (string, bool) {
	b, ok := dnswire.AppendLabels(make([]byte, 0, 64), svc.Name)
	b, ok2 := dnswire.AppendLabels(b, ns.Name)
	b = append(b, 0)
	return string(b), ok && ok2 && len(b) <= dnswire.MaxName
}
