package dot_test

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/edge/dns/dot"
)

// certificates has the test certificate of net/http/httptest.
type certificates struct{ tls.Certificate }

func newCertificates(t *testing.T) certificates {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return certificates{s.TLS.Certificates[0]}
}

func (c certificates) TLS(protocols ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.Certificate}, NextProtos: protocols}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := dot.Listen(inner, newCertificates(t))
	t.Cleanup(func() { ln.Close() })
	return ln
}

// A DNS server without TLS answers over the listener.
func TestExchange(t *testing.T) {
	ln := listen(t)
	server := &dns.Server{Listener: ln, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused))
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.ActivateAndServe() })
	<-started
	defer wg.Wait()
	defer func() { _ = server.Shutdown() }()

	for name, offers := range map[string][]string{"with ALPN": {"dot"}, "without ALPN": nil} {
		client := &dns.Client{Net: "tcp-tls", TLSConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: offers}}
		answer, _, err := client.Exchange(new(dns.Msg).SetQuestion("www.example.", dns.TypeA), ln.Addr().String())
		if err != nil || answer.Rcode != dns.RcodeRefused {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
}

// A client of another protocol is rejected.
func TestOtherProtocol(t *testing.T) {
	ln := listen(t)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if conn, err := ln.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	})
	conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err == nil {
		_ = conn.Close()
		t.Error("a client of HTTP/2 was served")
	}
}

// The deadline of the reader applies to a client without a handshake.
func TestSilentClient(t *testing.T) {
	ln := listen(t)
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Errorf("Read: %v", err)
	}
}
