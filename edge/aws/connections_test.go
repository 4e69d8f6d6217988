package aws_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/internal/testca"
)

// honest is a caller with one connection of its own.
type honest struct {
	*guarded
	scheme    string
	transport *http.Transport
}

func newHonest(g *guarded, scheme string) *honest {
	h := &honest{g, scheme, &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	g.Cleanup(h.transport.CloseIdleConnections)
	return h
}

// call makes a signed call and reports whether it was on a connection that was open
// before. It fails the test if the call is not answered.
func (h *honest) call(when string) (reused bool) {
	h.Helper()
	r := h.signedRequest(h.scheme, "admin", "ListNamespaces", `{}`, time.Now())
	r = r.WithContext(httptrace.WithClientTrace(h.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }}))
	resp, err := h.transport.RoundTrip(r)
	if err != nil {
		h.Errorf("%s: %v", when, err)
		return false
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		h.Errorf("%s: status %d, %v", when, resp.StatusCode, err)
	}
	return reused
}

// strangers are what clients without credentials may send on a connection that they keep.
var strangers = map[string]string{
	"nothing":            "",
	"half a header":      "POST / HTTP/1.1\r\nHost: x\r\nX-Amz",
	"an unsigned call":   rawRequest("POST / HTTP/1.1", "", `{}`, "ListNamespaces"),
	"GET":                "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"no request":         "\x16\x03\x01nonsense\r\n\r\n",
	"a body of 30 s":     "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: " + targetPrefix + "ListNamespaces\r\nContent-Length: 100000\r\n\r\n{",
	"a claim, no body":   claimed("Content-Length: 1000\r\n\r\n{"),
	"a claim, chunks":    claimed("Transfer-Encoding: chunked\r\n\r\n5\r\n{    \r\n"),
	"a wrong signature":  claimed("Content-Length: 2\r\n\r\n{}"),
	"a form with nobody": "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 43\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15",
}

// claimed is a request that names the access key of somebody else.
func claimed(rest string) string {
	now := time.Now().UTC()
	return "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: " + targetPrefix + "ListNamespaces\r\nX-Amz-Date: " + now.Format("20060102T150405Z") +
		"\r\nAuthorization: AWS4-HMAC-SHA256 Credential=KEYadmin/" + now.Format("20060102") +
		"/eu-west-1/servicediscovery/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + strings.Repeat("0", 64) + "\r\n" + rest
}

// One client that keeps thousands of connections does not lock out others, although it has
// the same address, and their connections stay open.
func TestStrangersDoNotLockOut(t *testing.T) {
	certFile, keyFile := testca.New(t).Issue(t, testca.Names{DNS: []string{"localhost"}})
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, limits := range map[string]aws.Limits{
		"unauthenticated": {MaxConnections: 200, MaxConnectionsPerClient: 200},
		"client":          {MaxConnections: 200, MaxConnectionsPerClient: 50, MaxUnauthenticatedConnections: 200},
		"all":             {MaxConnections: 50, MaxConnectionsPerClient: 200, MaxUnauthenticatedConnections: 200},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				g := startGuarded(t, func(o *options) {
					o.server.Limits = limits
					if scheme == "https" {
						o.server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
					}
				})
				known := newHonest(g, scheme)
				known.call("before")
				flood(g, scheme, 1000)
				if !known.call("on a connection from before") {
					t.Error("the connection of an authenticated caller was closed")
				}
				newHonest(g, scheme).call("on a new connection")
				if n := counted(t, g.metrics, "cairn_api_connections_replaced_total", name); n < 500 {
					t.Errorf("%v connections were replaced", n)
				}
				if n := counted(t, g.metrics, "cairn_api_connections", "true"); n != 2 {
					t.Errorf("%v connections are authenticated", n)
				}
			})
		}
	}
}

// flood opens connections, sends on each what strangers send, and keeps them.
func flood(g *guarded, scheme string, n int) {
	g.Helper()
	var texts []string
	for _, text := range strangers {
		texts = append(texts, text)
	}
	for i := range n {
		c, err := net.Dial("tcp", g.addr)
		if err != nil {
			g.Fatal(err)
		}
		g.Cleanup(func() { c.Close() })
		if scheme == "https" && i%10 == 0 { // others send what is no handshake
			secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			if secure.HandshakeContext(g.Context()) != nil {
				continue // replaced
			}
			c = secure
		}
		_, _ = io.WriteString(c, texts[i%len(texts)]) // it may be replaced already
	}
}

// In open mode, where nobody is authenticated, a client has its limit too.
func TestConnectionsInOpenMode(t *testing.T) {
	s := start(t, func(o *options) {
		o.server.Limits = aws.Limits{MaxConnectionsPerClient: 10, MaxUnauthenticatedConnections: 1}
	})
	conns := make([]net.Conn, 30)
	for i := range conns {
		conns[i] = s.dial()
	}
	s.must("ListNamespaces", `{}`)
	if n := counted(t, s.metrics, "cairn_api_connections", "false"); n > 10 {
		t.Errorf("%v connections are open", n)
	}
	if n := strings.Count(s.log.text(), "limit of connections reached"); n != 1 {
		t.Errorf("%d lines in the log", n)
	}
}

// Who only names a key, and does not send a body that the signature can be compared with,
// is nobody: neither the log nor the audit log names the owner of the key.
func TestClaimsAreNotCallers(t *testing.T) {
	a := startAudited(t)
	got := a.raw(claimed("Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n"))
	if !strings.Contains(got, "413") {
		t.Errorf("%s", got)
	}
	for _, r := range a.records() {
		if !cmp.Equal(r["userIdentity"], map[string]any{"type": "Unknown", "accessKeyId": "KEYadmin"}) || r["recipientAccountId"] != nil {
			t.Errorf("%v", r)
		}
	}
	if strings.Contains(a.log.text(), "user/admin") || strings.Contains(a.log.text(), owner) {
		t.Errorf("%s", a.log.text())
	}
}
