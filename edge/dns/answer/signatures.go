package answer

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	rrsig "github.com/cairn-discovery/cairn/edge/dns/sign"
)

// Signatures are added when an answer is complete: sign reads the RRsets that were
// recorded while it was written and adds to each section their RRSIG records. All
// pointers in the message point to the question or into the answer section, and
// both keep their offsets.

// SigningSource makes and caches signatures; see sign.Signer.
type SigningSource interface {
	Now() time.Time
	Cached(rrsig.ID, time.Time) (rrsig.Signature, bool)
	Sign(ctx context.Context, id rrsig.ID, set *dnssec.Set, k *dnssec.Key, apex string) (rrsig.Signature, error)
}

// rrset is an RRset of the answer, or a part of one, as it was written.
type rrset struct {
	section         section
	start, ownerLen int // offset of the first record, length of the owner in each
	count           int
}

// signer is the memory to sign an answer in.
type signer struct {
	rrsets []rrset   // of all sections, in order
	few    zone.Rand // see seedPicker

	unsigned []byte // the answer without signatures
	rrs      []signedRR
	sets     []signedSet
	rrsig    []byte // the RRSIG records of one section
	names    []byte // owners, in lower case
	datas    []byte // in canonical form
	work     []byte
}

// signedRR is a record of the answer.
type signedRR struct {
	start, end int
	set        int // index of its RRset; -1: it is left out
}

// signedSet is an RRset of the answer.
type signedSet struct {
	dnssec.Set
	ttl        uint32
	owner      []byte // as it is in the message
	zone       *zone.Zone
	rrsig, end int // its RRSIG records in signer.rrsig
	number     uint16
}

// sign adds signatures to an answer. If a.needsWait is set then, one of them is
// not there yet.
func (a *Answerer) sign() {
	g := &a.signer
	g.unsigned = append(g.unsigned[:0], a.out...)
	g.names, g.datas = g.names[:0], g.datas[:0]
	a.out = a.out[:a.req.end]
	rest := g.rrsets
	for s := range sections {
		n := 0
		for n < len(rest) && rest[n].section == s {
			n++
		}
		if !g.read(rest[:n]) || !a.signSets() {
			a.signFailed()
			return
		}
		rest = rest[n:]
		if s == additionalSection {
			a.appendAdditional()
		} else {
			a.appendSection(s, s == answerSection && a.req.qtype == dnswire.TypeRRSIG)
		}
	}
}

// signFailed ends an answer that cannot be signed. Clients that asked for
// signatures would not believe it without.
func (a *Answerer) signFailed() {
	a.out = a.out[:a.req.end]
	a.counts = [sections]uint16{}
	a.rcode, a.aa = dnswire.RcodeServFail, false
}

// read reads the records of one section.
func (g *signer) read(rrsets []rrset) bool {
	g.rrs, g.sets, g.rrsig = g.rrs[:0], g.sets[:0], g.rrsig[:0]
	for i := range rrsets {
		if !g.add(&rrsets[i]) {
			return false
		}
	}
	return true
}

// add reads the records of an RRset. One that repeats another is left out, where
// nothing can point to it.
func (g *signer) add(r *rrset) bool {
	set, ok := g.setFor(r)
	if !ok {
		return false
	}
	at := r.start
	for range r.count {
		fixed := at + r.ownerLen
		rr := signedRR{start: at, end: fixed + dnswire.FixedLen + int(get16(g.unsigned[fixed+8:])), set: set}
		s := &g.sets[set]
		if data := keep(&g.datas, g.unsigned[fixed+dnswire.FixedLen:rr.end]); !s.Add(data) &&
			(s.Type == dnswire.TypeA || s.Type == dnswire.TypeAAAA) {
			rr.set = -1
		}
		g.rrs = append(g.rrs, rr)
		at = rr.end
	}
	return true
}

// setFor returns the index of the set that an RRset belongs to, which it makes if
// there is none. It is false if the owner cannot be read.
func (g *signer) setFor(r *rrset) (int, bool) {
	var room [maxName]byte
	owner, end := dnswire.AppendFullName(room[:0], g.unsigned, r.start)
	dnswire.Lower(owner)
	fixed := g.unsigned[r.start+r.ownerLen:]
	rtype := get16(fixed)
	for i := range g.sets {
		if s := &g.sets[i]; s.Type == rtype && string(s.Owner) == string(owner) {
			return i, end >= 0
		}
	}
	ttl := uint32(get16(fixed[4:]))<<16 | uint32(get16(fixed[6:]))
	n := len(g.sets)
	if cap(g.sets) > n {
		g.sets = g.sets[:n+1] // its list of data is used again
	} else {
		g.sets = append(g.sets, signedSet{})
	}
	s := &g.sets[n]
	*s = signedSet{
		Set:   dnssec.Set{Owner: keep(&g.names, owner), Type: rtype, TTL: ttl, Data: s.Data[:0]},
		ttl:   ttl,
		owner: g.unsigned[r.start : r.start+r.ownerLen],
	}
	return n, end >= 0
}

// keep appends b to the arena *to and returns the stored slice. Slices that were
// returned earlier remain valid.
func keep(to *[]byte, b []byte) []byte {
	if cap(*to)-len(*to) < len(b) {
		*to = make([]byte, 0, max(2048, 2*cap(*to), len(b)))
	}
	at := len(*to)
	*to = append(*to, b...)
	return (*to)[at:len(*to):len(*to)]
}

// signSets makes the RRSIG records of a section. It returns false if one cannot be
// made, or with a.needsWait set if it is not there yet.
func (a *Answerer) signSets() bool {
	g := &a.signer
	for i := range g.sets {
		s := &g.sets[i]
		s.rrsig, s.end = len(g.rrsig), len(g.rrsig)
		if s.zone = a.signerOf(s.Owner); s.zone == nil {
			continue
		}
		if a.aged && (s.Type == dnswire.TypeA || s.Type == dnswire.TypeAAAA) {
			s.TTL = roundedTTL(s.TTL)
		}
		keys := s.zone.Keys
		if s.Type != dnswire.TypeDNSKEY && s.Type != dnswire.TypeCDS && s.Type != dnswire.TypeCDNSKEY {
			active := keys.Active(a.now().UnixMilli())
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

// roundedTTL returns a TTL to sign for records from a cache, so that it does not
// change every second: it may be greater than that of the records (RFC 4035
// section 5.3.3).
func roundedTTL(ttl uint32) uint32 {
	rounded := uint32(1)
	for rounded < ttl && rounded < 1<<31 {
		rounded *= 2
	}
	return rounded
}

// signerOf returns the zone that signs the records of a name, or nil.
func (a *Answerer) signerOf(owner []byte) *zone.Zone {
	z := a.cut
	if z == nil {
		q := zone.Query{Name: owner, Hash: zone.Hash(owner), View: a.query.View, Fixed: a.fixed}
		z = a.snapshot.Zones.Lookup(&q).Zone
	}
	if z == nil || len(z.Keys) == 0 {
		return nil
	}
	return z
}

// signSet adds one RRSIG record to g.rrsig.
func (a *Answerer) signSet(s *signedSet, k *dnssec.Key) bool {
	g, signer := &a.signer, a.cfg.Signer
	if signer == nil {
		return false
	}
	var id rrsig.ID
	id, g.work = rrsig.Identify(&s.Set, k, g.work)
	sig, ok := signer.Cached(id, signer.Now())
	if !ok {
		if a.ctx == nil {
			a.needsWait = true
			return false
		}
		var err error
		if sig, err = signer.Sign(a.ctx, id, &s.Set, k, s.zone.Apex); err != nil {
			a.cfg.Logger.Debug("not signed", "name", dnswire.Text(s.Owner), "type", s.Type, "err", err)
			return false
		}
	}
	b := append(g.rrsig, s.owner...)
	b = add64(b, dnswire.TypeRRSIG<<48|dnswire.ClassIN<<32|uint64(s.ttl))
	b = add16(b, uint16(dnssec.SignatureLength(s.zone.Apex)))
	b = s.AppendSignature(b, sig.Period, k, s.zone.Apex)
	g.rrsig = append(b, sig.Value[:]...)
	s.end = len(g.rrsig)
	s.number++
	return true
}

// appendSection adds the records of a section with their signatures, or only
// these.
func (a *Answerer) appendSection(s section, signaturesOnly bool) {
	g, n := &a.signer, uint16(0)
	for i := range g.rrs {
		if rr := &g.rrs[i]; rr.set >= 0 && !signaturesOnly {
			a.out = append(a.out, g.unsigned[rr.start:rr.end]...)
			n++
		}
	}
	for i := range g.sets {
		n += g.sets[i].number
	}
	a.out = append(a.out, g.rrsig...)
	a.counts[s] = n
}

// appendAdditional adds those RRsets of the additional section for which there is
// room together with their signatures.
func (a *Answerer) appendAdditional() {
	g, n := &a.signer, uint16(0)
	for i := range g.sets {
		s := &g.sets[i]
		at, records := len(a.out), uint16(0)
		for _, rr := range g.rrs {
			if rr.set == i {
				a.out = append(a.out, g.unsigned[rr.start:rr.end]...)
				records++
			}
		}
		a.out = append(a.out, g.rrsig[s.rrsig:s.end]...)
		if len(a.out) > a.room {
			a.out = a.out[:at]
			break
		}
		n += records + s.number
	}
	a.counts[additionalSection] = n
}
