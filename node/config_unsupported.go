package node

const notSupported = "is not supported yet"

// unsupported refuses what the configuration can say but this version cannot do.
func (k *checker) unsupported(c *Config) {
	if c.Store == storeEtcd || c.Store == storeCluster {
		k.bad("store", c.Store, notSupported+"; use embedded")
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
	add("xds_addr", c.XDSAddr != defaults.XDSAddr)
	return keys
}
