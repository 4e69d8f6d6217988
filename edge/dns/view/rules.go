package view

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// rules is a checked configuration with its prefixes in canonical form.
type rules struct {
	trusted []netip.Prefix
	private []netip.Prefix            // sources that see every VPC
	vpcs    map[netip.Prefix][]string // CIDR → sorted ids
	owners  map[string]command.AccountID
}

func rulesOf(cfg Config) (*rules, error) {
	r := &rules{vpcs: map[netip.Prefix][]string{}, owners: map[string]command.AccountID{}}
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
		r.owners[v.ID] = v.Owner
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

// canonical masks a prefix and converts IPv4-mapped IPv6 to IPv4, the only form in
// which Lookup uses such addresses.
func canonical(p netip.Prefix) (netip.Prefix, error) {
	if !p.IsValid() {
		return p, errors.New("a CIDR is not valid")
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("CIDR %v is shorter than ::ffff:0:0/96, the range of IPv4-mapped addresses", p)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// prefixes returns every prefix at which the view of clients may change.
func (r *rules) prefixes() []netip.Prefix {
	all := slices.Concat(r.trusted, r.private)
	for p := range r.vpcs {
		all = append(all, p)
	}
	return all
}

// clientAt returns the view of the addresses whose longest match is p.
func (r *rules) clientAt(p netip.Prefix) Client {
	trusted := contains(r.trusted, p)
	c := Client{
		Trusted: trusted,
		AllVPCs: trusted || contains(r.private, p),
		VPCs:    r.vpcsAt(p),
	}
	for i, id := range c.VPCs {
		if owner := r.owners[id]; owner != "" {
			if c.Owners == nil {
				c.Owners = make([]command.AccountID, len(c.VPCs))
			}
			c.Owners[i] = owner
		}
	}
	c.Recursion = c.AllVPCs || len(c.VPCs) > 0
	return c
}

// vpcsAt looks for p and then shorter prefixes until one is the CIDR of a VPC.
func (r *rules) vpcsAt(p netip.Prefix) []string {
	for bits := p.Bits(); bits >= 0; bits-- {
		if ids, ok := r.vpcs[netip.PrefixFrom(p.Addr(), bits).Masked()]; ok {
			return ids
		}
	}
	return nil
}

// contains reports whether one of the prefixes contains all of p.
func contains(prefixes []netip.Prefix, p netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(q netip.Prefix) bool {
		return q.Bits() <= p.Bits() && q.Contains(p.Addr())
	})
}

// privateSources are loopback and private addresses (RFC 1918 and RFC 4193), which are
// not routed on the internet.
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
