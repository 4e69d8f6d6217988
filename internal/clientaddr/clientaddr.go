// Package clientaddr says which addresses limits count as one client.
package clientaddr

import "net/netip"

// Client returns what limits count for an address: an IPv4 address itself, and of an
// IPv6 address its /64 network, since a client that has one address of such a network
// usually has all of them. An IPv4 address in IPv6 form is the IPv4 address.
func Client(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}
