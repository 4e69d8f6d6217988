// Package certs keeps a server's certificate consistent with its files, so that
// one that is renewed is used without a restart.
//
//	source, err := certs.Load(certs.Config{CertFile: "tls.crt", KeyFile: "tls.key"})
//	go source.Run(ctx)
//	ln = tls.NewListener(ln, source.TLS("h2", "http/1.1"))
package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where the certificate is.
type Config struct {
	// CertFile is the certificate chain in PEM, the server's own first.
	// Required.
	CertFile string
	// KeyFile is its private key in PEM. Required.
	KeyFile string
	// ClientCAFile are the authorities that may sign client certificates, in
	// PEM. Clients have to show one that is valid then. Empty means that no
	// certificate is asked for.
	ClientCAFile string
	// ClientOptional lets clients come without a certificate; one that is shown
	// must be valid nevertheless.
	ClientOptional bool
	// Interval is how often Run looks whether the files have changed. 0 means
	// 10 s.
	Interval time.Duration
	// Logger gets renewals and why they did not work. Nil means none.
	Logger *slog.Logger
}

const defaultInterval = 10 * time.Second

// Source is a certificate that may be renewed at any time.
type Source struct {
	cfg     Config
	current atomic.Pointer[loaded]

	mu sync.Mutex // one Reload at a time
}

// loaded is what the files said. It never changes.
type loaded struct {
	files     files
	cert      tls.Certificate
	clientCAs *x509.CertPool // nil when clients need no certificate
}

// files are the files' contents.
type files struct{ cert, key, clientCA []byte }

// Load reads the certificate. It starts nothing.
func Load(cfg Config) (*Source, error) {
	if cfg.CertFile == "" || cfg.KeyFile == "" {
		return nil, errors.New("certs: a certificate file and a key file are required")
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Source{cfg: cfg}
	return s, s.Reload()
}

// Run looks at every interval whether the files have changed, and uses the new
// certificate. It returns nil when ctx ends.
func (s *Source) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Interval)
	defer tick.Stop()
	var last string // the error that has been logged
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := s.Reload()
		// Certificate and key are two files, so in the middle of a renewal they
		// may not fit each other; and an error that stays is logged once.
		if err != nil && err.Error() != last {
			s.cfg.Logger.Warn("the certificate cannot be renewed; the one before it stays", "error", err)
		}
		last = ""
		if err != nil {
			last = err.Error()
		}
	}
}

// Reload reads the files now. If they are wrong, the certificate stays as it
// is. Connections that are open stay with the certificate they began with.
func (s *Source) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.read()
	if err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	before := s.current.Load()
	if before != nil && before.files.equal(f) {
		return nil
	}
	now, err := f.load(s.cfg)
	if err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	s.current.Store(now)
	if before != nil {
		s.cfg.Logger.Info("certificate renewed", "file", s.cfg.CertFile, "not_after", now.cert.Leaf.NotAfter)
	}
	return nil
}

// read reads the files whole, whether or not they look changed: they are small,
// and times of modification tell nothing certain.
func (s *Source) read() (files, error) {
	var f files
	for _, one := range []struct {
		name string
		to   *[]byte
	}{{s.cfg.CertFile, &f.cert}, {s.cfg.KeyFile, &f.key}, {s.cfg.ClientCAFile, &f.clientCA}} {
		if one.name == "" {
			continue
		}
		var err error
		if *one.to, err = os.ReadFile(one.name); err != nil {
			return files{}, err
		}
	}
	return f, nil
}

func (f files) equal(g files) bool {
	return bytes.Equal(f.cert, g.cert) && bytes.Equal(f.key, g.key) && bytes.Equal(f.clientCA, g.clientCA)
}

func (f files) load(cfg Config) (*loaded, error) {
	cert, err := tls.X509KeyPair(f.cert, f.key)
	if err != nil {
		// The error names neither file, and never shows the key.
		return nil, fmt.Errorf("%s and %s: %w", cfg.CertFile, cfg.KeyFile, err)
	}
	l := &loaded{files: f, cert: cert}
	if cfg.ClientCAFile == "" {
		return l, nil
	}
	l.clientCAs = x509.NewCertPool()
	if !l.clientCAs.AppendCertsFromPEM(f.clientCA) {
		return nil, fmt.Errorf("%s: holds no certificate in PEM", cfg.ClientCAFile)
	}
	return l, nil
}

// NotAfter is when the certificate in use expires.
func (s *Source) NotAfter() time.Time { return s.current.Load().cert.Leaf.NotAfter }

// TLS returns a server's configuration that always uses the newest certificate,
// TLS 1.3, and 1.2 for clients that do not support it. With protocols, a client
// that offers others only is refused (ALPN, RFC 7301), so that a connection
// meant for one service cannot be led to another; one that offers none is
// served.
func (s *Source) TLS(protocols ...string) *tls.Config {
	base := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols}
	outer := base.Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := s.current.Load()
		c := base.Clone()
		c.Certificates = []tls.Certificate{now.cert}
		if now.clientCAs != nil {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, now.clientCAs
			if s.cfg.ClientOptional {
				c.ClientAuth = tls.VerifyClientCertIfGiven
			}
		}
		return c, nil
	}
	// net/http and others look whether there is a certificate at all.
	outer.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &s.current.Load().cert, nil
	}
	return outer
}
