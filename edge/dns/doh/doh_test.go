package doh_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/edge/dns/doh"
	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// packed returns a query in wire form.
func packed(t *testing.T, name string) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	m.Id = 0 // RFC 8484 section 4.1
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func rr(t *testing.T, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answering returns an Answer: an empty answer that change has modified.
func answering(t *testing.T, change func(*dns.Msg)) doh.Answer {
	return func(_ context.Context, query []byte, _ netip.AddrPort, out []byte) []byte {
		q := new(dns.Msg)
		if q.Unpack(query) != nil {
			return nil
		}
		m := new(dns.Msg).SetReply(q)
		if change != nil {
			change(m)
		}
		raw, err := m.Pack()
		if err != nil {
			t.Error(err)
		}
		return append(out, raw...)
	}
}

func get(dnsParam string) *http.Request {
	return httptest.NewRequest(http.MethodGet, doh.Path+"?dns="+dnsParam, nil)
}

func post(contentType string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, doh.Path, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestAnswers(t *testing.T) {
	query := packed(t, "www.example.")
	h := doh.Handler(answering(t, func(m *dns.Msg) { m.Answer = []dns.RR{rr(t, "www.example. 60 A 192.0.2.1")} }))
	encoded := base64.RawURLEncoding.EncodeToString(query)
	for name, r := range map[string]*http.Request{
		"GET":                   get(encoded),
		"GET with another":      get(encoded + "&ct=x"),
		"POST":                  post("application/dns-message", query),
		"POST with a parameter": post("Application/DNS-Message; x=y", query),
	} {
		t.Run(name, func(t *testing.T) {
			resp := serve(h, r)
			body, _ := io.ReadAll(resp.Body)
			m := new(dns.Msg)
			if err := m.Unpack(body); err != nil || resp.StatusCode != http.StatusOK || len(m.Answer) != 1 || m.Id != 0 {
				t.Fatalf("status %d, %v\n%v", resp.StatusCode, err, m)
			}
			for header, want := range map[string]string{
				"Content-Type": "application/dns-message", "Cache-Control": "private, max-age=60",
			} {
				if got := resp.Header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	query := packed(t, "www.example.")
	encoded := base64.RawURLEncoding.EncodeToString(query)
	const mt = "application/dns-message"
	h := doh.Handler(answering(t, nil))
	for _, c := range []struct {
		name    string
		request *http.Request
		status  int
	}{
		{"no parameter", httptest.NewRequest(http.MethodGet, doh.Path, nil), 400},
		{"two parameters", get(encoded + "&dns=" + encoded), 400},
		{"empty parameter", get(""), 400},
		{"padding", get(encoded + "=="), 400},
		{"base64, not base64url", get("++++++++++++++++"), 400},
		{"a line end inside", get(encoded[:8] + "%0A" + encoded[8:]), 400},
		{"stray bits at the end", get(base64.RawURLEncoding.EncodeToString(query[:13])[:17] + "B"), 400},
		{"not a message", get(base64.RawURLEncoding.EncodeToString([]byte("this is not a message"))), 400},
		{"too short", get("AAAA"), 400},
		{"long parameter", get(strings.Repeat("A", 6000)), 414},
		{"empty body", post(mt, nil), 400},
		{"other body", post(mt, []byte("this is not a message")), 400},
		{"no type", post("", query), 415},
		{"other type", post("application/dns-json", query), 415},
		{"large body", post(mt, make([]byte, 4097)), 413},
		{"PUT", httptest.NewRequest(http.MethodPut, doh.Path, bytes.NewReader(query)), 405},
		{"DELETE", httptest.NewRequest(http.MethodDelete, doh.Path+"?dns="+encoded, nil), 405},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := serve(h, c.request)
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			if resp.Header.Get("Cache-Control") != "no-store" {
				t.Error("may be cached")
			}
			if (resp.Header.Get("Allow") != "") != (c.status == 405) {
				t.Errorf("Allow: %q", resp.Header.Get("Allow"))
			}
		})
	}
}

// How long a response may be kept: RFC 8484 section 5.1, RFC 2308 section 5.
func TestCacheControl(t *testing.T) {
	soa := rr(t, "example. 100 SOA ns.example. admin.example. 1 2 3 4 50")
	soa2 := rr(t, "example. 40 SOA ns.example. admin.example. 1 2 3 4 50")
	for _, c := range []struct {
		name   string
		change func(*dns.Msg)
		want   string
	}{
		{"the least TTL of the answer", func(m *dns.Msg) {
			m.Answer = []dns.RR{rr(t, "www.example. 60 A 192.0.2.1"), rr(t, "www.example. 30 A 192.0.2.2")}
			m.Ns = []dns.RR{rr(t, "example. 5 NS ns.example.")}
		}, "private, max-age=30"},
		{"TTL 0", func(m *dns.Msg) { m.Answer = []dns.RR{rr(t, "www.example. 0 A 192.0.2.1")} }, "private, max-age=0"},
		{"NODATA", func(m *dns.Msg) { m.Ns = []dns.RR{soa} }, "private, max-age=50"},
		{"NXDOMAIN", func(m *dns.Msg) { m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{soa2} }, "private, max-age=40"},
		{"NODATA without SOA", func(*dns.Msg) {}, "no-store"},
		{"SERVFAIL", func(m *dns.Msg) { m.Rcode, m.Ns = dns.RcodeServerFailure, []dns.RR{soa} }, "no-store"},
		{"REFUSED", func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }, "no-store"},
		{"compressed", func(m *dns.Msg) {
			m.Compress = true
			m.Answer = []dns.RR{rr(t, "www.example. 60 CNAME a.example."), rr(t, "a.example. 20 A 192.0.2.2")}
		}, "private, max-age=20"},
	} {
		resp := serve(doh.Handler(answering(t, c.change)), post("application/dns-message", packed(t, "www.example.")))
		if got := resp.Header.Get("Cache-Control"); got != c.want || resp.StatusCode != 200 {
			t.Errorf("%s: status %d, Cache-Control %q, want %q", c.name, resp.StatusCode, got, c.want)
		}
	}
}

// A malformed answer is not cached and does not cause a panic.
func FuzzCacheControl(f *testing.F) {
	f.Add([]byte("\x00\x00\x80\x00\x00\x01\x00\x01\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04"))
	f.Add([]byte("\x00\x00\x80\x03\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x04\x00\x00\x00\x09"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		h := doh.Handler(func(context.Context, []byte, netip.AddrPort, []byte) []byte { return answer })
		resp := serve(h, post("application/dns-message", make([]byte, 12)))
		if resp.StatusCode == 200 && resp.Header.Get("Cache-Control") == "" {
			t.Error("no Cache-Control")
		}
	})
}

// The client's address is that of the connection; header fields are ignored.
func TestClientAddress(t *testing.T) {
	var got netip.AddrPort
	h := doh.Handler(func(_ context.Context, query []byte, from netip.AddrPort, out []byte) []byte {
		got = from
		return append(out, query...)
	})
	r := post("application/dns-message", packed(t, "www.example."))
	r.RemoteAddr = "[2001:db8::7]:4711"
	r.Header.Set("X-Forwarded-For", "127.0.0.1")
	r.Header.Set("Forwarded", "for=127.0.0.1")
	serve(h, r)
	if want := netip.MustParseAddrPort("[2001:db8::7]:4711"); got != want {
		t.Errorf("client %v, want %v", got, want)
	}
}

// certificates has the test certificate of net/http/httptest.
type certificates struct{ tls.Certificate }

func (c certificates) TLS(protocols ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.Certificate}, NextProtos: protocols}
}

// A server: HTTP/2 and HTTP/1.1 over TLS, other paths, shutdown.
func TestServer(t *testing.T) {
	borrowed := httptest.NewTLSServer(nil)
	certs := certificates{borrowed.TLS.Certificates[0]}
	borrowed.Close()
	s, err := doh.New(doh.Config{
		Answer: answering(t, nil), Certificates: certs, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	for major, http2 := range map[int]bool{1: false, 2: true} {
		transport := &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			ForceAttemptHTTP2: http2,
		}
		client := &http.Client{Transport: transport}
		for path, status := range map[string]int{doh.Path: 200, "/": 404, "/other": 404} {
			resp, err := client.Post("https://"+ln.Addr().String()+path, "application/dns-message",
				bytes.NewReader(packed(t, "www.example.")))
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != status || resp.ProtoMajor != major {
				t.Errorf("%s: status %d by %s", path, resp.StatusCode, resp.Proto)
			}
			resp.Body.Close()
		}
		transport.CloseIdleConnections()
	}
	stop()
	wg.Wait()
	if _, err := doh.New(doh.Config{}); err == nil {
		t.Error("a Config without anything was accepted")
	}
}

// At the limit of one client, its idle connection gives way to a new one.
func TestIdleConnectionGivesWay(t *testing.T) {
	borrowed := httptest.NewTLSServer(nil)
	certs := certificates{borrowed.TLS.Certificates[0]}
	borrowed.Close()
	var mu sync.Mutex
	replaced := 0
	s, err := doh.New(doh.Config{
		Answer: answering(t, nil), Certificates: certs, Logger: slog.New(slog.DiscardHandler),
		Limits: connlimit.Limits{PerClient: 2},
		Reached: func(limit connlimit.Limit, refused bool) {
			mu.Lock()
			defer mu.Unlock()
			if limit == connlimit.PerClient && !refused {
				replaced++
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer stop()
	silent, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for i := range 4 {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: i%2 == 0}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		for { // the server may mark a connection as idle a little later
			resp, err := client.Post("https://"+ln.Addr().String()+doh.Path, "application/dns-message", bytes.NewReader(packed(t, "www.example.")))
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body) // the connection stays open
				resp.Body.Close()
				break
			}
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("the connection without a request is open")
	}
	mu.Lock()
	defer mu.Unlock()
	if replaced < 3 {
		t.Errorf("%d connections were replaced, want 3", replaced)
	}
}
