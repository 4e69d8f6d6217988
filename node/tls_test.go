package node_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

const webARN = "arn:aws:iam::123456789012:user/web"

// overTLS is a node that asks for signatures or client certificates, on API and
// admin listener.
func overTLS(t *testing.T, more ...nodetest.Option) (*nodetest.Node, *testca.CA) {
	t.Helper()
	ca := testca.New(t)
	cert, key := ca.Issue(t, testca.Names{IPs: []string{"127.0.0.1"}})
	options := append([]nodetest.Option{nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Auth.Mode = "sigv4"
		c.TLS = config.TLS{CertFile: cert, KeyFile: key, ClientCAFile: ca.File, ClientOptional: true, Admin: true}
		c.Accounts = []config.Account{{ID: "123456789012", Users: []config.User{{Name: "web", Policies: []config.Policy{
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}}`,
		}}}}}
	})}, more...)
	n := nodetest.Start(t, options...)
	n.AdminURL = "https://" + n.Addrs().Admin
	return n, ca
}

// fetch sends a request over a connection of its own.
func fetch(t *testing.T, cfg *tls.Config, method, url, contentType, target, body string) (int, string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: cfg}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if target != "" {
		r.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+target)
	}
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// A client certificate says who sends a request that is not signed, to every
// API, and policies see that it came over TLS.
func TestClientCertificatesOnTheAPI(t *testing.T) {
	n, ca := overTLS(t)
	const json, form = "application/x-amz-json-1.1", "application/x-www-form-urlencoded"
	for _, c := range []struct {
		what, uri, contentType, target, body string
		status                               int
		want                                 string
	}{
		{"a user", webARN, json, "ListNamespaces", "{}", 200, `{"Namespaces":[]}`},
		{"a user, of STS", webARN, form, "", "Action=GetCallerIdentity&Version=2011-06-15", 200, "<Arn>" + webARN + "</Arn>"},
		{"nobody we know", webARN + "er", json, "ListNamespaces", "{}", 400, "MissingAuthenticationTokenException"},
		{"another kind of name", "spiffe://example.org/web", json, "ListNamespaces", "{}", 400, "MissingAuthenticationTokenException"},
		{"no certificate", "", json, "ListNamespaces", "{}", 400, "MissingAuthenticationTokenException"},
		{"no certificate, of STS", "", form, "", "Action=GetCallerIdentity&Version=2011-06-15", 403, "MissingAuthenticationToken"},
	} {
		if status, body := fetch(t, ca.Client(t, c.uri), http.MethodPost, n.URL, c.contentType, c.target, c.body); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.what, status, body)
		}
	}
	transport := &http.Transport{TLSClientConfig: testca.New(t).Client(t, webARN)}
	transport.TLSClientConfig.RootCAs = ca.Pool
	if _, err := (&http.Client{Transport: transport}).Get(n.URL); err == nil {
		t.Error("a certificate of another authority is taken")
	}
}

// On the admin listener a certificate stands for the token, unless it is that
// of a user of the API.
func TestClientCertificatesOnTheAdminListener(t *testing.T) {
	n, ca := overTLS(t)
	for _, c := range []struct {
		uri, method, path string
		want              int
	}{
		{"spiffe://example.org/operator", "GET", "/metrics", 200},
		{"spiffe://example.org/operator", "POST", "/identity/list-users", 200},
		{webARN, "GET", "/metrics", 401},
		{webARN, "POST", "/identity/list-users", 401},
		{"", "POST", "/identity/list-users", 401},
		{"", "GET", "/readyz", 200},
	} {
		if status, body := fetch(t, ca.Client(t, c.uri), c.method, n.AdminURL+c.path, "application/json", "", `{"Account":"123456789012"}`); status != c.want {
			t.Errorf("%s as %q: %d %s", c.path, c.uri, status, body)
		}
	}
}

func TestVersionsOfTLS(t *testing.T) {
	n, ca := overTLS(t)
	for _, addr := range []string{n.Addrs().API, n.Addrs().Admin} {
		old := ca.Client(t, "")
		old.MaxVersion = tls.VersionTLS11
		if _, err := tls.Dial("tcp", addr, old); err == nil {
			t.Error("TLS 1.1 is spoken")
		}
		conn, err := tls.Dial("tcp", addr, ca.Client(t, ""))
		if err != nil {
			t.Fatal(err)
		}
		if v := conn.ConnectionState().Version; v != tls.VersionTLS13 {
			t.Errorf("version %x", v)
		}
		conn.Close()
	}
}

// A client that begins a handshake and does not go on is hung up on.
func TestHandshakesEnd(t *testing.T) {
	n, _ := overTLS(t, nodetest.With(func(c *node.Config) { c.Limits.ReadTimeout = config.Duration{Duration: 50 * time.Millisecond} }))
	for _, begin := range []string{"", "\x16\x03\x01\x02\x00\x01"} {
		conn, err := net.Dial("tcp", n.Addrs().API)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, begin); err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(time.Minute))
		if rest, err := io.ReadAll(conn); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("after %q the connection stays open: %q %v", begin, rest, err)
		}
	}
}

// A client that forgets the s of https is told so.
func TestPlainHTTPOnTLS(t *testing.T) {
	n, _ := overTLS(t)
	for _, addr := range []string{n.Addrs().API, n.Addrs().Admin} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%v %v", resp, err)
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		if !strings.Contains(string(text), "HTTPS") && !strings.Contains(string(text), "https://") {
			t.Errorf("%s", text)
		}
	}
}
