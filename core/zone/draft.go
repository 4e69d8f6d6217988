package zone

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Draft builds the Index that follows another one. The slices of the state feed
// it: with PutZone and DeleteZone, and with an Editor for each name that has
// RRsets. It is for one goroutine.
type Draft struct {
	x      Index
	editor *editor
	copied bool // the draft owns x.zones
}

// NewDraft begins with x, which is not modified.
func NewDraft(x *Index) *Draft {
	return &Draft{x: *x, editor: new(editor)}
}

// Index returns the current state of the draft. It is valid until the next
// change.
func (d *Draft) Index() Index { return d.x }

// PutZone stores a zone in the place of the one with the same ID if there is one.
// That one keeps its names; the name of a zone, its visibility and its account
// never change. Z.Name must be a domain name,
// otherwise nothing is stored; where z.Apex is given, it counts.
func (d *Draft) PutZone(z Zone) {
	if i, ok := d.x.byID.Get(z.ID); ok {
		d.changeZone(i, func(old *Zone) { old.SOATTL, old.SOA, old.Keys, old.Delegated = z.SOATTL, z.SOA, z.Keys, z.Delegated })
		return
	}
	apex, ok := z.Apex, z.Apex != ""
	if !ok {
		apex, ok = dnswire.ParseName(z.Name)
	}
	if !ok {
		return
	}
	z.Name, z.Apex, z.noSubzones, z.contested = strings.TrimSuffix(z.Name, "."), dnswire.Lowered(apex), false, false
	z.wildcards, z.cuts, z.aliases = 0, 0, ptree.Map[string, struct{}]{}
	d.ownZones()
	free := slices.Index(d.x.zones, nil)
	if free < 0 {
		free = len(d.x.zones)
		d.x.zones = append(d.x.zones, nil)
	}
	z.Index = uint32(free)
	d.x.zones[free] = &z
	d.x.byID = d.x.byID.Put(&d.editor.trees, z.ID, z.Index)
	if z.HostedZone != "" {
		d.x.byID = d.x.byID.Put(&d.editor.trees, z.HostedZone, z.Index)
	}
	d.countApex(z.Apex, 1)
	d.countAncestors(&z, 1)
	d.change(&z, z.Apex, func(*Node) {})
	d.updateNoSubzones(z.Apex)
	d.updateContested(z.Apex)
}

// SetVPCs changes the VPCs of a private zone.
func (d *Draft) SetVPCs(id ID, vpcs []string) {
	i, ok := d.x.byID.Get(id)
	if !ok || slices.Equal(d.x.zones[i].VPCs, vpcs) {
		return
	}
	d.countAncestors(d.x.zones[i], -1)
	d.changeZone(i, func(z *Zone) { z.VPCs = vpcs })
	d.countAncestors(d.x.zones[i], 1)
}

// Zone returns the zone with an id, as it is in the draft.
func (d *Draft) Zone(id ID) (*Zone, bool) { return d.x.Zone(id) }

// DeleteZone removes a zone. Its RRsets must have been deleted before.
func (d *Draft) DeleteZone(id ID) {
	i, ok := d.x.byID.Get(id)
	if !ok {
		return
	}
	z := d.x.zones[i]
	d.ownZones()
	d.x.zones[i] = nil
	d.x.byID = d.x.byID.Delete(&d.editor.trees, id)
	if z.HostedZone != "" {
		d.x.byID = d.x.byID.Delete(&d.editor.trees, z.HostedZone)
	}
	d.x.contents = d.x.contents.Delete(&d.editor.trees, i)
	d.countApex(z.Apex, -1)
	d.countAncestors(z, -1)
	d.drop(i, z.Apex)
	d.updateNoSubzones(z.Apex)
	d.updateContested(z.Apex)
}

// ownZones copies the list of zones, once: there are far fewer zones than names,
// and they rarely change.
func (d *Draft) ownZones() {
	if !d.copied {
		d.x.zones, d.copied = slices.Clone(d.x.zones), true
	}
}

func (d *Draft) changeZone(i uint32, change func(*Zone)) {
	d.ownZones()
	z := *d.x.zones[i]
	change(&z)
	d.x.zones[i] = &z
}

func (d *Draft) countApex(apex string, by int) {
	key := reversed(apex)
	n, _ := d.x.apexes.Get(key)
	if n += by; n == 0 {
		d.x.apexes = d.x.apexes.Delete(&d.editor.trees, key)
	} else {
		d.x.apexes = d.x.apexes.Put(&d.editor.trees, key, n)
	}
}

// updateNoSubzones recomputes Zone.noSubzones after a zone of this apex came or
// went: in the zones at this apex and above it.
func (d *Draft) updateNoSubzones(apex string) {
	for name := apex; ; name = dnswire.Parent(name) {
		value := d.hasNoSubzones(name)
		for n := d.x.names.Get(hashOf(name)); n != nil; n = n.next {
			if n.IsApex() && n.Name() == name && d.x.zones[n.zone].noSubzones != value {
				d.changeZone(n.zone, func(z *Zone) { z.noSubzones = value })
			}
		}
		if name == "\x00" {
			return
		}
	}
}

func (d *Draft) hasNoSubzones(apex string) bool {
	key := reversed(apex)
	if n, _ := d.x.apexes.Get(key); n > 1 {
		return false
	}
	for below := range d.x.apexes.After(key) {
		return !strings.HasPrefix(below, key)
	}
	return true
}

// put stores a node in the place of the one with the same zone and name.
func (d *Draft) put(n *Node) {
	hash := hashOf(n.Name())
	d.x.names = d.x.names.Put(&d.editor.names, hash, d.x.names.Get(hash).with(n))
}

func (d *Draft) drop(zone uint32, name string) {
	hash := hashOf(name)
	if chain := d.x.names.Get(hash).without(zone, name); chain != nil {
		d.x.names = d.x.names.Put(&d.editor.names, hash, chain)
	} else {
		d.x.names = d.x.names.Delete(&d.editor.names, hash)
	}
}

// change applies a change to the node of a name, which is created for it, and
// removed when nothing is left in it.
func (d *Draft) change(z *Zone, name string, change func(*Node)) {
	hash := hashOf(name)
	old := d.x.names.Get(hash).in(z.Index, name)
	var n Node
	if old != nil {
		n = *old
	} else {
		n = newNode(z, name)
	}
	d.x.ambiguousHosts -= n.ambiguous()
	change(&n)
	d.x.ambiguousHosts += n.ambiguous()
	if n.hasRecords() || old != nil && old.hasRecords() {
		d.changeContents(z, hash, old, &n)
	}
	switch {
	case !n.empty():
		d.put(&n)
	case old != nil:
		d.drop(z.Index, name)
	}
}

// changeContents puts the node into the contents of its zone if it has records,
// and takes it out if it has none any more.
func (d *Draft) changeContents(z *Zone, hash uint64, old, new *Node) {
	nodes, _ := d.x.contents.Get(z.Index)
	if old == nil || !old.hasRecords() {
		for new.key = hash; nodes.Has(new.key); new.key++ {
		}
	}
	if new.hasRecords() {
		nodes = nodes.Put(&d.editor.trees, new.key, new)
	} else {
		nodes = nodes.Delete(&d.editor.trees, new.key)
	}
	d.x.contents = d.x.contents.Put(&d.editor.trees, z.Index, nodes)
}
