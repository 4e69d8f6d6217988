package sidecar

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"

	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
)

// identity is what the secrets of one side of TLS say now.
type identity struct {
	certificate tls.Certificate
	roots       *x509.CertPool
	names       []string // one of which the other side must have; empty: any
}

// identity returns what a TLS context says, with the newest secrets.
func (r *resources) identity(c *tlsv3.CommonTlsContext) (*identity, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	id := &identity{roots: x509.NewCertPool()}
	for _, ref := range c.GetTlsCertificateSdsSecretConfigs() {
		own := r.secrets[ref.GetName()].GetTlsCertificate()
		var err error
		if id.certificate, err = tls.X509KeyPair(own.GetCertificateChain().GetInlineBytes(), own.GetPrivateKey().GetInlineBytes()); err != nil {
			return nil, err
		}
	}
	combined := c.GetCombinedValidationContext()
	id.roots.AppendCertsFromPEM(r.secrets[combined.GetValidationContextSdsSecretConfig().GetName()].GetValidationContext().GetTrustedCa().GetInlineBytes())
	for _, m := range combined.GetDefaultValidationContext().GetMatchTypedSubjectAltNames() {
		id.names = append(id.names, m.GetMatcher().GetExact())
	}
	return id, nil
}

// verify checks the certificate of the other side.
func (id *identity) verify(s tls.ConnectionState, usage x509.ExtKeyUsage) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the other side shows no certificate")
	}
	leaf := s.PeerCertificates[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: id.roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
		return err
	}
	names := slices.Clone(leaf.DNSNames)
	for _, uri := range leaf.URIs {
		names = append(names, uri.String())
	}
	if len(id.names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(id.names, name) }) {
		return fmt.Errorf("the other side has the names %q, wanted is one of %q", names, id.names)
	}
	return nil
}

// secured does TLS on a listener. It asks for the newest secrets for each connection.
func (p *proxy) secured(l net.Listener, name string) net.Listener {
	return tls.NewListener(l, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		id, err := p.resources.identity(p.resources.ofListener(name))
		if err != nil {
			return nil, err
		}
		return &tls.Config{
			Certificates: []tls.Certificate{id.certificate}, ClientAuth: tls.RequireAnyClientCert,
			VerifyConnection: func(s tls.ConnectionState) error { return id.verify(s, x509.ExtKeyUsageClientAuth) },
		}, nil
	}})
}

func (r *resources) ofListener(name string) *tlsv3.CommonTlsContext {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, chain := range r.listeners[name].GetFilterChains() {
		if c := tlsOf(chain.GetTransportSocket()); c != nil {
			return c
		}
	}
	return nil
}

// clientConfig returns how the sidecar connects to a cluster, or nil for plain text.
func (p *proxy) clientConfig(cluster string) (*tls.Config, error) {
	p.resources.mu.RLock()
	c := tlsOf(p.resources.clusters[cluster].GetTransportSocket())
	p.resources.mu.RUnlock()
	if c == nil {
		return nil, nil
	}
	id, err := p.resources.identity(c)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		// The name of a certificate is that of a service, not of an address: verify
		// checks it.
		InsecureSkipVerify: true,
		Certificates:       []tls.Certificate{id.certificate},
		VerifyConnection:   func(s tls.ConnectionState) error { return id.verify(s, x509.ExtKeyUsageServerAuth) },
	}, nil
}

// fingerprint returns what x-forwarded-client-cert says of a certificate.
func fingerprint(s *tls.ConnectionState) string {
	sum := sha256.Sum256(s.PeerCertificates[0].Raw)
	return "Hash=" + hex.EncodeToString(sum[:])
}
