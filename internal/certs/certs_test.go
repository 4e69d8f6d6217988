package certs_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/internal/certs"
)

// pair is a certificate that signs itself, and its key.
type pair struct{ cert, key []byte }

func newPair(t *testing.T, name string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}
}

// write puts a pair into dir.
func (p pair) write(t *testing.T, dir string) {
	t.Helper()
	for name, content := range map[string][]byte{"tls.crt": p.cert, "tls.key": p.key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func config(dir string) certs.Config {
	return certs.Config{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
}

func load(t *testing.T, cfg certs.Config) *certs.Source {
	t.Helper()
	s, err := certs.Load(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// handshake connects a client to a server and returns what the client saw.
func handshake(server, client *tls.Config) (tls.ConnectionState, error) {
	a, b := net.Pipe()
	defer a.Close()
	var wg sync.WaitGroup
	var served error
	wg.Go(func() {
		defer b.Close()
		conn := tls.Server(b, server)
		if served = conn.Handshake(); served == nil {
			_, served = conn.Write([]byte("x")) // with TLS 1.3 a client learns of a refusal by reading
		}
	})
	conn := tls.Client(a, client)
	err := conn.Handshake()
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	a.Close()
	wg.Wait()
	return conn.ConnectionState(), err
}

// named is the name on the certificate that a server shows.
func named(t *testing.T, s *certs.Source) string {
	t.Helper()
	state, err := handshake(s.TLS(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	return state.PeerCertificates[0].Subject.CommonName
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	newPair(t, "one.example").write(t, dir)
	s := load(t, config(dir))
	if got := named(t, s); got != "one.example" {
		t.Fatalf("certificate of %s", got)
	}
	two := newPair(t, "two.example")
	two.write(t, dir)
	if got := named(t, s); got != "one.example" {
		t.Errorf("before Reload: certificate of %s", got)
	}
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := named(t, s); got != "two.example" {
		t.Errorf("after Reload: certificate of %s", got)
	}
	// Half of a renewal.
	if err := os.WriteFile(filepath.Join(dir, "tls.crt"), newPair(t, "three.example").cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("certificate and key that do not fit: %v", err)
	}
	if got := named(t, s); got != "two.example" {
		t.Errorf("after half a renewal: certificate of %s", got)
	}
	if got := s.NotAfter().Year(); got != 2100 {
		t.Errorf("expires in %d", got)
	}
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Run sees a renewal within its interval and says so once; what is wrong it
// says once, too.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	newPair(t, "one.example").write(t, dir)
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		cfg := config(dir)
		cfg.Interval = time.Minute
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		s := load(t, cfg)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = s.Run(ctx) })

		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if log.String() != "" {
			t.Errorf("nothing changed, and the log says %s", &log)
		}
		newPair(t, "two.example").write(t, dir)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := named(t, s); got != "two.example" {
			t.Errorf("certificate of %s", got)
		}
		if n := strings.Count(log.String(), "certificate renewed"); n != 1 {
			t.Errorf("%d renewals in the log:\n%s", n, &log)
		}
		if err := os.Remove(filepath.Join(dir, "tls.key")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := strings.Count(log.String(), "WARN"); n != 1 {
			t.Errorf("%d warnings in the log:\n%s", n, &log)
		}
		stop()
		wg.Wait()
	})
}

func TestVersions(t *testing.T) {
	dir := t.TempDir()
	newPair(t, "one.example").write(t, dir)
	s := load(t, config(dir))
	for max, works := range map[uint16]bool{
		tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		state, err := handshake(s.TLS(), &tls.Config{
			InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: max,
		})
		if (err == nil) != works || works && state.Version != max {
			t.Errorf("%s: %v, spoke %s", tls.VersionName(max), err, tls.VersionName(state.Version))
		}
	}
}

func TestProtocols(t *testing.T) {
	dir := t.TempDir()
	newPair(t, "one.example").write(t, dir)
	server := load(t, config(dir)).TLS("dot")
	for _, c := range []struct {
		offers []string
		spoken string
		works  bool
	}{
		{nil, "", true}, {[]string{"dot"}, "dot", true}, {[]string{"h2", "dot"}, "dot", true}, {[]string{"h2"}, "", false},
	} {
		state, err := handshake(server, &tls.Config{InsecureSkipVerify: true, NextProtos: c.offers})
		if (err == nil) != c.works || state.NegotiatedProtocol != c.spoken {
			t.Errorf("client offers %v: %v, spoke %q", c.offers, err, state.NegotiatedProtocol)
		}
	}
}

func TestClientCertificates(t *testing.T) {
	dir := t.TempDir()
	newPair(t, "one.example").write(t, dir)
	known, unknown := newPair(t, "client.example"), newPair(t, "stranger.example")
	cfg := config(dir)
	cfg.ClientCAFile = filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(cfg.ClientCAFile, known.cert, 0o600); err != nil {
		t.Fatal(err)
	}
	server := load(t, cfg).TLS()
	show := func(p *pair) error {
		client := &tls.Config{InsecureSkipVerify: true}
		if p != nil {
			cert, err := tls.X509KeyPair(p.cert, p.key)
			if err != nil {
				t.Fatal(err)
			}
			client.Certificates = []tls.Certificate{cert}
		}
		_, err := handshake(server, client)
		return err
	}
	if err := show(&known); err != nil {
		t.Errorf("a known client: %v", err)
	}
	if show(&unknown) == nil || show(nil) == nil {
		t.Error("a client without a valid certificate was served")
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	newPair(t, "one.example").write(t, dir)
	good := config(dir)
	for name, change := range map[string]func(*certs.Config){
		"no certificate":     func(c *certs.Config) { c.CertFile = "" },
		"no key":             func(c *certs.Config) { c.KeyFile = "" },
		"a missing file":     func(c *certs.Config) { c.CertFile += ".missing" },
		"swapped files":      func(c *certs.Config) { c.CertFile, c.KeyFile = c.KeyFile, c.CertFile },
		"a missing CA":       func(c *certs.Config) { c.ClientCAFile = c.CertFile + ".missing" },
		"a CA that is a key": func(c *certs.Config) { c.ClientCAFile = c.KeyFile },
	} {
		cfg := good
		change(&cfg)
		if _, err := certs.Load(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
