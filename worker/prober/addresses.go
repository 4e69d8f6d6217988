package prober

import (
	"net"
	"net/netip"
	"slices"
)

// forbidden reports whether an address must not be probed: an account that may
// register an instance must not be able to have this node connect to what the node
// alone can reach.
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
	case !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr == broadcast:
		return true
	case in(p.cfg.Deny, addr) || p.isListener(p.cfg.Admin, addr, port):
		return true
	case in(p.cfg.AllowReserved, addr):
		return false
	case addr.IsLoopback() && !p.loopbackOnly:
		return true
	}
	return in(reserved, addr) || slices.ContainsFunc(p.cfg.Listeners, func(l netip.AddrPort) bool { return p.isListener(l, addr, port) })
}

func in(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(x netip.Prefix) bool { return x.Contains(addr) })
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// reserved are addresses that a node reaches and its clients must not reach
// through it: those of the link, and those where clouds give out credentials.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"),     // link-local (RFC 3927); metadata of AWS, Azure, Google Cloud and others
	netip.MustParsePrefix("fe80::/10"),          // link-local (RFC 4291)
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS: metadata, credentials of EKS pods, time, DNS
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure's platform
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle Cloud
}

// onLoopback reports whether every listener is on a loopback address.
func onLoopback(listeners ...netip.AddrPort) bool {
	return !slices.ContainsFunc(listeners, func(l netip.AddrPort) bool { return l.IsValid() && !l.Addr().Unmap().IsLoopback() })
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

// isListener reports whether a connection to addr and port ends at a listener of this
// machine.
func (p *Prober) isListener(listener netip.AddrPort, addr netip.Addr, port uint16) bool {
	if port != listener.Port() || !listener.IsValid() {
		return false
	}
	if own := listener.Addr().Unmap(); !own.IsUnspecified() {
		return addr == own
	}
	if addr.IsLoopback() {
		return true
	}
	// The listener is on all addresses of this machine.
	all, err := p.interfaces()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		if !ok {
			return false
		}
		own, valid := netip.AddrFromSlice(n.IP)
		return valid && own.Unmap() == addr
	})
}
