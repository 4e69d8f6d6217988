package dns

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	rrsig "github.com/cairn-discovery/cairn/edge/dns/sign"
)

// Signatures come to an answer when it is complete: sign takes it apart and adds
// to each section the RRSIG records of its RRsets. What points into the message
// points to the question or into the answer section, and both stay where they
// are.

// SigningSource makes and remembers signatures; see sign.Signer.
type SigningSource interface {
	Now() time.Time
	Cached(rrsig.ID, time.Time) (rrsig.Signature, bool)
	Sign(ctx context.Context, id rrsig.ID, set *dnssec.Set, k *dnssec.Key, apex string) (rrsig.Signature, error)
}

// now is the time that keys and signatures go by.
func (s *Server) now() time.Time {
	if s.cfg.Signer == nil {
		return time.Now()
	}
	return s.cfg.Signer.Now()
}

// signatures is the memory to sign an answer in.
type signatures struct {
	whole []byte // the answer without signatures
	rrs   []signedRR
	sets  []signedSet
	rrsig []byte // the RRSIG records of one section
	names []byte // owners, in lower case
	datas []byte // in canonical form
	work  []byte
}

// signedRR is a record of the answer.
type signedRR struct {
	start, name, end int // of the record; name is where its owner ends
	set              int // index of its RRset; -1: it is left out
}

// signedSet is an RRset of the answer.
type signedSet struct {
	dnssec.Set
	ttl        uint32
	owner      []byte // as it stands in the message
	zone       *zone.Zone
	rrsig, end int // its RRSIG records in signatures.rrsig
	number     uint16
}

// sign adds signatures to an answer. If a.later is set then, one of them is not
// there yet.
func (a *answerer) sign(out []byte) []byte {
	if a.state.sigs == nil {
		a.state.sigs = new(signatures)
	}
	g := a.state.sigs
	g.whole = append(g.whole[:0], out...)
	g.names, g.datas = g.names[:0], g.datas[:0]
	at := a.req.end
	out = out[:at]
	for s, count := range [...]*uint16{&a.answers, &a.authority, &a.extra} {
		var ok bool
		if at, ok = g.read(at, int(*count)); ok {
			ok = a.signSets()
		}
		if !ok {
			return a.unsignable(out)
		}
		if section(s) == arSection {
			out, *count = a.appendAsRoom(out)
		} else {
			out, *count = g.appendAll(out, section(s) == anSection && a.req.qtype == dnswire.TypeRRSIG)
		}
	}
	return out
}

// unsignable is the end of an answer that cannot be signed. Without signatures
// nobody who asked for them would believe it.
func (a *answerer) unsignable(out []byte) []byte {
	a.answers, a.authority, a.extra = 0, 0, 0
	a.rcode, a.aa = rcodeServFail, false
	return out[:a.req.end]
}

// read takes the records of one section apart, from an offset on, and returns
// where it ends.
func (g *signatures) read(at, count int) (int, bool) {
	g.rrs, g.sets, g.rrsig = g.rrs[:0], g.sets[:0], g.rrsig[:0]
	for range count {
		record, ok := dnswire.ParseRecord(g.whole, at)
		rr := signedRR{start: at, name: record.NameEnd(), end: record.End}
		if !ok || !g.add(&rr) {
			return 0, false
		}
		g.rrs = append(g.rrs, rr)
		at = rr.end
	}
	return at, true
}

// add puts a record into its RRset. One that repeats another is left out, where
// nothing can point to it.
func (g *signatures) add(rr *signedRR) bool {
	owner, ok := g.ownerAt(rr.start)
	if !ok {
		return false
	}
	head := g.whole[rr.name:]
	rtype := get16(head)
	rr.set = g.setOf(owner, rtype)
	if rr.set < 0 {
		rr.set = len(g.sets)
		ttl := uint32(get16(head[4:]))<<16 | uint32(get16(head[6:]))
		if cap(g.sets) > len(g.sets) {
			// Its list of data is used again.
			g.sets = g.sets[:len(g.sets)+1]
		} else {
			g.sets = append(g.sets, signedSet{})
		}
		s := &g.sets[rr.set]
		*s = signedSet{Set: dnssec.Set{Owner: owner, Type: rtype, TTL: ttl, Data: s.Data[:0]}, ttl: ttl, owner: g.whole[rr.start:rr.name]}
	}
	data := g.keep(&g.datas, g.whole[rr.name+10:rr.end])
	if !g.sets[rr.set].Add(data) && (rtype == typeA || rtype == typeAAAA) {
		rr.set = -1
	}
	return true
}

// keep copies octets into memory that grows without moving what it gave out.
func (g *signatures) keep(to *[]byte, b []byte) []byte {
	if cap(*to)-len(*to) < len(b) {
		*to = make([]byte, 0, max(2048, 2*cap(*to), len(b)))
	}
	at := len(*to)
	*to = append(*to, b...)
	return (*to)[at:len(*to):len(*to)]
}

func (g *signatures) setOf(owner []byte, rtype uint16) int {
	for i := range g.sets {
		if s := &g.sets[i]; s.Type == rtype && string(s.Owner) == string(owner) {
			return i
		}
	}
	return -1
}

// ownerAt reads a name of the answer that may be compressed.
func (g *signatures) ownerAt(at int) ([]byte, bool) {
	var room [maxName]byte
	name, end := dnswire.AppendFullName(room[:0], g.whole, at)
	dnswire.Lower(name)
	return g.keep(&g.names, name), end >= 0
}

// signSets makes the RRSIG records of a section. It is false if one cannot be
// made, or not yet: a.later says which.
func (a *answerer) signSets() bool {
	g := a.state.sigs
	for i := range g.sets {
		s := &g.sets[i]
		s.rrsig, s.end = len(g.rrsig), len(g.rrsig)
		if s.zone = a.signerOf(s.Owner); s.zone == nil {
			continue
		}
		if a.state.aged && (s.Type == typeA || s.Type == typeAAAA) {
			s.TTL = roundedTTL(s.TTL)
		}
		keys := s.zone.Keys
		if s.Type != dnswire.TypeDNSKEY && s.Type != dnswire.TypeCDS && s.Type != dnswire.TypeCDNSKEY {
			active := keys.Active(a.server.now().UnixMilli())
			if !a.signSet(s, active) {
				return false
			}
			continue
		}
		for j := range keys {
			if !a.signSet(s, &keys[j]) {
				return false
			}
		}
	}
	return true
}

// roundedTTL keeps the TTL that is signed from being another one every second,
// where the records come out of a cache: it may be more than that of the records
// (RFC 4035 section 5.3.3).
func roundedTTL(ttl uint32) uint32 {
	rounded := uint32(1)
	for rounded < ttl && rounded < 1<<31 {
		rounded *= 2
	}
	return rounded
}

// signerOf returns the zone that signs the records of a name, or nil.
func (a *answerer) signerOf(owner []byte) *zone.Zone {
	z := a.state.cut
	if z == nil {
		q := zone.Query{Name: owner, Hash: zone.Hash(owner), View: a.query.View}
		if a.server.hostNamed(owner, q.Hash) != nil {
			return nil // a zone of its own
		}
		z = a.snapshot.Zones.Lookup(&q).Zone
	}
	if z == nil || len(z.Keys) == 0 {
		return nil
	}
	return z
}

// signSet adds one RRSIG record to g.rrsig.
func (a *answerer) signSet(s *signedSet, k *dnssec.Key) bool {
	g, signer := a.state.sigs, a.server.cfg.Signer
	if signer == nil {
		return false
	}
	var id rrsig.ID
	id, g.work = rrsig.Identify(&s.Set, k, g.work)
	sig, ok := signer.Cached(id, signer.Now())
	if !ok {
		if a.ctx == nil {
			a.later = true
			return false
		}
		var err error
		if sig, err = signer.Sign(a.ctx, id, &s.Set, k, s.zone.Apex); err != nil {
			a.server.cfg.Logger.Debug("not signed", "name", dnswire.Text(s.Owner), "type", s.Type, "err", err)
			return false
		}
	}
	b := append(g.rrsig, s.owner...)
	b = add64(b, dnswire.TypeRRSIG<<48|classIN<<32|uint64(s.ttl))
	b = add16(b, uint16(dnssec.SignatureLength(s.zone.Apex)))
	b = s.AppendSignature(b, sig.Period, k, s.zone.Apex)
	g.rrsig = append(b, sig.Value[:]...)
	s.end = len(g.rrsig)
	s.number++
	return true
}

// appendAll adds a section with its signatures, or only those.
func (g *signatures) appendAll(out []byte, signaturesOnly bool) ([]byte, uint16) {
	n := uint16(0)
	for i := range g.rrs {
		if rr := &g.rrs[i]; rr.set >= 0 && !signaturesOnly {
			out = append(out, g.whole[rr.start:rr.end]...)
			n++
		}
	}
	for i := range g.sets {
		n += g.sets[i].number
	}
	return append(out, g.rrsig...), n
}

// appendAsRoom adds those RRsets of the additional section for which there is
// room together with their signatures.
func (a *answerer) appendAsRoom(out []byte) ([]byte, uint16) {
	g, n := a.state.sigs, uint16(0)
	for i := range g.sets {
		s := &g.sets[i]
		at, records := len(out), uint16(0)
		for _, rr := range g.rrs {
			if rr.set == i {
				out = append(out, g.whole[rr.start:rr.end]...)
				records++
			}
		}
		out = append(out, g.rrsig[s.rrsig:s.end]...)
		if len(out) > a.room {
			return out[:at], n
		}
		n += records + s.number
	}
	return out, n
}
