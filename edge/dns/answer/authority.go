package answer

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/cairn-discovery/cairn/core/dnswire"
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
