package prober

import (
	"net"
	"net/netip"
	"slices"
)

// forbidden reports whether an address must not be probed: who may register an
// instance must not be able to have this node call what the node alone can
// reach.
func (p *Prober) forbidden(to netip.AddrPort) bool {
	addr := to.Addr().Unmap()
	if inner := embedded(addr); inner != addr && p.denied(inner, to.Port()) {
		return true
	}
	return p.denied(addr, to.Port()) || len(p.cfg.Allow) > 0 && !in(p.cfg.Allow, addr)
}

// denied reports whether an address must not be probed even if allowed.
func (p *Prober) denied(addr netip.Addr, port uint16) bool {
	switch {
	case !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLinkLocalUnicast():
		return true
	case in(metadataAddresses(), addr) || in(p.cfg.Deny, addr):
		return true
	}
	return p.isAdmin(addr, port)
}

func in(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(x netip.Prefix) bool { return x.Contains(addr) })
}

// metadataAddresses are those, beside the link-local ones, at which clouds hand
// out credentials, and the broadcast address.
func metadataAddresses() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("fd00:ec2::254/128"),  // EC2
		netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud
		netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
		netip.MustParsePrefix("192.0.0.192/32"),     // Oracle Cloud
		netip.MustParsePrefix("255.255.255.255/32"),
	}
}

// embedded returns the IPv4 address that an IPv6 one may lead to: behind the
// prefixes of NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056), and in the old
// compatible form (RFC 4291 section 2.5.5.1). Others are returned as they are.
func embedded(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	b := addr.As16()
	switch {
	case in([]netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48")}, addr),
		netip.MustParsePrefix("::/96").Contains(addr) && !addr.IsUnspecified() && !addr.IsLoopback():
		return netip.AddrFrom4([4]byte(b[12:]))
	case netip.MustParsePrefix("2002::/16").Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}

// isAdmin reports whether an address reaches the node's own admin listener.
func (p *Prober) isAdmin(addr netip.Addr, port uint16) bool {
	admin := p.cfg.Admin
	if port != admin.Port() || !admin.IsValid() {
		return false
	}
	if own := admin.Addr().Unmap(); !own.IsUnspecified() {
		return addr == own
	}
	if addr.IsLoopback() {
		return true
	}
	// The listener is on all addresses of this machine.
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		own, valid := netip.AddrFromSlice(n.IP)
		return ok && valid && own.Unmap() == addr
	})
}
