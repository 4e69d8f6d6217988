package issuer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func request() *Request {
	return &Request{ID: "spiffe://shop/ns/local/sv/web", Subject: "virtualNode/web", DNSNames: []string{"web.local"}, Start: now, Life: 24 * time.Hour}
}

func newRoot(t *testing.T, life time.Duration) Pair {
	t.Helper()
	root, err := NewRoot("spiffe://shop", now, life)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func issue(t *testing.T, root Pair, r *Request) (Pair, *x509.Certificate) {
	t.Helper()
	pair, err := Issue(root, r)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(pair.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return pair, c
}

// TestIssue: a certificate is one of a program, valid for both sides of TLS, with the
// names of the request, and trusted by those who trust the root alone.
func TestIssue(t *testing.T) {
	root := newRoot(t, 365*24*time.Hour)
	pair, c := issue(t, root, request())
	if len(c.URIs) != 1 || c.URIs[0].String() != "spiffe://shop/ns/local/sv/web" || len(c.DNSNames) != 1 || c.DNSNames[0] != "web.local" || c.IsCA {
		t.Errorf("URIs %v, names %v, authority %t", c.URIs, c.DNSNames, c.IsCA)
	}
	if !c.NotAfter.Equal(now.Add(24*time.Hour)) || !c.NotBefore.Equal(now.Add(-ahead)) {
		t.Errorf("valid from %v to %v", c.NotBefore, c.NotAfter)
	}
	key, err := x509.ParsePKCS8PrivateKey(pair.Key)
	if err != nil || !key.(*ecdsa.PrivateKey).PublicKey.Equal(c.PublicKey) {
		t.Errorf("the key is not that of the certificate: %v", err)
	}
	verify := func(root Pair, usage x509.ExtKeyUsage, at time.Time) error {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(CertificatePEM(root.Certificate))
		_, err := c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if err := verify(root, usage, now); err != nil {
			t.Error(err)
		}
	}
	if verify(root, x509.ExtKeyUsageServerAuth, now.Add(25*time.Hour)) == nil {
		t.Error("the certificate is valid after its end")
	}
	if verify(newRoot(t, time.Hour), x509.ExtKeyUsageServerAuth, now) == nil {
		t.Error("another root of the same name is enough")
	}
}

// TestDeterministic: equal requests get equal certificates, and any difference gives
// another key.
func TestDeterministic(t *testing.T) {
	root := newRoot(t, 365*24*time.Hour)
	first, _ := issue(t, root, request())
	again, _ := issue(t, root, request())
	if !bytes.Equal(first.Certificate, again.Certificate) || !bytes.Equal(first.Key, again.Key) {
		t.Error("two certificates for one request differ")
	}
	for name, change := range map[string]func(*Request){
		"id":      func(r *Request) { r.ID += "2" },
		"subject": func(r *Request) { r.Subject += "2" },
		"both":    func(r *Request) { r.ID, r.Subject = r.ID+r.Subject[:1], r.Subject[1:] },
		"start":   func(r *Request) { r.Start = r.Start.Add(time.Second) },
		"life":    func(r *Request) { r.Life += time.Second },
	} {
		r := request()
		change(r)
		if other, _ := issue(t, root, r); bytes.Equal(first.Key, other.Key) {
			t.Errorf("another %s has the same key", name)
		}
	}
	if other, _ := issue(t, newRoot(t, 365*24*time.Hour), request()); bytes.Equal(first.Key, other.Key) {
		t.Error("another root gives the same key")
	}
}

// TestLimits: a certificate does not outlive its root; what is malformed is refused.
func TestLimits(t *testing.T) {
	root := newRoot(t, time.Hour)
	if _, c := issue(t, root, request()); !c.NotAfter.Equal(now.Add(time.Hour)) {
		t.Errorf("valid until %v", c.NotAfter)
	}
	late, other := request(), request()
	late.Start = now.Add(2 * time.Hour)
	other.ID = "https://shop"
	for want, try := range map[string]func() (Pair, error){
		"expired":              func() (Pair, error) { return Issue(root, late) },
		"not a SPIFFE id":      func() (Pair, error) { return Issue(root, other) },
		"not that of the root": func() (Pair, error) { return Issue(Pair{root.Certificate, newRoot(t, time.Hour).Key}, request()) },
		"malformed":            func() (Pair, error) { return Issue(Pair{[]byte("x"), root.Key}, request()) },
		"asn1":                 func() (Pair, error) { return Issue(Pair{root.Certificate, []byte("x")}, request()) },
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if key := KeyPEM(root.Key); !bytes.HasPrefix(key, []byte("-----BEGIN PRIVATE KEY-----\n")) {
		t.Errorf("%.30s", key)
	}
}
