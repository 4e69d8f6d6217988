package node

import "slices"

const notSupported = "is not supported yet"

// unsupported refuses what the configuration can say but this version cannot do.
func (k *checker) unsupported(c *Config) {
	if c.Auth.Mode == authSigV4 {
		k.bad("auth.mode", c.Auth.Mode, notSupported+"; use open, on loopback listeners")
	}
	if c.Store == storeEtcd || c.Store == storeCluster {
		k.bad("store", c.Store, notSupported+"; use embedded")
	}
	if len(c.Shares) > 0 {
		k.badUnseen("shares", notSupported)
	}
	if c.TLS != (TLS{}) {
		k.badUnseen("tls", notSupported)
	}
}

// inert returns the keys that were given and have no effect in this version,
// for a warning at start. They do no harm, and a file written for a later
// version can be used now.
func (c *Config) inert() []string {
	var keys []string
	defaults := Default()
	add := func(key string, given bool) {
		if given {
			keys = append(keys, key)
		}
	}
	add("dns_addr", c.DNSAddr != defaults.DNSAddr)
	add("xds_addr", c.XDSAddr != defaults.XDSAddr)
	add("dns.trusted", !slices.Equal(c.DNS.Trusted, defaults.DNS.Trusted))
	add("dns.api_names", len(c.DNS.APINames) > 0)
	add("dns.forward", len(c.DNS.Forward) > 0)
	add("health", c.Health != defaults.Health)
	add("vpcs[].cidrs", slices.ContainsFunc(c.VPCs, func(v VPC) bool { return len(v.CIDRs) > 0 }))
	return keys
}
