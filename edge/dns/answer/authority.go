package answer

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// defaultNameServer is used in NS and SOA records if no name is configured.
// The top-level name "internal" is reserved for private use.
const defaultNameServer = "ns.cairn.internal"

// nsTTL is the TTL of NS records, that of Route 53.
const nsTTL = 172800

// Timers of the SOA record, those of Route 53.
const (
	soaRefresh = 7200
	soaRetry   = 900
	soaExpire  = 1209600
)

// authority is the data that the SOA and NS records of all zones share.
type authority struct {
	servers []string // in wire form
	soa     []byte   // MNAME and RNAME
	glue    []glue   // addresses of servers, by index
}

// glue has the addresses of a name server that the configuration sets.
type glue struct {
	v4 [][4]byte
	v6 [][16]byte
}

func glueOf(server string, names []zone.FixedName) (g glue) {
	for _, f := range names {
		wire, ok := dnswire.ParseName(f.Name)
		if !ok || !dnswire.EqualName(wire, server) {
			continue
		}
		for _, addr := range f.Addrs {
			if addr = addr.Unmap(); addr.Is4() {
				g.v4 = append(g.v4, addr.As4())
			} else if addr.IsValid() {
				g.v6 = append(g.v6, addr.As16())
			}
		}
		break
	}
	return g
}

func newAuthority(cfg *Config) (authority, error) {
	var a authority
	names := cfg.NameServers
	if len(names) == 0 {
		names = []string{defaultNameServer}
	}
	for _, name := range names {
		wire, ok := dnswire.ParseName(name)
		if !ok || len(wire) == 1 {
			return a, fmt.Errorf("dns: name server %q is not a domain name", name)
		}
		a.servers = append(a.servers, wire)
		a.glue = append(a.glue, glueOf(wire, cfg.Hosts))
	}
	domain := a.servers[0][1+a.servers[0][0]:]
	mailbox, ok := "\x0ahostmaster"+domain, true
	if cfg.Hostmaster != "" {
		mailbox, ok = dnswire.ParseName(cfg.Hostmaster)
	}
	if !ok || len(mailbox) > maxName {
		return a, errors.New("dns: Hostmaster must be a domain name, such as " + cmp.Or(cfg.Hostmaster, "hostmaster.example.com"))
	}
	a.soa = append([]byte(a.servers[0]), mailbox...)
	return a, nil
}
