package view

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// rules is a checked configuration with its prefixes in canonical form.
type rules struct {
	trusted []netip.Prefix
	private []netip.Prefix            // sources that see every VPC
	vpcs    map[netip.Prefix][]string // CIDR → sorted ids
}

func rulesOf(cfg Config) (*rules, error) {
	r := &rules{vpcs: map[netip.Prefix][]string{}}
	for _, p := range cfg.Trusted {
		c, err := canonical(p)
		if err != nil {
			return nil, fmt.Errorf("trusted: %w", err)
		}
		r.trusted = append(r.trusted, c)
	}
	if cfg.VPCs == nil {
		r.private = privateSources()
	}
	seen := map[string]bool{}
	for _, v := range cfg.VPCs {
		if v.ID == "" {
			return nil, errors.New("a VPC has no id")
		}
		if seen[v.ID] {
			return nil, fmt.Errorf("VPC %s is listed twice", v.ID)
		}
		seen[v.ID] = true
		if err := r.addVPC(v); err != nil {
			return nil, fmt.Errorf("VPC %s: %w", v.ID, err)
		}
	}
	return r, nil
}

func (r *rules) addVPC(v VPC) error {
	for _, p := range v.CIDRs {
		c, err := canonical(p)
		if err != nil {
			return err
		}
		ids := r.vpcs[c]
		if at, known := slices.BinarySearch(ids, v.ID); !known {
			r.vpcs[c] = slices.Insert(ids, at, v.ID)
		}
	}
	return nil
}

// canonical masks a prefix and turns IPv4 mapped into IPv6 into IPv4, the only
// form in which such addresses are looked up.
func canonical(p netip.Prefix) (netip.Prefix, error) {
	if !p.IsValid() {
		return p, errors.New("a CIDR is not valid")
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("CIDR %v cuts through the addresses that stand for IPv4", p)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// prefixes returns every prefix that makes a difference.
func (r *rules) prefixes() []netip.Prefix {
	all := slices.Concat(r.trusted, r.private)
	for p := range r.vpcs {
		all = append(all, p)
	}
	return all
}

// clientAt is the view of the addresses whose longest match is p.
func (r *rules) clientAt(p netip.Prefix) Client {
	trusted := holds(r.trusted, p)
	c := Client{
		Trusted: trusted,
		AllVPCs: trusted || holds(r.private, p),
		VPCs:    r.vpcsAt(p),
	}
	c.Recursion = c.AllVPCs || len(c.VPCs) > 0
	return c
}

// vpcsAt walks from p to ever shorter prefixes until one is a VPC's CIDR.
func (r *rules) vpcsAt(p netip.Prefix) []string {
	for bits := p.Bits(); bits >= 0; bits-- {
		if ids, ok := r.vpcs[netip.PrefixFrom(p.Addr(), bits).Masked()]; ok {
			return ids
		}
	}
	return nil
}

// holds says whether one of the prefixes covers the whole of p.
func holds(prefixes []netip.Prefix, p netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(q netip.Prefix) bool {
		return q.Bits() <= p.Bits() && q.Contains(p.Addr())
	})
}

// privateSources are the addresses that nobody on the Internet has: loopback,
// RFC 1918 and RFC 4193.
func privateSources() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("fc00::/7"),
	}
}
