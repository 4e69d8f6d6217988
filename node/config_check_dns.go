package node

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
)

func (k *checker) dns(c *Config) {
	d := &c.DNS
	if d.DefaultTTL < 1 || d.DefaultTTL > 1<<31-1 {
		k.bad("dns.default_ttl", fmt.Sprint(d.DefaultTTL), "must be 1 to 2147483647 seconds")
	}
	k.names("dns.api_names", d.APINames)
	k.forward(c)
	k.secure("dns.dot_addr", d.DoTAddr, c.TLS)
	k.secure("dns.doh_addr", d.DoHAddr, c.TLS)
	k.nameServers(d)
	if s := string(d.CookieSecret); s != "" && !matches(`^[0-9A-Fa-f]{32}$`, s) {
		k.badUnseen("dns.cookie_secret", "must be 32 hexadecimal digits")
	}
	k.atLeast("dns.query_log_sample", int64(d.QueryLogSample), 0)
	k.regions(d.Regions)
	k.transfers(d)
	if _, err := ratelimit.New(rateLimitOf(&d.RateLimit)); err != nil {
		k.badUnseen("dns.rate_limit", errors.Unwrap(err).Error())
	}
}

func (k *checker) forward(c *Config) {
	d := &c.DNS
	for i, f := range d.Forward {
		if _, ok := upstream(f); !ok {
			k.bad(fmt.Sprintf("dns.forward[%d]", i), f, "must be IP or IP:PORT, such as 192.0.2.53 or [2001:db8::53]:53")
		}
	}
	k.lasting("dns.forward_timeout", d.ForwardTimeout, 0)
	k.atLeast("dns.forward_cache_bytes", int64(d.ForwardCacheBytes), 0)
	k.atLeast("dns.signature_cache_bytes", int64(d.SignatureCacheBytes), 0)
	if len(d.Forward) == 0 {
		return
	}
	// An open resolver is a weapon against others, so nobody gets one by a
	// slip of the pen.
	for i, p := range d.Trusted {
		k.notEverybody(fmt.Sprintf("dns.trusted[%d]", i), p)
	}
	for i, v := range c.VPCs {
		for j, p := range v.CIDRs {
			k.notEverybody(fmt.Sprintf("vpcs[%d].cidrs[%d]", i, j), p)
		}
	}
}

// notEverybody refuses prefixes that nobody owns the whole of.
func (k *checker) notEverybody(key string, p Prefix) {
	least := 8
	if p.Addr().Is6() {
		least = 7 // fc00::/7 is the widest there is of private addresses
	}
	if p.IsValid() && p.Bits() < least {
		k.bad(key, p.String(), "with dns.forward would make an open resolver; name the networks that are yours")
	}
}

// upstream reads IP or IP:PORT.
func upstream(text string) (netip.AddrPort, bool) {
	const port = 53
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(addr, port), !addr.IsUnspecified()
	}
	ap, err := netip.ParseAddrPort(text)
	return ap, err == nil && ap.Port() != 0 && !ap.Addr().IsUnspecified()
}

// secure checks the address of a listener that needs a certificate.
func (k *checker) secure(key, addr string, t TLS) {
	if addr == "" {
		return
	}
	if rule := listenAddr(addr); rule != "" {
		k.bad(key, addr, rule)
	}
	if t.CertFile == "" {
		k.bad(key, addr, "needs tls.cert_file and tls.key_file")
	}
}

func (k *checker) tls(c *Config) {
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		k.badUnseen("tls", "needs both cert_file and key_file")
	}
	if c.TLS.ClientOptional && c.TLS.ClientCAFile == "" {
		k.badUnseen("tls.client_optional", "needs client_ca_file")
	}
	if c.TLS.Admin && c.TLS.CertFile == "" {
		k.badUnseen("tls.admin", "needs cert_file and key_file")
	}
	if _, err := c.adminToken(); err != nil {
		k.badUnseen("admin_token_file", err.Error())
	}
	if c.TLS.ClientCAFile != "" && c.TLS.CertFile == "" {
		k.bad("tls.client_ca_file", c.TLS.ClientCAFile, "needs cert_file and key_file")
	}
}

func (k *checker) nameServers(d *DNS) {
	for i, s := range d.NameServers {
		k.name(fmt.Sprintf("dns.name_servers[%d].name", i), s.Name)
	}
	if d.Hostmaster != "" {
		k.name("dns.hostmaster", d.Hostmaster)
	}
}

func (k *checker) regions(regions []Region) {
	seen := map[string]bool{}
	for i, r := range regions {
		if seen[r.Name] || r.Name == "" {
			k.bad(fmt.Sprintf("dns.regions[%d].name", i), r.Name, "must be given, and different from the others")
		}
		seen[r.Name] = true
	}
}

// rateLimitOf is what edge/dns/ratelimit understands.
func rateLimitOf(l *RateLimit) ratelimit.Config {
	return ratelimit.Config{
		Responses: l.Responses,
		NXDomains: l.NXDomains,
		Errors:    l.Errors,
		Window:    l.Window.Duration,
		Slip:      l.Slip,
		IPv4Bits:  l.IPv4Bits,
		IPv6Bits:  l.IPv6Bits,
		Exempt:    prefixesOf(l.Exempt),
	}
}

func prefixesOf(in []Prefix) []netip.Prefix {
	if in == nil {
		return nil
	}
	out := make([]netip.Prefix, 0, len(in))
	for _, p := range in {
		out = append(out, p.Prefix)
	}
	return slices.Clip(out)
}
