package xfr

import (
	"context"
	"slices"
	"time"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Signer makes the signatures of copies; see sign.Signer.
type Signer interface {
	SignFor(ctx context.Context, set *dnssec.Set, k *dnssec.Key, apex string, p dnssec.Period) ([dnssec.SignatureBytes]byte, error)
}

// All signatures of a copy begin backdated before its day, for clocks that are late,
// and end validity after it begins. A secondary that cannot reach us serves its copy for
// as long as the expire field of the SOA record says, which is 14 days, and resolvers
// have the records for two days more. That is less than validity, even if the copy was
// a day old.
const (
	backdated = time.Hour
	validity  = 21 * 24 * time.Hour
)

// period returns the validity of all signatures of the version.
func (v *version) period() dnssec.Period {
	start := time.Unix(v.day*zone.SecondsPerDay, 0)
	return dnssec.Period{Inception: uint32(start.Add(-backdated).Unix()), Expiration: uint32(start.Add(validity).Unix())}
}

// active returns the key that signs the version: the one that signed when the day
// began, since the contents of a version do not change.
func (v *version) active() *dnssec.Key { return v.zone.Keys.Active(v.day * zone.SecondsPerDay * 1000) }

// keys returns the RRsets of a signed zone that are about its keys: RFC 4034 section 2,
// RFC 7344.
func (v *version) keys() []zone.Copy {
	if !signed(v.zone) {
		return nil
	}
	keys := zone.Copy{Type: dnswire.TypeDNSKEY, TTL: dnssec.KeyTTL}
	for i := range v.zone.Keys {
		data := v.zone.Keys[i].DNSKEY()
		keys.Data = append(keys.Data, data[:])
	}
	active := v.active()
	key, ds := active.DNSKEY(), active.DS(v.zone.Apex)
	return []zone.Copy{
		keys,
		{Type: dnswire.TypeCDS, TTL: dnssec.KeyTTL, Data: [][]byte{ds[:]}},
		{Type: dnswire.TypeCDNSKEY, TTL: dnssec.KeyTTL, Data: [][]byte{key[:]}},
	}
}

// signing writes the records of one signed version.
type signing struct {
	*version
	server *Server
	ctx    context.Context
	period dnssec.Period
	do     func(rr []byte) error
	// name is the last name of the chain, and sets its RRsets, which are written when
	// the next name is known.
	name string
	sets []zone.Copy
	out  records
}

// eachSigned calls do for all records of a signed zone in canonical order, except for
// the SOA record: RFC 4035 section 2.
func (v *version) eachSigned(ctx context.Context, s *Server, do func(rr []byte) error) error {
	var names []string
	_ = v.names(s, func(name string) error { // fails only if the function does
		names = append(names, name)
		return nil
	})
	slices.SortFunc(names, dnssec.CompareNames)
	g := &signing{version: v, server: s, ctx: ctx, period: v.period(), do: do}
	for _, name := range names {
		if err := g.add(name, v.at(s, name)); err != nil {
			return err
		}
	}
	return g.finish(v.zone.Apex)
}

// add takes the next name.
func (g *signing) add(name string, sets []zone.Copy) error {
	if len(sets) == 0 {
		return nil
	}
	if cut := g.cutAbove(name); cut != nil && cut.Apex != name {
		for i := range sets { // glue
			g.out.wire = appendSet(g.out.wire, name, &sets[i])
		}
		return nil
	}
	if g.name != "" {
		if err := g.finish(name); err != nil {
			return err
		}
	}
	g.name, g.sets = name, sets
	return nil
}

// finish writes the name of the chain that is followed by another one.
func (g *signing) finish(next string) error {
	below := g.out.wire // glue below the name
	g.out.wire = nil
	types := []uint16{dnswire.TypeRRSIG, dnswire.TypeNSEC}
	if g.name == g.zone.Apex {
		types = append(types, dnswire.TypeSOA)
		if err := g.sign(g.soaSet()); err != nil {
			return err
		}
	}
	cut := g.cutAbove(g.name) != nil
	for i := range g.sets {
		set := &g.sets[i]
		g.out.wire = appendSet(g.out.wire, g.name, set)
		glue := cut && set.Type != dnswire.TypeDS && set.Type != dnswire.TypeNS
		if !glue {
			types = append(types, set.Type)
		}
		if cut && set.Type != dnswire.TypeDS {
			continue // RFC 4035 section 2.2: not authoritative
		}
		if err := g.sign(set); err != nil {
			return err
		}
	}
	nsec := &zone.Copy{Type: dnswire.TypeNSEC, TTL: g.zone.NegativeTTL(g.server.cfg.Strict), Data: [][]byte{dnssec.AppendChainNSEC(nil, next, types...)}}
	g.out.wire = appendSet(g.out.wire, g.name, nsec)
	if err := g.sign(nsec); err != nil {
		return err
	}
	g.out.wire = append(g.out.wire, below...)
	err := g.out.each(g.do)
	g.out.wire = g.out.wire[:0]
	return err
}

// soaSet returns the RRset of the SOA record.
func (g *signing) soaSet() *zone.Copy {
	soa := g.soa(g.server)
	return &zone.Copy{Type: dnswire.TypeSOA, TTL: soa.ttl, Data: [][]byte{g.server.cfg.Apex.soaData(soa, g.serial)}}
}

// sign appends the RRSIG records of an RRset: those of keys by all keys, so that either
// DS record in the parent will do.
func (g *signing) sign(c *zone.Copy) error {
	set := dnssec.Set{Owner: []byte(g.name), Type: c.Type, TTL: c.TTL}
	for _, data := range c.Data {
		set.Add(slices.Clone(data))
	}
	switch c.Type {
	case dnswire.TypeDNSKEY, dnswire.TypeCDS, dnswire.TypeCDNSKEY:
		for i := range g.zone.Keys {
			if err := g.signBy(&set, &g.zone.Keys[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return g.signBy(&set, g.active())
}

func (g *signing) signBy(set *dnssec.Set, k *dnssec.Key) error {
	value, err := g.server.cfg.Signer.SignFor(g.ctx, set, k, g.zone.Apex, g.period)
	if err != nil {
		return err
	}
	b := appendHead(g.out.wire, g.name, dnswire.TypeRRSIG, set.TTL, dnssec.SignatureLength(g.zone.Apex))
	b = set.AppendSignature(b, g.period, k, g.zone.Apex)
	g.out.wire = append(b, value[:]...)
	return nil
}
