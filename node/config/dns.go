package config

import (
	"fmt"
	"regexp"

	"github.com/cairn-discovery/cairn/core/command"
)

// DNS is how names are answered.
type DNS struct {
	// Trusted are the clients that see every private zone, and for which names
	// outside our zones are resolved.
	Trusted []Prefix `yaml:"trusted" reload:"sighup"`
	// DefaultTTL is the TTL in seconds of a record without one, 1 to 2147483647.
	DefaultTTL int64 `yaml:"default_ttl" reload:"sighup"`
	// APINames are names that are answered with the API listener's address, and so
	// are the same names with data- before them.
	APINames []string `yaml:"api_names" check:"host"`
	// APIAddresses are the addresses that api_names are answered with. Left out,
	// the addresses on which the API listens.
	APIAddresses []Addr `yaml:"api_addresses"`
	// Forward are the resolvers for names outside our zones, as IP or IP:PORT, in
	// the order in which to ask them. None: such names are refused. Names are
	// resolved only for trusted clients and clients in a VPC.
	Forward []string `yaml:"forward" check:"upstream"`
	// ForwardTimeout is how long resolving a name may take; 0 means 5s.
	ForwardTimeout Duration `yaml:"forward_timeout" check:"min=0s"`
	// ForwardCacheBytes is the memory for answers of those resolvers, in bytes; 0
	// means 16 MiB.
	ForwardCacheBytes int `yaml:"forward_cache_bytes" check:"min=0"`
	// SignatureCacheBytes is the memory for signatures of DNSSEC, in bytes; 0 means
	// 32 MiB.
	SignatureCacheBytes int `yaml:"signature_cache_bytes" check:"min=0"`
	// DoTAddr is the listener of DNS over TLS, usually on port 853. Empty: it is
	// not served. It needs tls.
	DoTAddr string `yaml:"dot_addr" check:"listen?"`
	// DoHAddr is the listener of DNS over HTTPS, at the path /dns-query, usually on
	// port 443. Empty: it is not served. It needs tls.
	DoHAddr string `yaml:"doh_addr" check:"listen?"`
	// MaxConnections is how many connections of clients may be open at a time over
	// TCP and TLS together, and as many over HTTPS; 0 means 4096. At the limit, a new
	// connection replaces the one that has been idle for the longest time. It is
	// refused only if all have a query in progress.
	MaxConnections int `yaml:"max_connections" check:"min=0"`
	// MaxConnectionsPerClient is the same limit for each client: an IPv4 address, or a
	// /64 network of IPv6 addresses; 0 means 64.
	MaxConnectionsPerClient int `yaml:"max_connections_per_client" check:"min=0"`
	// NameServers are the servers named in the NS and SOA records of all zones.
	// None means ns.cairn.internal.
	NameServers []NameServer `yaml:"name_servers"`
	// Hostmaster is the mailbox in SOA records as a domain name, such as
	// hostmaster.example.com. Empty means hostmaster in the domain of the first
	// name server.
	Hostmaster string `yaml:"hostmaster" check:"host?"`
	// Identity is the answer to clients that ask which server they reached (NSID,
	// id.server). Empty: they get none.
	Identity string `yaml:"identity"`
	// CookieSecret is the secret of DNS cookies: 32 hexadecimal digits, the same on
	// all servers behind one address. Empty means a random one.
	CookieSecret Secret `yaml:"cookie_secret"`
	// QueryLogSample logs every n-th query. 0: none.
	QueryLogSample int `yaml:"query_log_sample" check:"min=0"`
	// Regions are where clients and instances can be, and how far from each other,
	// for the routing policies LATENCY and, in hosted zones, geolocation.
	Regions []Region `yaml:"regions"`
	// Delegate lets accounts have namespaces at or below names that another account
	// owns. Without it the first account that creates a name owns it and every name
	// below it.
	Delegate []Delegation `yaml:"delegate" reload:"sighup"`
	// TSIGKeys are keys that queries may be signed with.
	TSIGKeys []TSIGKey `yaml:"tsig_keys" reload:"sighup"`
	// Transfer lists who may have zones transferred; nobody else may. The first
	// entry that fits zone and client decides.
	Transfer []Transfer `yaml:"transfer" reload:"sighup"`
	// Update lists who may change hosted zones by dynamic updates.
	Update []Update `yaml:"update" reload:"sighup"`
	// TransferLimits limit the resources that transfers use.
	TransferLimits TransferLimits `yaml:"transfer_limits"`
	// RateLimit limits the answers over UDP to clients that see public zones only.
	RateLimit RateLimit `yaml:"rate_limit"`
}

// Delegation lets an account have namespaces at or below a name.
type Delegation struct {
	// Name is the name that is delegated, such as web.example.com.
	Name string `yaml:"name" check:"host"`
	// Account is the id of the account.
	Account string `yaml:"account"`
}

// NameServer is a server of our zones.
type NameServer struct {
	// Name is the server's domain name.
	Name string `yaml:"name" check:"host"`
	// Addrs are the addresses that the name is answered with. None: another server
	// answers for the name.
	Addrs []Addr `yaml:"addrs"`
}

// Region is a place of instances and clients.
type Region struct {
	// Name is the value of the attribute region of instances in this region.
	Name string `yaml:"name"`
	// CIDRs are the clients in this region.
	CIDRs []Prefix `yaml:"cidrs"`
	// Distances are how far other regions are, in any unit, such as
	// milliseconds. Regions without a distance are farthest.
	Distances map[string]int `yaml:"distances"`
	// Continent, Country and Subdivision are where the region is, as in the record sets
	// of Route 53 with a geolocation: codes of a continent, such as EU, of ISO 3166-1,
	// such as DE, and of a state of the US, such as CA. Empty: it is not known. The
	// continent is known from the country.
	Continent string `yaml:"continent"`
	// Country is the code of the country.
	Country string `yaml:"country"`
	// Subdivision is the code of the state; it needs a country.
	Subdivision string `yaml:"subdivision"`
}

func defaultDNS() DNS {
	return DNS{
		Trusted:    []Prefix{mustPrefix("127.0.0.0/8"), mustPrefix("::1/128")},
		DefaultTTL: 60,
		RateLimit:  defaultRateLimit(),
	}
}

func (d *DNS) check(k *checker, c *Config) {
	if d.DefaultTTL < 1 || d.DefaultTTL > 1<<31-1 {
		k.fail("dns.default_ttl", fmt.Sprint(d.DefaultTTL), "must be 1 to 2147483647 seconds")
	}
	if len(d.Forward) > 0 {
		checkOpenResolver(k, c)
	}
	checkNeedsTLS(k, "dns.dot_addr", d.DoTAddr, &c.TLS)
	checkNeedsTLS(k, "dns.doh_addr", d.DoHAddr, &c.TLS)
	if s := string(d.CookieSecret); s != "" && !matches(`^[0-9A-Fa-f]{32}$`, s) {
		k.failHidden("dns.cookie_secret", "must be 32 hexadecimal digits")
	}
	checkRegions(k, d.Regions)
	checkTransfers(k, d)
	checkUpdates(k, d)
	for i, g := range d.Delegate {
		if !command.AccountID(g.Account).Valid() {
			k.fail(fmt.Sprintf("dns.delegate[%d].account", i), g.Account, "must be twelve digits, in quotes")
		}
	}
	d.RateLimit.check(k)
}

// checkOpenResolver refuses to resolve names for everybody: an open resolver can
// be used to attack others, so no mistake in a prefix may open one.
func checkOpenResolver(k *checker, c *Config) {
	for i, p := range c.DNS.Trusted {
		checkNarrow(k, fmt.Sprintf("dns.trusted[%d]", i), p)
	}
	for i, v := range c.VPCs {
		for j, p := range v.CIDRs {
			checkNarrow(k, fmt.Sprintf("vpcs[%d].cidrs[%d]", i, j), p)
		}
	}
}

// checkNarrow refuses prefixes that no one organisation owns.
func checkNarrow(k *checker, key string, p Prefix) {
	least := 8
	if p.Addr().Is6() {
		least = 7 // fc00::/7 is the widest prefix of private addresses
	}
	if p.IsValid() && p.Bits() < least {
		k.fail(key, p.String(), "with dns.forward would make an open resolver; name the networks that are yours")
	}
}

// checkNeedsTLS checks that a listener that needs a certificate has one.
func checkNeedsTLS(k *checker, key, addr string, t *TLS) {
	if addr != "" && t.CertFile == "" {
		k.fail(key, addr, "needs tls.cert_file and tls.key_file")
	}
}

func checkRegions(k *checker, regions []Region) {
	seen := map[string]bool{}
	for i, r := range regions {
		if seen[r.Name] || r.Name == "" {
			k.fail(fmt.Sprintf("dns.regions[%d].name", i), r.Name, "must be given, and different from the others")
		}
		seen[r.Name] = true
		if r.Subdivision != "" && r.Country == "" {
			k.fail(fmt.Sprintf("dns.regions[%d].subdivision", i), r.Subdivision, "needs a country")
		}
		for _, code := range []struct{ key, value, form, rule string }{
			{"continent", r.Continent, `^(AF|AN|AS|EU|NA|OC|SA)?$`, "must be AF, AN, AS, EU, NA, OC or SA"},
			{"country", r.Country, `^([A-Z]{2})?$`, "must be a code of ISO 3166-1, with two capital letters"},
			{"subdivision", r.Subdivision, `^([A-Z0-9]{1,3})?$`, "must be a code with one to three capital letters or digits"},
		} {
			if !regexp.MustCompile(code.form).MatchString(code.value) {
				k.fail(fmt.Sprintf("dns.regions[%d].%s", i, code.key), code.value, code.rule)
			}
		}
	}
}
