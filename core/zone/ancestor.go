package zone

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// ancestor is a name above the apexes of zones. Where such a zone is visible, the
// name exists, even if nothing else makes it exist: RFC 8020, RFC 4592 section
// 2.2.2. It is immutable.
type ancestor struct {
	name string
	// views counts the zones below by who sees them: viewPublic, viewAny, or the id
	// of a VPC.
	views ptree.Map[string, int]
	next  *ancestor // has the same hash
}

// Keys of ancestor.views that are not the id of a VPC.
const (
	viewPublic = "\x00public"
	viewAny    = "\x00any"
)

// viewKeys calls do with the keys under which a zone is counted.
func (z *Zone) viewKeys(do func(string)) {
	do(viewAny)
	if z.Public {
		do(viewPublic)
	}
	for _, vpc := range z.VPCs {
		do(vpc)
	}
}

// visible reports whether a client sees one of the zones below.
func (a *ancestor) visible(v *View) bool {
	if v.AllVPCs {
		return a.views.Has(viewAny)
	}
	if a.views.Has(viewPublic) {
		return true
	}
	for _, vpc := range v.VPCs {
		if a.views.Has(vpc) {
			return true
		}
	}
	return false
}

// hasZoneBelow reports whether a client sees a zone below a name.
func (x *Index) hasZoneBelow(name []byte, hash uint64, v *View) bool {
	for a := x.ancestors.Get(hash); a != nil; a = a.next {
		if a.name == string(name) {
			return a.visible(v)
		}
	}
	return false
}

// countAncestors adds to the counts of all names above the apex of a zone.
func (d *Draft) countAncestors(z *Zone, by int) {
	for name := z.Apex; name != "\x00"; {
		name = dnswire.Parent(name)
		hash := hashOf(name)
		var chain *ancestor
		next := &ancestor{name: name}
		for a := d.x.ancestors.Get(hash); a != nil; a = a.next {
			if a.name == name {
				next.views = a.views
				continue
			}
			c := *a
			c.next = chain
			chain = &c
		}
		z.viewKeys(func(key string) {
			n, _ := next.views.Get(key)
			if n += by; n == 0 {
				next.views = next.views.Delete(&d.editor.trees, key)
			} else {
				next.views = next.views.Put(&d.editor.trees, key, n)
			}
		})
		if next.views.Len() > 0 {
			next.next = chain
			chain = next
		}
		if chain != nil {
			d.x.ancestors = d.x.ancestors.Put(&d.editor.names, hash, chain)
		} else {
			d.x.ancestors = d.x.ancestors.Delete(&d.editor.names, hash)
		}
	}
}
