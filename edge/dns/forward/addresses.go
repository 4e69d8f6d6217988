package forward

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"
)

// Addresses is what a name resolves to.
type Addresses struct {
	// Addrs are the addresses; none with an Rcode, or when the name has none.
	Addrs []netip.Addr
	// TTL is for how many seconds all of this holds, the aliases on the way
	// included.
	TTL uint32
	// Rcode is the response code: NXDOMAIN if there is no such name, SERVFAIL
	// if nobody knows.
	Rcode uint16
}

// ResolveAddrs resolves a name, in wire form, to its addresses of one type, A or
// AAAA, along its aliases. It is for aliases out of our zones, such as
// AWS_ALIAS_DNS_NAME. Errors are those of Resolve.
func (r *Resolver) ResolveAddrs(ctx context.Context, name []byte, qtype uint16) (Addresses, error) {
	if qtype != dns.TypeA && qtype != dns.TypeAAAA {
		return Addresses{}, ErrQuestion
	}
	resp, err := r.Resolve(ctx, Question{Name: name, Type: qtype, Class: dns.ClassINET})
	if err != nil {
		return Addresses{}, err
	}
	found := Addresses{TTL: resp.MinTTL(), Rcode: resp.Rcode}
	for i := range resp.Answer {
		if rr := &resp.Answer[i]; rr.Type == qtype {
			addr, _ := netip.AddrFromSlice(rr.Data)
			found.Addrs = append(found.Addrs, addr)
		}
	}
	return found, nil
}
