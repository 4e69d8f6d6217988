// Package records turns the record sets of hosted zones into zones and RRsets of
// core/zone. It is where core/hostedzone ends and core/zone begins.
package records

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Feeder keeps the zones of a zone.Draft consistent with a hostedzone.Draft. It is for the
// goroutine that uses the drafts.
type Feeder struct {
	sets  *hostedzone.Draft
	zones *zone.Draft
}

var _ hostedzone.Observer = (*Feeder)(nil)

// NewFeeder returns a Feeder that changes zones.
func NewFeeder(sets *hostedzone.Draft, zones *zone.Draft) *Feeder { return &Feeder{sets, zones} }

// zoneID returns the id of the zone of a hosted zone.
func zoneID(id hostedzone.ID) zone.ID { return zone.ID(id) }

// ZoneChanged stores or deletes a zone.
func (f *Feeder) ZoneChanged(old, now *hostedzone.HostedZone) {
	if now == nil {
		f.zones.DeleteZone(zoneID(old.ID))
		return
	}
	f.put(now)
	if now.Private {
		f.zones.SetVPCs(zoneID(now.ID), vpcIDs(now.VPCs))
	}
}

// put stores a zone with its SOA record, if that is known already.
func (f *Feeder) put(z *hostedzone.HostedZone) {
	next := zone.Zone{
		ID: zoneID(z.ID), Account: z.Account, Name: dnswire.Text(z.Apex), Apex: z.Apex, Public: !z.Private,
		SOATTL: defaultSOATTL, Keys: z.Keys(), Created: z.Created, Delegated: z.Delegated,
	}
	if z.Private {
		next.VPCs = vpcIDs(z.VPCs)
	}
	if soa, ok := f.sets.State().Sets(z.ID).Get(z.Apex, dnswire.TypeSOA, ""); ok {
		next.SOATTL, next.SOA = uint32(soa.TTL), soa.Data()[0]
	}
	if old, ok := f.zones.Zone(next.ID); ok && old.SOATTL == next.SOATTL && old.SOA == next.SOA && old.Delegated == next.Delegated &&
		slices.Equal(old.Keys, next.Keys) {
		return // the DNS does not have it
	}
	f.zones.PutZone(next)
}

// defaultSOATTL is the TTL of the SOA record of a new zone, before its record set is known.
const defaultSOATTL = 900

func vpcIDs(vpcs []hostedzone.VPC) []string {
	ids := make([]string, len(vpcs))
	for i, v := range vpcs {
		ids[i] = v.ID
	}
	return ids
}

// GroupChanged stores the record sets of a name and type.
func (f *Feeder) GroupChanged(z *hostedzone.HostedZone, name string, rtype uint16) {
	if rtype == dnswire.TypeSOA {
		f.put(z)
		return
	}
	if e := f.zones.Edit(zoneID(z.ID), name); e != nil {
		e.PutGroup(rtype, f.group(z, name, rtype))
	}
}

// group returns the group of a name and type, or nil if there are no record sets.
func (f *Feeder) group(z *hostedzone.HostedZone, name string, rtype uint16) *zone.Group {
	g := &zone.Group{Type: rtype}
	for s := range f.sets.State().Sets(z.ID).Group(name, rtype) {
		g.Routing = routingOf(s)
		g.Sets = append(g.Sets, setOf(z, s))
	}
	if len(g.Sets) == 0 {
		return nil
	}
	return g
}

func routingOf(s *hostedzone.RecordSet) zone.Routing {
	switch {
	case s.Weight != nil:
		return zone.WeightedSets
	case s.Region != "":
		return zone.LatencySets
	case s.Failover != "":
		return zone.Failover
	case s.MultiValue != nil:
		return zone.MultivalueSets
	case s.Geo != nil:
		return zone.Geolocation
	}
	return zone.Simple
}

func setOf(z *hostedzone.HostedZone, s *hostedzone.RecordSet) *zone.RecordSet {
	out := &zone.RecordSet{
		ID: s.SetID, TTL: uint32(s.TTL), Data: s.Data(), Check: s.Check, Region: s.Region, Secondary: s.Failover == hostedzone.Secondary,
	}
	if s.Weight != nil {
		out.Weight = uint8(*s.Weight)
	}
	if g := s.Geo; g != nil {
		out.Location = zone.Location{Continent: g.Continent, Country: g.Country, Subdivision: g.Subdivision}
	}
	if a := s.Alias; a != nil {
		out.Data = nil
		out.Alias = &zone.Alias{Name: a.Name, Zone: zoneID(a.Zone), Account: z.Account, Evaluate: a.Evaluate}
	}
	return out
}

// CheckChanged stores in the zones the verdict of a health check.
func (f *Feeder) CheckChanged(id string, down bool) { f.zones.SetDown(id, down) }

// VPCsAdded changes the VPCs of the zone of a namespace: its own is the first.
func (f *Feeder) VPCsAdded(id hostedzone.ID, vpcs []hostedzone.VPC) {
	z, ok := f.zones.Zone(zoneID(id))
	if !ok || len(z.VPCs) == 0 {
		return
	}
	f.zones.SetVPCs(z.ID, append([]string{z.VPCs[0]}, vpcIDs(vpcs)...))
}
