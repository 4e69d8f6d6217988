// Package testca is a certificate authority for tests.
//
//	ca := testca.New(t)
//	cert, key := ca.Issue(t, testca.Names{DNS: []string{"localhost"}})
package testca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is an authority, and a folder with what it has issued.
type CA struct {
	// File is its certificate in PEM. Pool has it too.
	File string
	Pool *x509.CertPool

	dir    string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	issued int64
}

// Names are what a certificate is good for: servers by DNS name or address,
// clients by URI.
type Names struct {
	DNS []string
	IPs []string
	URI string
}

// New makes an authority in a folder of the test.
func New(t testing.TB) *CA {
	t.Helper()
	ca := &CA{dir: t.TempDir(), key: newKey(t), Pool: x509.NewCertPool()}
	template := ca.template("a test's authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	ca.cert = template
	ca.File = ca.write(t, "ca.crt", "CERTIFICATE", ca.sign(t, template, ca.key))
	ca.Pool.AddCert(ca.cert)
	return ca
}

// Issue makes a certificate for server and client, and returns its files.
func (ca *CA) Issue(t testing.TB, n Names) (certFile, keyFile string) {
	t.Helper()
	template := ca.template("issued by a test")
	template.DNSNames = n.DNS
	for _, ip := range n.IPs {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(ip))
	}
	if n.URI != "" {
		u, err := url.Parse(n.URI)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = []*url.URL{u}
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	key := newKey(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	name := template.SerialNumber.String()
	return ca.write(t, name+".crt", "CERTIFICATE", ca.sign(t, template, key)), ca.write(t, name+".key", "PRIVATE KEY", pkcs8)
}

// Client returns what a client speaks that trusts the authority and shows a
// certificate with a URI; an empty one means no certificate.
func (ca *CA) Client(t testing.TB, uri string) *tls.Config {
	t.Helper()
	cfg := &tls.Config{RootCAs: ca.Pool}
	if uri == "" {
		return cfg
	}
	cert, err := tls.LoadX509KeyPair(ca.Issue(t, Names{URI: uri}))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Certificates = []tls.Certificate{cert}
	return cfg
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (ca *CA) template(name string) *x509.Certificate {
	ca.issued++
	return &x509.Certificate{
		SerialNumber: big.NewInt(ca.issued), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// sign returns the certificate in DER; for the authority's own it also takes it
// over.
func (ca *CA) sign(t testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if template == ca.cert {
		if ca.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	return der
}

func (ca *CA) write(t testing.TB, name, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(ca.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
