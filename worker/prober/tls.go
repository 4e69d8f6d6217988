package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
)

// secureConn is a TLS connection that knows whether the server has asked for a
// client certificate, which a probe does not have.
type secureConn struct {
	*tls.Conn
	wantsCertificate bool
}

// connectTLS makes the TLS handshake. A server that refuses it is tried again
// without the name, as Route 53 does, and with a smaller first message: some old
// servers know neither the name nor the post-quantum keys.
func (p *Prober) connectTLS(ctx context.Context, t *target, conn net.Conn, by time.Time) (net.Conn, health.Reason) {
	secure, err := handshake(ctx, conn, tlsConfig(t.serverName()), by)
	if err != nil && !timeout(err) && !secure.wantsCertificate && !notTLS(err) {
		var r health.Reason
		if conn, r = p.dial(ctx, t, by); conn == nil {
			return nil, r
		}
		config := tlsConfig("")
		config.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
		secure, err = handshake(ctx, conn, config, by)
	}
	if err != nil {
		return nil, secure.reason(err)
	}
	return secure, health.Reason{}
}

// handshake closes conn unless it succeeds.
func handshake(ctx context.Context, conn net.Conn, config *tls.Config, by time.Time) (*secureConn, error) {
	secure := new(secureConn)
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		secure.wantsCertificate = true
		return new(tls.Certificate), nil // none; a server that only asks goes on
	}
	secure.Conn = tls.Client(conn, config)
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // err says more
		return secure, err
	}
	return secure, nil
}

// reason says why there is no TLS connection.
func (c *secureConn) reason(err error) health.Reason {
	switch {
	case timeout(err):
		return health.Reason{Kind: health.TLSTimeout}
	case notTLS(err):
		return health.Reason{Kind: health.NotTLS}
	case c.wantsCertificate:
		return health.Reason{Kind: health.WantsCertificate}
	}
	return health.Reason{Kind: health.TLSFailed}
}

// refusedForCertificate reports whether reading has failed because the server
// refuses clients without a certificate: with TLS 1.3 it says so only after the
// handshake.
func refusedForCertificate(conn net.Conn, err error) bool {
	c, secure := conn.(*secureConn)
	failed, ok := errors.AsType[*net.OpError](err)
	return secure && c.wantsCertificate && ok && failed.Op == "remote error" // an alert of TLS
}

// notTLS reports whether the other side has answered in another protocol.
func notTLS(err error) bool {
	_, other := errors.AsType[tls.RecordHeaderError](err)
	return other
}

// tlsConfig accepts every certificate, version and cipher suite: a health check
// finds out whether a server answers, and sends it nothing that needs protection.
func tlsConfig(name string) *tls.Config {
	return &tls.Config{
		ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS13,
		CipherSuites: cipherSuites,
	}
}

// cipherSuites are all that crypto/tls has for TLS 1.0 to 1.2, those with RSA key
// exchange included. It does not let them be chosen for TLS 1.3.
var cipherSuites = func() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}()
