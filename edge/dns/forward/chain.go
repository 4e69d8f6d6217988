package forward

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// maxChain bounds the aliases between the name asked for and its records.
const maxChain = 12

// errChain is an answer whose aliases lead in a circle or too far.
var errChain = errors.New("chain of aliases is too long")

// chain holds the records of an answer section that belong to the question: the
// aliases that begin at its name, and the records at their end. All other records
// are left out.
type chain struct {
	kept  []RR
	end   []byte // the last name, in lower case
	found bool   // it has records of the type in the question
}

// follow collects the chain that begins at q's name, which is in lower case.
func follow(q Question, answer []RR) (chain, error) {
	c := chain{end: q.Name}
	for range maxChain {
		alias := c.step(q, answer)
		if alias == nil {
			return c, nil
		}
		c.end = dnswire.Lowered(alias.Data)
	}
	return c, errChain
}

// step keeps the records of the name at the end, and returns its alias if the
// chain goes on there.
func (c *chain) step(q Question, answer []RR) (alias *RR) {
	for i := range answer {
		rr := &answer[i]
		if rr.Class != q.Class || !wanted(rr.Type, q) {
			continue
		}
		switch {
		case ofDNAME(rr) && !dnswire.EqualName(rr.Name, c.end):
			// The alias was made from it (RFC 6672). Its data is not used.
			if dnswire.IsSubdomain(c.end, rr.Name) {
				c.kept = append(c.kept, *rr)
			}
			continue
		case !dnswire.EqualName(rr.Name, c.end):
			continue
		}
		c.kept = append(c.kept, *rr)
		switch {
		case answers(rr.Type, q):
			c.found = true
		case rr.Type == dnswire.TypeCNAME && alias == nil:
			alias = rr
		}
	}
	if c.found {
		return nil
	}
	return alias
}

// ofDNAME reports whether a record is a DNAME record or the signature of one.
func ofDNAME(rr *RR) bool {
	return rr.Type == dnswire.TypeDNAME || rr.Type == dnswire.TypeRRSIG && len(rr.Data) >= 2 &&
		binary.BigEndian.Uint16(rr.Data) == dnswire.TypeDNAME
}

// answers reports whether records of rrtype answer q.
func answers(rrtype uint16, q Question) bool {
	return rrtype == q.Type || q.Type == dnswire.TypeANY
}

// wanted reports whether records of rrtype can be part of an answer to q.
func wanted(rrtype uint16, q Question) bool {
	switch {
	case answers(rrtype, q), rrtype == dnswire.TypeCNAME, rrtype == dnswire.TypeDNAME:
		return true
	default:
		return rrtype == dnswire.TypeRRSIG && q.DO
	}
}

// proof returns the records of an authority section that prove a negative answer:
// the SOA record of a zone that contains name (RFC 2308 section 3) and, if the
// client asks for it, what DNSSEC adds. ttl is how many seconds the answer may be
// cached.
func proof(q Question, name []byte, authority []RR) (kept []RR, ttl uint32, ok bool) {
	for i := range authority {
		rr := authority[i]
		switch {
		case rr.Class != q.Class:
		case rr.Type == dnswire.TypeSOA && !ok && len(rr.Data) >= 4 && dnswire.IsSubdomain(name, rr.Name):
			// RFC 2308 section 5: the lesser of both, which is also the TTL of
			// the record in the answer.
			minimum := binary.BigEndian.Uint32(rr.Data[len(rr.Data)-4:])
			ttl, ok = min(sane(rr.TTL), sane(minimum)), true
			rr.TTL = ttl
			kept = append(kept, rr)
		case q.DO && dnssec(rr.Type):
			kept = append(kept, rr)
		}
	}
	return kept, ttl, ok
}

func dnssec(rrtype uint16) bool {
	return rrtype == dnswire.TypeRRSIG || rrtype == dnswire.TypeNSEC || rrtype == dnswire.TypeNSEC3
}

// sane returns a TTL as RFC 2181 section 8 defines it: 0 if the top bit is set.
func sane(ttl uint32) uint32 {
	if ttl > maxTTL {
		return 0
	}
	return ttl
}

// bound limits the TTLs of all records to least..most and returns the shortest.
func bound(sections [][]RR, least, most time.Duration) uint32 {
	lo, hi := uint32(least/time.Second), uint32(most/time.Second)
	shortest := hi
	for _, section := range sections {
		for i := range section {
			rr := &section[i]
			rr.TTL = min(max(sane(rr.TTL), lo), hi)
			shortest = min(shortest, rr.TTL)
		}
	}
	return shortest
}
