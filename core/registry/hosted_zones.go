package registry

import (
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/domain"
)

// hostedZones is the slice of the hosted zones of Route 53, which imports this package.
type hostedZones interface {
	// PrivateZone returns the id of a hosted zone of a name in a VPC.
	PrivateZone(name, vpc string) (id string, ok bool)
	// Claims yields the names of all hosted zones.
	Claims() iter.Seq[domain.Zone]
	// Forget returns the changes that remove what belongs to the zone of a namespace.
	Forget(zone string) []command.Change
}

// noHostedZones is used in states without that slice.
type noHostedZones struct{}

func (noHostedZones) PrivateZone(string, string) (string, bool) { return "", false }
func (noHostedZones) Claims() iter.Seq[domain.Zone]             { return func(func(domain.Zone) bool) {} }
func (noHostedZones) Forget(string) []command.Change            { return nil }

// hostedZonesOf returns the hosted zones of a view.
func hostedZonesOf(v command.View) hostedZones {
	if s, _ := v.Slice("hostedzone"); s != nil {
		if h, ok := s.(hostedZones); ok {
			return h
		}
	}
	return noHostedZones{}
}

// allZones yields the zones of namespaces and the hosted zones, for core/domain.
func (s *State) allZones(h hostedZones) iter.Seq[domain.Zone] {
	return func(yield func(domain.Zone) bool) {
		for z := range s.zones() {
			if !yield(z) {
				return
			}
		}
		for z := range h.Claims() {
			if !yield(z) {
				return
			}
		}
	}
}
