package zone

import "github.com/cairn-discovery/cairn/core/dnswire"

// Zones of several accounts can claim one name: those that existed before the registry
// refused such claims, those of different VPCs, and those that an operator delegated. This
// file decides for each client which of them answers:
//
//   - A zone in a VPC of the client that belongs to the account of the zone alone
//     precedes others. Among the rest, the older precedes the younger: in a VPC that
//     several accounts may use, a private zone must not take the name of a public one
//     from clients of its account.
//   - An account that has a name by this order has everything below it. A zone of
//     another account below it is not answered, unless it precedes the zone above,
//     or was delegated.
//   - Zones of one account do not exclude each other: the most specific one
//     answers, and of one name the private one.

// precedes reports whether z takes precedence over a zone of another account.
func (z *Zone) precedes(other *Zone, v *View) bool {
	if a, b := v.inOwnVPCOf(z), v.inOwnVPCOf(other); a != b {
		return a
	}
	if z.Created != other.Created {
		return z.Created < other.Created
	}
	return z.ID < other.ID
}

// excludes reports whether z, which is answered at its apex, keeps a zone at the
// same or a lower name from being answered.
func (z *Zone) excludes(other *Zone, v *View) bool {
	return z.Account != other.Account && !other.Delegated && z.precedes(other, v)
}

// owners are the zones that are answered at a name and above it, from the root
// down.
type owners struct {
	zones [dnswire.MaxName / 2]*Zone
	n     int
}

func (o *owners) last() *Zone {
	if o.n == 0 {
		return nil
	}
	return o.zones[o.n-1]
}

func (o *owners) excludes(z *Zone, v *View) bool {
	for _, above := range o.zones[:o.n] {
		if above.excludes(z, v) {
			return true
		}
	}
	return false
}

// owner returns the zone that a name belongs to for a client, or nil, where zones
// of several accounts may claim it.
func (x *Index) owner(name []byte, v *View) *Zone {
	var labels [dnswire.MaxName / 2]uint8
	n := 0
	for at := 0; name[at] != 0; at += 1 + int(name[at]) {
		labels[n] = uint8(at)
		n++
	}
	var o owners
	if z := x.ownerAt(name[len(name)-1:], &o, v); z != nil {
		o.zones[o.n], o.n = z, o.n+1
	}
	for i := n - 1; i >= 0; i-- {
		if z := x.ownerAt(name[labels[i]:], &o, v); z != nil {
			o.zones[o.n], o.n = z, o.n+1
		}
	}
	return o.last()
}

// ownerAt returns the zone that is answered at exactly this name, or nil.
func (x *Index) ownerAt(name []byte, above *owners, v *View) *Zone {
	head := x.names.Get(Hash(name))
	visible := func(n *Node) *Zone {
		if n.IsApex() && n.is(name) {
			if z := x.zones[n.zone]; z.Visible(v) && !above.excludes(z, v) {
				return z
			}
		}
		return nil
	}
	var first *Zone // by precedence: its account has the name
	for n := head; n != nil; n = n.next {
		if z := visible(n); z != nil && (first == nil || z.precedes(first, v)) {
			first = z
		}
	}
	if first == nil {
		return nil
	}
	best := first
	for n := head; n != nil; n = n.next {
		if z := visible(n); z != nil && z.Account == first.Account && z.before(best, v) {
			best = z
		}
	}
	return best
}

// updateContested recomputes Zone.contested of the zones at and below an apex after
// a zone came or went there.
func (d *Draft) updateContested(apex string) {
	key := reversed(apex)
	d.recheck(apex)
	for below := range d.x.apexes.After(key) {
		if len(below) < len(key) || below[:len(key)] != key {
			return
		}
		d.recheck(reversed(below+"\x00") + "\x00")
	}
}

// recheck recomputes Zone.contested of the zones of one apex.
func (d *Draft) recheck(apex string) {
	for n := d.x.names.Get(hashOf(apex)); n != nil; n = n.next {
		if !n.IsApex() || n.Name() != apex {
			continue
		}
		contested := d.contested(d.x.zones[n.zone])
		if d.x.zones[n.zone].contested != contested {
			d.changeZone(n.zone, func(z *Zone) { z.contested = contested })
		}
	}
}

// contested reports whether another account has a zone at the apex of z or above
// it.
func (d *Draft) contested(z *Zone) bool {
	for name := z.Apex; ; name = dnswire.Parent(name) {
		for n := d.x.names.Get(hashOf(name)); n != nil; n = n.next {
			if n.IsApex() && n.Name() == name && d.x.zones[n.zone].Account != z.Account {
				return true
			}
		}
		if name == "\x00" {
			return false
		}
	}
}
