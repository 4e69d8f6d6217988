// Package dot is DNS over TLS (RFC 7858): it puts TLS under a listener whose
// connections then carry DNS messages as those over TCP do.
package dot

import (
	"crypto/tls"
	"net"
)

// Protocol is the name by which clients ask for DNS over TLS in the handshake
// (ALPN), which IANA has registered for RFC 7858.
const Protocol = "dot"

// Certificates gives the configuration of a TLS server.
type Certificates interface {
	// TLS returns a configuration for these application protocols, with a
	// certificate and sane versions.
	TLS(protocols ...string) *tls.Config
}

// Listen wraps inner. The handshake happens at the first Read or Write of an
// accepted connection, under the deadlines set for it, so that a client that
// does not shake hands holds up nobody but itself; who reads must set one. An
// error of the handshake is one of Read.
func Listen(inner net.Listener, certificates Certificates) net.Listener {
	return tls.NewListener(inner, certificates.TLS(Protocol))
}
