package answer

import (
	"fmt"
	"net/netip"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Host is a name that the server answers itself. It is a zone of its own, visible
// to everybody, and more specific than the zone of a namespace that contains it.
type Host struct {
	Name  string
	Addrs []netip.Addr
}

// hostTTL is short: the addresses are those of listeners, which may change.
const hostTTL = 60

// host is a Host, ready to be looked up.
type host struct {
	name string // in wire form and lower case
	hash uint64
	v4   [][4]byte
	v6   [][16]byte
}

func newHosts(in []Host) ([]host, error) {
	var hosts []host
	for _, h := range in {
		wire, ok := dnswire.ParseName(h.Name)
		if !ok || len(wire) == 1 {
			return nil, fmt.Errorf("dns: host %q is not a domain name", h.Name)
		}
		name := []byte(wire)
		dnswire.Lower(name)
		next := host{name: string(name), hash: zone.Hash(name)}
		for _, addr := range h.Addrs {
			if addr = addr.Unmap(); addr.Is4() {
				next.v4 = append(next.v4, addr.As4())
			} else if addr.IsValid() {
				next.v6 = append(next.v6, addr.As16())
			}
		}
		hosts = append(hosts, next)
	}
	return hosts, nil
}

// hostNamed returns the host of exactly this name, or nil. There are only a
// few.
func (r *Responder) hostNamed(name []byte, hash uint64) *host {
	for i := range r.hosts {
		if h := &r.hosts[i]; h.hash == hash && h.name == string(name) {
			return h
		}
	}
	return nil
}

// hostAbove returns the host that a name is below, or nil.
func (r *Responder) hostAbove(name []byte) *host {
	if len(r.hosts) == 0 {
		return nil
	}
	for name[0] != 0 {
		name = name[1+name[0]:]
		if h := r.hostNamed(name, zone.Hash(name)); h != nil {
			return h
		}
	}
	return nil
}
