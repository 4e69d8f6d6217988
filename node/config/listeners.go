package config

import (
	"net"
	"net/netip"
)

// Listeners are the addresses that the node listens on, as HOST:PORT. Port 0
// picks a free port.
type Listeners struct {
	// APIAddr is the listener of the AWS APIs. Port 0 picks a free port, here and
	// for the other listeners.
	APIAddr string `yaml:"api_addr" check:"listen" flag:"HOST:PORT" usage:"listener of the AWS APIs"`
	// DNSAddr is the DNS listener, on UDP and TCP.
	DNSAddr string `yaml:"dns_addr" check:"listen" flag:"HOST:PORT" usage:"listener of DNS on UDP and TCP"`
	// AdminAddr is the listener of health, readiness, metrics, profiles and
	// backup.
	AdminAddr string `yaml:"admin_addr" check:"listen" flag:"HOST:PORT" usage:"listener of /livez, /readyz, /metrics, /debug/pprof/ and /backup"`
	// XDSAddr is the listener of xDS, which speaks TLS if tls.cert_file is given. Empty:
	// xDS is not served. If the default is in use, the node starts without xDS and warns.
	XDSAddr string `yaml:"xds_addr" check:"listen?" flag:"HOST:PORT" usage:"listener of xDS over gRPC"`
}

func defaultListeners() Listeners {
	return Listeners{
		APIAddr:   "127.0.0.1:8053",
		DNSAddr:   "127.0.0.1:8054",
		AdminAddr: "127.0.0.1:8055",
		XDSAddr:   "127.0.0.1:8056",
	}
}

// RestrictedListener is a listener with the reason, if there is one, why only
// this machine may reach it.
type RestrictedListener struct {
	Key, Addr string
	problem   string
}

// RestrictedListeners returns the listeners of the API, of the administration and of
// xDS.
func (c *Config) RestrictedListeners() [3]RestrictedListener {
	return [3]RestrictedListener{
		{"api_addr", c.APIAddr, c.apiExposure()},
		{"admin_addr", c.AdminAddr, c.adminExposure()},
		{"xds_addr", c.XDSAddr, c.xdsExposure()},
	}
}

func (c *Config) apiExposure() string {
	switch {
	case c.Auth.Mode == AuthOpen:
		return "auth.mode open lets everybody who reaches it change the registry: set auth.mode to sigv4, or"
	case c.TLS.CertFile == "" && !c.TLS.AllowPlainHTTP:
		return "without TLS everybody on the way can read along, and send what was signed again: give tls.cert_file" +
			" and tls.key_file, or set tls.allow_plain_http where the network itself is encrypted, or"
	}
	return ""
}

func (c *Config) adminExposure() string {
	switch {
	case c.AdminTokenFile == "" && c.AdminToken == "" && !c.AdminByCertificate():
		return "it shows and copies the whole registry to everybody who reaches it: give admin_token_file, or tls.admin with" +
			" tls.client_ca_file, or"
	case !c.TLS.Admin && !c.TLS.AllowPlainHTTP:
		return "without TLS everybody on the way can read along: set tls.admin, or tls.allow_plain_http where the network" +
			" itself is encrypted, or"
	}
	return ""
}

// Refuse returns the error for a listener that other machines can reach, or nil
// if they may.
func (l *RestrictedListener) Refuse() error {
	if l.problem == "" {
		return nil
	}
	_, port, _ := net.SplitHostPort(l.Addr)
	return &KeyError{Key: l.Key, Value: &l.Addr, Rule: exposureError(port, l.problem)}
}

func exposureError(port, problem string) string {
	return "is reachable from other machines, and " + problem + " listen on a loopback address such as " + net.JoinHostPort("127.0.0.1", port)
}

// checkExposure refuses listeners that would let a whole network in without
// authentication or encryption.
func (c *Config) checkExposure(k *checker) {
	for _, l := range c.RestrictedListeners() {
		host, _, err := net.SplitHostPort(l.Addr)
		if err == nil && !mayBeLoopback(host) {
			if err := l.Refuse(); err != nil {
				k.errs = append(k.errs, err)
			}
		}
	}
}

// mayBeLoopback accepts host names, which only the listener can resolve; it is
// checked again by its real address.
func mayBeLoopback(host string) bool {
	if host == "" {
		return false // all addresses of the machine
	}
	addr, err := netip.ParseAddr(host)
	return err != nil || addr.Unmap().IsLoopback()
}
