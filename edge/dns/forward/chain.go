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

// chain is what of an answer section belongs to the question: the aliases from
// its name on and the records at their end. Everything else, which nobody asked
// for, is left out.
type chain struct {
	kept  []RR
	end   []byte // the name at the end
	found bool   // there are records of the type asked for
}

// follow walks along the chain from q's name, which is in lower case.
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
			// It explains the alias that was made from it (RFC 6672). What it
			// says is not used.
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

// ofDNAME says whether a record is a DNAME or signs one.
func ofDNAME(rr *RR) bool {
	return rr.Type == dnswire.TypeDNAME || rr.Type == dnswire.TypeRRSIG && len(rr.Data) >= 2 &&
		binary.BigEndian.Uint16(rr.Data) == dnswire.TypeDNAME
}

// answers says whether records of rrtype answer q.
func answers(rrtype uint16, q Question) bool {
	return rrtype == q.Type || q.Type == dnswire.TypeANY
}

// wanted says whether records of rrtype may stand in an answer to q.
func wanted(rrtype uint16, q Question) bool {
	switch {
	case answers(rrtype, q), rrtype == dnswire.TypeCNAME, rrtype == dnswire.TypeDNAME:
		return true
	default:
		return rrtype == dnswire.TypeRRSIG && q.DO
	}
}

// proof is what of an authority section says that there are no such records:
// the SOA record of a zone that name is in (RFC 2308 section 3), and for who
// wants it what DNSSEC adds. It returns also for how many seconds that holds.
func proof(q Question, name []byte, authority []RR) (kept []RR, ttl uint32, ok bool) {
	for i := range authority {
		rr := authority[i]
		switch {
		case rr.Class != q.Class:
		case rr.Type == dnswire.TypeSOA && !ok && len(rr.Data) >= 4 && dnswire.IsSubdomain(name, rr.Name):
			// RFC 2308 section 5: the least of both, and the record is given
			// out with that.
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

// sane is a TTL with its meaning by RFC 2181 section 8.
func sane(ttl uint32) uint32 {
	if ttl > maxTTL {
		return 0
	}
	return ttl
}

// bound puts all records' TTLs between the bounds and returns the least.
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
