package xfr

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

// version is a zone at one time.
type version struct {
	zones  *zone.Index
	serial uint64 // see zone.Serial
	day    int64  // of the signatures; see zone.Day
	zone   *zone.Zone
	cuts   []*zone.Zone // the zones below; see zone.Index.Subzones
}

// versionOf returns the version of a zone at a time in seconds since 1970. It returns
// false if the state has no such zone.
func versionOf(st *state.State, id zone.ID, seconds int64) (version, bool) {
	z, ok := st.Zones.Zone(id)
	if !ok {
		return version{}, false
	}
	return version{&st.Zones, zone.Serial(st.Revision, seconds), zone.Day(seconds), z, st.Zones.Subzones(z)}, true
}

// soa returns the parts of the zone's SOA record that differ from zone to zone.
func (v *version) soa(s *Server) soaOf {
	return soaOf{v.zone.Apex, v.zone.SOA, v.zone.SOATTL, v.zone.Minimum(s.cfg.Strict)}
}

// same reports whether the zone is known not to have changed between two versions.
func (v *version) same(w *version) bool {
	return v.zone == w.zone && zone.SameNames(v.zones, w.zones, v.zone) && zone.SameTargets(v.zones, w.zones, v.zone) && sameCuts(v.cuts, w.cuts) &&
		(!signed(v.zone) || v.day == w.day)
}

func sameCuts(a, b []*zone.Zone) bool {
	return slices.EqualFunc(a, b, func(a, b *zone.Zone) bool { return a.Apex == b.Apex && slices.Equal(a.Keys, b.Keys) })
}

// cutAbove returns the zone below this one that a name is in, or nil.
func (v *version) cutAbove(name string) *zone.Zone {
	for _, cut := range v.cuts {
		if dnswire.IsSubdomain(name, cut.Apex) {
			return cut
		}
	}
	return nil
}

// at returns the RRsets of a name except for the SOA record. There are none of most
// names in zones below.
func (v *version) at(s *Server, name string) []zone.Copy {
	apex := &s.cfg.Apex
	fixed := apex.Fixed.Node(v.zone, name)
	if cut := v.cutAbove(name); cut != nil {
		return v.atCut(s, cut, name, fixed)
	}
	var all []zone.Copy
	switch n := v.zones.Node(v.zone, name); {
	case fixed != nil:
		all = fixed.All(v.zones, s.cfg.Strict)
	case n != nil:
		all = n.All(v.zones, s.cfg.Strict)
	}
	if name != v.zone.Apex {
		return all
	}
	// A CNAME record cannot be beside the SOA record.
	all = slices.DeleteFunc(all, func(c zone.Copy) bool { return c.Type == dnswire.TypeCNAME || c.Type == dnswire.TypeSOA })
	if !slices.ContainsFunc(all, func(c zone.Copy) bool { return c.Type == dnswire.TypeNS }) {
		all = append(all, apex.ns())
	}
	return append(all, v.keys()...)
}

// atCut returns the RRsets that this zone has of a name in a zone below: the
// delegation, and addresses of name servers.
func (v *version) atCut(s *Server, cut *zone.Zone, name string, fixed *zone.Node) []zone.Copy {
	var all []zone.Copy
	if name == cut.Apex {
		all = append(all, s.cfg.Apex.ns())
		if len(cut.Keys) > 0 {
			ds := zone.Copy{Type: dnswire.TypeDS, TTL: dnssec.KeyTTL}
			for i := range cut.Keys {
				data := cut.Keys[i].DS(cut.Apex)
				ds.Data = append(ds.Data, data[:])
			}
			all = append(all, ds)
		}
	}
	if fixed != nil && s.cfg.Apex.isServer(name) {
		all = append(all, fixed.All(v.zones, s.cfg.Strict)...)
	}
	return all
}

// special returns the names whose records do not come from services alone, in
// canonical order: the apex, the zones below, and the names that the configuration
// sets.
func (v *version) special(s *Server) []string {
	names := []string{v.zone.Apex}
	for _, cut := range v.cuts {
		names = append(names, cut.Apex)
	}
	for n := range s.cfg.Apex.Fixed.In(v.zone) {
		names = append(names, n.Name())
	}
	slices.SortFunc(names, dnssec.CompareNames)
	return slices.Compact(names)
}

// names calls yield with every name of the zone, once, until it returns an error.
func (v *version) names(s *Server, yield func(name string) error) error {
	special := v.special(s)
	for _, name := range special {
		if err := yield(name); err != nil {
			return err
		}
	}
	for n := range v.zones.Names(v.zone) {
		name := n.Name()
		if _, found := slices.BinarySearchFunc(special, name, dnssec.CompareNames); found {
			continue
		}
		if err := yield(name); err != nil {
			return err
		}
	}
	return nil
}

// each calls do for all records of a zone that is not signed, except for the SOA
// record.
func (v *version) each(s *Server, do func(rr []byte) error) error {
	var some records
	return v.names(s, func(name string) error {
		some.wire = v.append(s, some.wire[:0], name)
		return some.each(do)
	})
}

// append appends the records of a name, if there are any.
func (v *version) append(s *Server, b []byte, name string) []byte {
	for _, set := range v.at(s, name) {
		b = appendSet(b, name, &set)
	}
	return b
}

// appendSet appends the records of an RRset.
func appendSet(b []byte, name string, set *zone.Copy) []byte {
	for _, data := range set.Data {
		b = appendHead(b, name, set.Type, set.TTL, len(data))
		b = append(b, data...)
	}
	return b
}

// difference returns the records of v that w does not have, and those that w has and
// v does not, without signatures. Its cost depends on what has changed and on the number
// of aliases, not on the size of the zone.
func (v *version) difference(s *Server, w *version) (removed, added records) {
	if !sameCuts(v.cuts, w.cuts) {
		compare(v.all(s), w.all(s), &removed, &added)
		return removed, added
	}
	names := zone.ChangedNames(v.zones, w.zones, v.zone)
	for _, z := range []*zone.Zone{v.zone, w.zone} {
		names = slices.AppendSeq(names, z.AliasNames()) // their targets may have changed
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		compare(list(v.append(s, nil, name)), list(w.append(s, nil, name)), &removed, &added)
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
