package forward

import (
	"context"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// fetch resolves a question through the upstreams, which normally return whole
// chains of aliases. If an answer says nothing about the last name of its chain,
// fetch asks for that name too.
//
// It returns nil if no upstream gave a useful answer.
func (r *Resolver) fetch(ctx context.Context, q Question) *entry {
	var before []RR
	for hop := q; len(before) < maxChain; {
		m := r.ask(ctx, hop)
		if m == nil {
			return nil
		}
		c, err := follow(hop, m.answer)
		if err != nil {
			return nil
		}
		before = append(before, c.kept...)
		e := r.conclude(hop, m, c, before)
		if e != nil {
			return e
		}
		hop.Name = c.end
	}
	return nil
}

// conclude returns the cache entry for an answer, or nil if the answer does not
// contain the end of the chain of aliases.
func (r *Resolver) conclude(q Question, m *message, c chain, answer []RR) *entry {
	proof, negativeTTL, proven := proof(q, c.end, m.authority)
	if !c.found && !proven && m.rcode == dnswire.RcodeNoError && len(c.kept) > 0 {
		return nil
	}
	e := &entry{resp: Response{
		Rcode:         m.rcode,
		AuthenticData: m.flags&dnswire.FlagAD != 0,
		Answer:        answer,
	}}
	switch {
	case c.found && m.rcode == dnswire.RcodeNoError:
		if q.DO {
			e.resp.Authority = withoutSOA(proof) // of a wildcard's expansion
		}
		e.ttl = bound([][]RR{answer, e.resp.Authority}, r.cfg.MinTTL, r.cfg.MaxTTL)
	default:
		e.resp.Authority = proof
		ttl := bound([][]RR{answer, proof}, 0, r.cfg.MaxNegativeTTL)
		if proven { // RFC 2308 section 5: not cached without an SOA record
			e.ttl = min(ttl, negativeTTL)
		}
	}
	return e
}

func withoutSOA(rrs []RR) []RR {
	var kept []RR
	for _, rr := range rrs {
		if rr.Type != dnswire.TypeSOA {
			kept = append(kept, rr)
		}
	}
	return kept
}

// ask asks the upstreams one after the other. Those that do not answer are asked
// again in further rounds. It returns nil if none gave a useful answer.
func (r *Resolver) ask(ctx context.Context, q Question) *message {
	candidates := inOrder(r.upstreams)
	for round := range maxRounds {
		var silent []*upstream
		for _, u := range candidates {
			m, err := r.askOne(ctx, u, q, round)
			if err == nil && helpful(m, q) {
				return m
			}
			if ctx.Err() != nil {
				return nil
			}
			// An upstream that answered would give the same answer again.
			if err != nil {
				silent = append(silent, u)
			}
		}
		candidates = silent
	}
	return nil
}

// maxRounds is how often each upstream is asked before the question fails.
const maxRounds = 3

// helpful reports whether an answer is final. After a failure, another upstream may
// succeed; a referral or an answer to another question comes from a server that is
// not a recursive resolver.
func helpful(m *message, q Question) bool {
	switch m.rcode {
	case dnswire.RcodeNXDomain:
		return true
	case dnswire.RcodeNoError:
	default:
		return false
	}
	c, err := follow(q, m.answer)
	if err != nil {
		return false
	}
	if c.found || len(c.kept) > 0 {
		return true
	}
	_, _, proven := proof(q, c.end, m.authority)
	return proven || len(m.answer) == 0 && !refers(m.authority)
}

func refers(authority []RR) bool {
	for i := range authority {
		if authority[i].Type == dnswire.TypeNS {
			return true
		}
	}
	return false
}
