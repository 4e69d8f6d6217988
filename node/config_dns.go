package node

// VPC is a network that can see private namespaces.
type VPC struct {
	// ID is the VPC's id.
	ID string `yaml:"id"`
	// CIDRs are the source addresses that belong to it. Where those of several
	// VPCs hold a client, the longest decides; one that several VPCs have puts
	// the client into all of these.
	CIDRs []Prefix `yaml:"cidrs"`
}

// DNS says how names are answered.
type DNS struct {
	// Trusted are the clients that see every private zone, and may have names
	// outside our zones resolved. Reloaded by SIGHUP.
	Trusted []Prefix `yaml:"trusted"`
	// DefaultTTL is the TTL in seconds of a record whose TTL was left out.
	// Reloaded by SIGHUP.
	DefaultTTL int64 `yaml:"default_ttl"`
	// APINames are names that are answered with the API listener's address, and
	// so are the same names with data- before them.
	APINames []string `yaml:"api_names"`
	// APIAddresses are the addresses that api_names are answered with. Left
	// out, those on which the API really listens.
	APIAddresses []Addr `yaml:"api_addresses"`
	// Forward are the resolvers for names outside our zones, as IP or IP:PORT,
	// in the order in which to ask them. None: such names are refused. They
	// are resolved for trusted clients and those in a VPC only.
	Forward []string `yaml:"forward"`
	// ForwardTimeout bounds how long a name is tried to be resolved; 0 means
	// 5s.
	ForwardTimeout Duration `yaml:"forward_timeout"`
	// ForwardCacheBytes bounds the memory for answers of those resolvers; 0
	// means 16 MiB.
	ForwardCacheBytes int `yaml:"forward_cache_bytes"`
	// SignatureCacheBytes bounds the memory for signatures of DNSSEC; 0 means
	// 32 MiB.
	SignatureCacheBytes int `yaml:"signature_cache_bytes"`
	// DoTAddr is the listener of DNS over TLS, commonly on port 853. Empty: it
	// is not served. It needs tls.
	DoTAddr string `yaml:"dot_addr"`
	// DoHAddr is the listener of DNS over HTTPS, at the path /dns-query,
	// commonly on port 443. Empty: it is not served. It needs tls.
	DoHAddr string `yaml:"doh_addr"`
	// NameServers are the servers named in the NS and SOA records of all
	// zones. None means ns.cairn.internal.
	NameServers []NameServer `yaml:"name_servers"`
	// Hostmaster is the mailbox in SOA records as a domain name, such as
	// hostmaster.example.com. Empty means hostmaster in the domain of the
	// first name server.
	Hostmaster string `yaml:"hostmaster"`
	// Identity is what clients are told that ask which server they reached
	// (NSID, id.server). Empty: they are not told.
	Identity string `yaml:"identity"`
	// CookieSecret is what DNS cookies are made with: 32 hexadecimal digits, the same on all
	// servers behind one address. Empty means a random one.
	CookieSecret Secret `yaml:"cookie_secret"`
	// QueryLogSample logs every n-th query. 0: none.
	QueryLogSample int `yaml:"query_log_sample"`
	// Regions are where clients and instances can be, and how far from each
	// other, for the routing policy LATENCY.
	Regions []Region `yaml:"regions"`
	// TSIGKeys are keys that queries may be signed with.
	TSIGKeys []TSIGKey `yaml:"tsig_keys"`
	// Transfer says who may have zones transferred. Nobody else may. The first
	// entry that fits zone and client decides.
	Transfer []Transfer `yaml:"transfer"`
	// TransferLimits bound what transfers can make the server hold.
	TransferLimits TransferLimits `yaml:"transfer_limits"`
	// RateLimit bounds the answers over UDP to clients that see public zones
	// only.
	RateLimit RateLimit `yaml:"rate_limit"`
}

// NameServer is a server of our zones.
type NameServer struct {
	// Name is the server's domain name.
	Name string `yaml:"name"`
	// Addrs are the addresses that the name is answered with. None: it is some
	// other server's to answer for the name.
	Addrs []Addr `yaml:"addrs"`
}

// Region is a place of instances and clients.
type Region struct {
	// Name is what instances carry in their attribute region.
	Name string `yaml:"name"`
	// CIDRs are the clients that are here.
	CIDRs []Prefix `yaml:"cidrs"`
	// Distances are how far other regions are, in any unit, such as
	// milliseconds. Regions that are not named are farthest.
	Distances map[string]int `yaml:"distances"`
}

// RateLimit is response rate limiting (RRL), which makes the server useless for
// reflection attacks.
type RateLimit struct {
	// Responses is how many answers of one kind for one name a client network
	// is sent in a second. 0 turns the limit off.
	Responses int `yaml:"responses"`
	// NXDomains bounds the NXDOMAIN answers of one zone; 0 means the same as
	// responses.
	NXDomains int `yaml:"nxdomains"`
	// Errors bounds all other errors together; 0 means the same as responses.
	Errors int `yaml:"errors"`
	// Window is how long a client network stays limited at most once it keeps
	// to the rate; 0 means 15s.
	Window Duration `yaml:"window"`
	// Slip sends every n-th answer over the rate truncated, so that true
	// clients come back over TCP, and drops the others. 0 drops all.
	Slip int `yaml:"slip"`
	// IPv4Bits is the prefix length of an IPv4 client network; 0 means 24.
	IPv4Bits int `yaml:"ipv4_bits"`
	// IPv6Bits is the prefix length of an IPv6 client network; 0 means 56.
	IPv6Bits int `yaml:"ipv6_bits"`
	// Exempt are networks that are not limited.
	Exempt []Prefix `yaml:"exempt"`
}
