package node

import (
	"net"
	"net/netip"

	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/node/config"
)

// defaultNameServer is the server named in NS and SOA records where none is
// configured.
const defaultNameServer = "ns.cairn.internal"

// hostsOf returns the names that DNS answers besides the zones: those of the API, and those
// of the name servers whose addresses are given. Names of the API are answered with the
// prefix "data-" too, which SDKs use for DiscoverInstances.
func hostsOf(c *config.Config, l *listeners) []zone.FixedName {
	api := addrsOf(c.DNS.APIAddresses)
	if len(api) == 0 {
		api = reachable(l.api.Addr())
	}
	var hosts []zone.FixedName
	for _, name := range c.DNS.APINames {
		hosts = append(hosts, zone.FixedName{Name: name, Addrs: api}, zone.FixedName{Name: "data-" + name, Addrs: api})
	}
	if len(c.DNS.NameServers) == 0 {
		hosts = append(hosts, zone.FixedName{Name: defaultNameServer, Addrs: reachable(l.dns.Addr())})
	}
	for _, s := range c.DNS.NameServers {
		if len(s.Addrs) > 0 {
			hosts = append(hosts, zone.FixedName{Name: s.Name, Addrs: addrsOf(s.Addrs)})
		}
	}
	return hosts
}

func addrsOf(in []config.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range in {
		out = append(out, a.Addr)
	}
	return out
}

// reachable returns the addresses at which a listener is reached: its own, or if
// it listens on all addresses those of this machine without loopback and
// link-local ones.
func reachable(listener net.Addr) []netip.Addr {
	ap, err := netip.ParseAddrPort(listener.String())
	if err != nil {
		return nil
	}
	if addr := ap.Addr().Unmap(); !addr.IsUnspecified() {
		return []netip.Addr{addr.WithZone("")}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil // the names have no addresses then
	}
	var addrs []netip.Addr
	for _, a := range all {
		p, err := netip.ParsePrefix(a.String())
		addr := p.Addr().Unmap()
		usable := err == nil && addr.IsGlobalUnicast()
		if usable && (addr.Is4() || ap.Addr().Is6()) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}
