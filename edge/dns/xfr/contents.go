package xfr

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

// version is a zone in one state.
type version struct {
	zones    *zone.Index
	revision uint64 // of the state
	zone     *zone.Zone
	subzones []string // see zone.Index.Subzones
}

// versionOf returns false if the state has no such zone.
func versionOf(st *state.State, id zone.ID) (version, bool) {
	z, ok := st.Zones.Zone(id)
	if !ok {
		return version{}, false
	}
	return version{&st.Zones, st.Revision, z, st.Zones.Subzones(z)}, true
}

// soa returns the parts of the zone's SOA record that differ from zone to zone.
func (v *version) soa(s *Server) soaOf {
	return soaOf{v.zone.Apex, v.zone.SOATTL, v.zone.Minimum(s.cfg.Strict)}
}

// same reports whether the zone is known not to have changed between two versions.
func (v *version) same(w *version) bool {
	return v.zone == w.zone && zone.SameNames(v.zones, w.zones, v.zone) && slices.Equal(v.subzones, w.subzones)
}

// hidden reports whether the records of a name do not belong into the zone: they are
// in another zone below it, or the server answers the name itself.
func (v *version) hidden(s *Server, name string) bool {
	for _, subzone := range v.subzones {
		if dnswire.IsSubdomain(name, subzone) {
			return true
		}
	}
	return s.cfg.Apex.isHost(name)
}

// fixed appends the records that do not come from services: the name servers of the
// zone and of the zones below it, and the hosts. The SOA record is not included.
func (v *version) fixed(s *Server, b []byte) []byte {
	b = s.cfg.Apex.appendNS(b, v.zone.Apex)
	for _, subzone := range v.subzones {
		b = s.cfg.Apex.appendNS(b, subzone)
	}
	s.cfg.Apex.hostsIn(v.zone.Apex, func(h *Host) { b = h.append(b) })
	return b
}

// each calls do for all records except the SOA record.
func (v *version) each(s *Server, do func(rr []byte) error) error {
	var some records
	some.wire = v.fixed(s, nil)
	if err := some.each(do); err != nil {
		return err
	}
	for n := range v.zones.Names(v.zone) {
		some.wire = v.append(s, some.wire[:0], n)
		if err := some.each(do); err != nil {
			return err
		}
	}
	return nil
}

// append appends the records of a name, if there are any.
func (v *version) append(s *Server, b []byte, n *zone.Node) []byte {
	if n == nil || n.Set() == nil && n.Host() == nil || v.hidden(s, n.Name()) {
		return b
	}
	name := n.Name()
	for _, set := range n.All(s.cfg.Strict) {
		if set.Type == dnswire.TypeCNAME && n.IsApex() {
			continue // a CNAME record cannot be beside the SOA record
		}
		for _, data := range set.Data {
			b = appendHead(b, name, set.Type, set.TTL, len(data))
			b = append(b, data...)
		}
	}
	return b
}

// named returns the records of a name.
func (v *version) named(s *Server, name string) []byte {
	return v.append(s, nil, v.zones.Node(v.zone, name))
}

// difference returns the records of v that w does not have, and those that w has and
// v does not. Its cost depends on what has changed, not on the size of the zone.
func (v *version) difference(s *Server, w *version) (removed, added records) {
	if !slices.Equal(v.subzones, w.subzones) {
		compare(v.all(s), w.all(s), &removed, &added)
		return removed, added
	}
	for _, name := range zone.ChangedNames(v.zones, w.zones, v.zone) {
		compare(list(v.named(s, name)), list(w.named(s, name)), &removed, &added)
	}
	return removed, added
}

func (v *version) all(s *Server) [][]byte {
	var wire []byte
	_ = v.each(s, func(rr []byte) error { // fails only if do does
		wire = append(wire, rr...)
		return nil
	})
	return list(wire)
}
