package prober

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
)

func selfSigned(t *testing.T, key crypto.Signer) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "old"}, NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS is a server that answers 200 over TLS.
func serveTLS(t *testing.T, config *tls.Config) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			secure := tls.Server(conn, config)
			secure.SetDeadline(time.Now().Add(10 * time.Second))
			if secure.Handshake() == nil {
				secure.Read(make([]byte, 4096))
				io.WriteString(secure, "HTTP/1.1 200 OK\r\n\r\n")
			}
			secure.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// TestEveryTLS: servers of every version and cipher suite are healthy, those with
// RSA key exchange and others that are out of use included.
func TestEveryTLS(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificates := map[bool]tls.Certificate{false: selfSigned(t, rsaKey), true: selfSigned(t, ecKey)}
	p := newProber(t, nil)
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		for _, version := range suite.SupportedVersions {
			to := serveTLS(t, &tls.Config{
				Certificates: []tls.Certificate{certificates[strings.Contains(suite.Name, "ECDSA")]},
				MinVersion:   version, MaxVersion: version, CipherSuites: []uint16{suite.ID},
			})
			got := p.probe(t.Context(), &target{kind: registry.CheckHTTPS, addr: to, path: "/", host: "s.example"})
			if got.Kind != health.Passed {
				t.Errorf("%s with %s: %s", tls.VersionName(version), suite.Name, got)
			}
		}
	}
}

// TestClientCertificates: a server that asks for a certificate is healthy, one
// that insists is not, and the reason says so with every version.
func TestClientCertificates(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := newProber(t, nil)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		for auth, want := range map[tls.ClientAuthType]health.Kind{
			tls.NoClientCert: health.Passed, tls.RequestClientCert: health.Passed, tls.VerifyClientCertIfGiven: health.Passed,
			tls.RequireAnyClientCert: health.WantsCertificate, tls.RequireAndVerifyClientCert: health.WantsCertificate,
		} {
			to := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{selfSigned(t, key)}, MinVersion: version, MaxVersion: version, ClientAuth: auth})
			got := p.probe(t.Context(), &target{kind: registry.CheckHTTPS, addr: to, path: "/", host: "s.example"})
			if got.Kind != want {
				t.Errorf("%s, %v: %s", tls.VersionName(version), auth, got)
			}
		}
	}
}
