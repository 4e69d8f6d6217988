// Package dot implements DNS over TLS (RFC 7858): it adds TLS to a listener, whose
// connections then carry DNS messages as connections over TCP do.
package dot

import (
	"crypto/tls"
	"net"
)

// protocol is the name of DNS over TLS in the handshake (ALPN), as registered with
// IANA for RFC 7858.
const protocol = "dot"

// Certificates returns the configuration of a TLS server.
type Certificates interface {
	// TLS returns a configuration for these application protocols, with a
	// certificate and secure protocol versions.
	TLS(protocols ...string) *tls.Config
}

// Listen wraps inner. The handshake happens at the first Read or Write of an accepted
// connection, so that a client without a handshake does not block others. The caller must
// set a deadline for it. Read returns the error of the handshake.
func Listen(inner net.Listener, certificates Certificates) net.Listener {
	return tls.NewListener(inner, certificates.TLS(protocol))
}
