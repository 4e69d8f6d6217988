package prober

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/replica"
)

// newProber makes single probes over the real network.
func newProber(t *testing.T, change func(*Config)) *Prober {
	t.Helper()
	rep := new(replica.Replica)
	cfg := Config{Replica: rep, Logger: slog.New(slog.DiscardHandler), Interval: time.Second, InitialInterval: time.Second, Version: "1.2.3"}
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// raw is a backend that gets the request's first bytes and then does anything.
func raw(t *testing.T, network, addr string, do func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Skipf("%s on %s: %v", network, addr, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096)) // a client that closes is fine
			do(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func says(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

// full is a listener whose queue is full: nobody accepts and no more fit in.
func full(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*syscall.SockaddrInet4).Port))
	for {
		conn, err := net.DialTimeout("tcp", addr.String(), 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func hang(c net.Conn) { _, _ = io.Copy(io.Discard, c) } // until the client closes

func reset(c net.Conn) {
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nServer: ")
	_ = c.(*net.TCPConn).SetLinger(0)
}

// TestBackends is the acceptance list of broken backends: what a probe says of each.
func TestBackends(t *testing.T) {
	passed := func(code uint16) health.Reason { return health.Reason{Kind: health.Passed, Code: code} }
	kind := func(k health.Kind) health.Reason { return health.Reason{Kind: k} }
	status := func(code uint16) health.Reason { return health.Reason{Kind: health.BadStatus, Code: code} }
	ok := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	v4 := "127.0.0.1:0"
	manyHeaders := func(n int) string {
		return "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Filler: "+strings.Repeat("x", 86)+"\r\n", n) + "\r\n"
	}
	for name, test := range map[string]struct {
		kind     registry.HealthCheckType
		addr     netip.AddrPort
		settings registry.CheckSettings
		want     health.Reason
	}{
		"ok":                          {"HTTP", raw(t, "tcp", v4, says(ok)), registry.CheckSettings{}, passed(200)},
		"HTTP/1.0":                    {"HTTP", raw(t, "tcp", v4, says("HTTP/1.0 200 OK\r\n\r\n")), registry.CheckSettings{}, passed(200)},
		"redirect is not followed":    {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")), registry.CheckSettings{}, passed(302)},
		"399":                         {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 399 X\r\n\r\n")), registry.CheckSettings{}, passed(399)},
		"400":                         {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 400 X\r\n\r\n")), registry.CheckSettings{}, status(400)},
		"404":                         {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 404 Not Found\r\n\r\n")), registry.CheckSettings{}, status(404)},
		"early hints, then ok":        {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 103 Early Hints\r\n\r\n"+ok)), registry.CheckSettings{}, passed(200)},
		"endless early hints":         {"HTTP", raw(t, "tcp", v4, says(strings.Repeat("HTTP/1.1 103 X\r\n\r\n", 50))), registry.CheckSettings{}, kind(health.BadAnswer)},
		"refused":                     {"HTTP", closedPort(t), registry.CheckSettings{}, kind(health.Refused)},
		"hangs before accept":         {"HTTP", full(t), short(), kind(health.ConnectTimeout)},
		"hangs after accept":          {"HTTP", raw(t, "tcp", v4, hang), short(), kind(health.AnswerTimeout)},
		"slow headers":                {"HTTP", raw(t, "tcp", v4, slow), short(), kind(health.AnswerTimeout)},
		"15 KiB of headers":           {"HTTP", raw(t, "tcp", v4, says(manyHeaders(150))), registry.CheckSettings{}, passed(200)},
		"huge headers":                {"HTTP", raw(t, "tcp", v4, says(manyHeaders(200))), registry.CheckSettings{}, kind(health.LargeHeader)},
		"endless body is not read":    {"HTTP", raw(t, "tcp", v4, endless), registry.CheckSettings{}, passed(200)},
		"reset midway":                {"HTTP", raw(t, "tcp", v4, reset), registry.CheckSettings{}, kind(health.Reset)},
		"closes without a word":       {"HTTP", raw(t, "tcp", v4, says("")), registry.CheckSettings{}, kind(health.Reset)},
		"another protocol":            {"HTTP", raw(t, "tcp", v4, says("SSH-2.0-OpenSSH_9.2\r\n")), registry.CheckSettings{}, kind(health.BadAnswer)},
		"IPv6 only":                   {"HTTP", raw(t, "tcp6", "[::1]:0", says(ok)), registry.CheckSettings{}, passed(200)},
		"expected status":             {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 404 X\r\n\r\n")), statuses(404, 404), passed(404)},
		"other than expected":         {"HTTP", raw(t, "tcp", v4, says(ok)), statuses(201, 299), status(200)},
		"text in the body":            {"HTTP", raw(t, "tcp", v4, says(ok)), registry.CheckSettings{Body: "ok"}, passed(200)},
		"text missing":                {"HTTP", raw(t, "tcp", v4, says(ok)), registry.CheckSettings{Body: "fine"}, kind(health.TextMissing)},
		"text in chunks":              {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nal\r\n3\r\nl o\r\n1\r\nk\r\n0\r\n\r\n")), registry.CheckSettings{Body: "all ok"}, passed(200)},
		"text too far":                {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 5119)+"ok")), registry.CheckSettings{Body: "ok"}, kind(health.TextMissing)},
		"text at the very end":        {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 5118)+"ok")), registry.CheckSettings{Body: "ok"}, passed(200)},
		"text in a stream":            {"HTTP", raw(t, "tcp", v4, stream), registry.CheckSettings{Body: "tick"}, passed(200)},
		"TCP ok":                      {"TCP", raw(t, "tcp", v4, says("")), registry.CheckSettings{}, passed(0)},
		"TCP refused":                 {"TCP", closedPort(t), registry.CheckSettings{}, kind(health.Refused)},
		"TCP hangs":                   {"TCP", full(t), short(), kind(health.ConnectTimeout)},
		"HTTPS to a plain server":     {"HTTPS", raw(t, "tcp", v4, says("HTTP/1.1 400 Bad Request\r\n\r\n")), registry.CheckSettings{}, kind(health.NotTLS)},
		"HTTPS hangs":                 {"HTTPS", raw(t, "tcp", v4, hang), short(), kind(health.TLSTimeout)},
		"199 is an answer":            {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 199 X\r\n\r\n")), registry.CheckSettings{}, status(199)},
		"text in gzip":                {"HTTP", raw(t, "tcp", v4, says(packed("GZIP", gzipped("all ok")))), registry.CheckSettings{Body: "all ok"}, passed(200)},
		"text in deflate":             {"HTTP", raw(t, "tcp", v4, says(packed("deflate", zlibbed("all ok")))), registry.CheckSettings{Body: "all ok"}, passed(200)},
		"text in bare deflate":        {"HTTP", raw(t, "tcp", v4, says(packed("deflate", deflated("all ok")))), registry.CheckSettings{Body: "all ok"}, passed(200)},
		"text missing in gzip":        {"HTTP", raw(t, "tcp", v4, says(packed("gzip", gzipped("all ok")))), registry.CheckSettings{Body: "fine"}, kind(health.TextMissing)},
		"broken gzip":                 {"HTTP", raw(t, "tcp", v4, says(packed("gzip", "all ok, but not gzip"))), registry.CheckSettings{Body: "ok"}, kind(health.BadAnswer)},
		"reset in the body":           {"HTTP", raw(t, "tcp", v4, says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")), registry.CheckSettings{Body: "fine"}, kind(health.Reset)},
		"gRPC refused":                {"HTTP", closedPort(t), registry.CheckSettings{GRPC: true}, kind(health.Refused)},
		"gRPC to a server that hangs": {"HTTP", raw(t, "tcp", v4, hang), registry.CheckSettings{GRPC: true, Timeout: 200 * time.Millisecond}, kind(health.AnswerTimeout)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProber(t, nil)
			got := p.probe(t.Context(), &target{kind: test.kind, addr: test.addr, path: "/health", host: "s.example", settings: test.settings})
			if got != test.want {
				t.Errorf("got %s (%d), want %s (%d)", got, got.Kind, test.want, test.want.Kind)
			}
		})
	}
}

func short() registry.CheckSettings { return registry.CheckSettings{Timeout: 200 * time.Millisecond} }

func statuses(first, last int) registry.CheckSettings {
	return registry.CheckSettings{ExpectedStatus: []registry.StatusRange{{First: first, Last: last}}}
}

func packed(how, body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Encoding: " + how + "\r\n\r\n" + body
}

func gzipped(text string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	return through(w, &b, text)
}

func zlibbed(text string) string {
	var b strings.Builder
	return through(zlib.NewWriter(&b), &b, text)
}

func deflated(text string) string {
	var b strings.Builder
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one of them
	}
	return through(w, &b, text)
}

func through(w io.WriteCloser, to *strings.Builder, text string) string {
	_, _ = io.WriteString(w, text) // memory does not fail
	_ = w.Close()
	return to.String()
}

// slow sends a header that never ends, a line at a time.
func slow(c net.Conn) {
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
	for {
		if _, err := fmt.Fprint(c, "X: y\r\n"); err != nil {
			return
		}
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := c.Read(make([]byte, 1)) // ends when the client closes
		if e, ok := err.(net.Error); !ok || !e.Timeout() {
			return
		}
	}
}

func endless(c net.Conn) {
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	for {
		if _, err := c.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

// stream says something and stays.
func stream(c net.Conn) {
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntick\r\n")
	hang(c)
}

func TestRequest(t *testing.T) {
	for name, test := range map[string]struct {
		t    target
		want string
	}{
		"usual port":       {target{kind: "HTTP", addr: netip.MustParseAddrPort("10.0.0.1:80"), path: "/up", host: "web.example"}, "GET /up web.example"},
		"other port":       {target{kind: "HTTP", addr: netip.MustParseAddrPort("10.0.0.1:8080"), path: "/", host: "web.example"}, "GET / web.example:8080"},
		"usual TLS port":   {target{kind: "HTTPS", addr: netip.MustParseAddrPort("10.0.0.1:443"), path: "/", host: "web.example"}, "GET / web.example"},
		"own host":         {target{kind: "HTTP", addr: netip.MustParseAddrPort("10.0.0.1:8080"), path: "/", host: "web.example", settings: registry.CheckSettings{Host: "me"}}, "GET / me"},
		"no host name":     {target{kind: "HTTP", addr: netip.MustParseAddrPort("[fd00::1]:80"), path: "/", host: "web.my namespace"}, "GET / [fd00::1]:80"},
		"nothing gets out": {target{kind: "HTTP", addr: netip.MustParseAddrPort("10.0.0.1:80"), path: "/a b\r\nX: y", host: "web.example"}, "GET /a%20b%0D%0AX:%20y web.example"},
	} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(newProber(t, nil).request(&test.t)))))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := r.Method + " " + r.RequestURI + " " + r.Host; got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		if got := r.UserAgent(); got != "cairn/1.2.3 (health check)" {
			t.Errorf("user agent %q", got)
		}
	}
}

// TestHTTPS: any certificate will do, and the server hears the name.
func TestHTTPS(t *testing.T) {
	heard := make(chan string, 10)
	refuseNames := false
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		heard <- h.ServerName
		if refuseNames && h.ServerName != "" {
			return nil, fmt.Errorf("unknown name")
		}
		return nil, nil
	}}
	server.StartTLS()
	defer server.Close()
	addr := server.Listener.Addr().(*net.TCPAddr).AddrPort()
	for _, test := range []struct {
		host   string
		refuse bool
		names  []string
	}{
		{"web.example", false, []string{"web.example"}},
		{"web.example", true, []string{"web.example", ""}},
		{"192.0.2.1", false, []string{""}},
	} {
		refuseNames = test.refuse
		r := newProber(t, nil).probe(t.Context(), &target{kind: "HTTPS", addr: addr, path: "/", host: test.host})
		if !r.Pass() {
			t.Errorf("%+v: %s", test, r)
		}
		for _, want := range test.names {
			if got := <-heard; got != want {
				t.Errorf("%+v: heard %q, want %q", test, got, want)
			}
		}
	}
}

// serveGRPC runs a gRPC server.
func serveGRPC(t *testing.T, server *grpc.Server) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	t.Cleanup(func() { server.Stop(); <-ended })
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func TestGRPC(t *testing.T) {
	service := grpchealth.NewServer()
	service.SetServingStatus("up", grpc_health_v1.HealthCheckResponse_SERVING)
	service.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS() // for its certificate
	defer pair.Close()
	plain, secure := grpc.NewServer(), grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&pair.TLS.Certificates[0])))
	grpc_health_v1.RegisterHealthServer(plain, service)
	grpc_health_v1.RegisterHealthServer(secure, service)
	servers := map[string]netip.AddrPort{"plain": serveGRPC(t, plain), "TLS": serveGRPC(t, secure),
		"without health": serveGRPC(t, grpc.NewServer()), "HTTP": raw(t, "tcp", "127.0.0.1:0", says("HTTP/1.1 200 OK\r\n\r\n"))}
	unknown := health.Reason{Kind: health.NotServing, Code: 3}
	for _, test := range []struct {
		server string
		kind   registry.HealthCheckType
		path   string
		want   health.Reason
	}{
		{"plain", "HTTP", "/", health.Reason{Kind: health.Passed}}, {"plain", "TCP", "", health.Reason{Kind: health.Passed}},
		{"plain", "HTTP", "/up", health.Reason{Kind: health.Passed}}, {"plain", "HTTP", "/down", health.Reason{Kind: health.NotServing, Code: 2}},
		{"plain", "HTTP", "/unheard", unknown}, {"TLS", "HTTPS", "/up", health.Reason{Kind: health.Passed}},
		{"TLS", "HTTPS", "/unheard", unknown}, {"TLS", "HTTP", "/", health.Reason{Kind: health.CallFailed, Code: 14}},
		{"without health", "HTTP", "/", health.Reason{Kind: health.CallFailed, Code: 12}}, {"HTTP", "HTTP", "/", health.Reason{Kind: health.CallFailed, Code: 14}},
	} {
		got := newProber(t, nil).probe(t.Context(), &target{kind: test.kind, addr: servers[test.server], path: test.path,
			host: "s.example", settings: registry.CheckSettings{GRPC: true}})
		if got != test.want {
			t.Errorf("%s %s %q: got %s, want %s", test.server, test.kind, test.path, got, test.want)
		}
	}
}

func TestForbidden(t *testing.T) {
	prefixes := func(list ...string) []netip.Prefix {
		var all []netip.Prefix
		for _, s := range list {
			all = append(all, netip.MustParsePrefix(s))
		}
		return all
	}
	for to, want := range map[string]bool{
		"10.0.0.1:80": false, "[fd00::1]:80": false, "127.0.0.1:80": false, "8.8.8.8:53": false,
		"169.254.169.254:80": true, "169.254.170.2:80": true, "[fe80::1]:80": true, "[fd00:ec2::254]:80": true, "[fd00:ec2::23]:80": true, "[fd00:ec3::1]:80": false,
		"[::ffff:169.254.169.254]:80": true, "[64:ff9b::a9fe:a9fe]:80": true, "[64:ff9b:1::a9fe:a9fe]:80": true, "[2002:a9fe:a9fe::1]:80": true, "[::a9fe:a9fe]:80": true,
		"[::1]:80": false, "[64:ff9b::a09:1]:80": true, "[64:ff9b::a0a:1]:80": false, "[::ffff:127.0.0.1]:8055": true, "100.100.100.200:80": true,
		"168.63.129.16:80": true, "[::ffff:168.63.129.16]:80": true, "[64:ff9b::a83f:8110]:80": true, "192.0.0.192:80": true, "[fd20:ce::254]:80": true,
		"0.0.0.0:80": true, "[::]:80": true, "224.0.0.1:80": true, "255.255.255.255:80": true,
		"127.0.0.1:8055": true, "127.0.0.2:8055": false, "10.9.0.1:80": true, "10.9.1.1:80": true,
	} {
		p := newProber(t, func(c *Config) {
			c.Deny, c.Admin = prefixes("10.9.0.0/16"), netip.MustParseAddrPort("127.0.0.1:8055")
		})
		if got := p.forbidden(netip.MustParseAddrPort(to)); got != want {
			t.Errorf("%s: forbidden=%t, want %t", to, got, want)
		}
	}
	p := newProber(t, func(c *Config) {
		c.Allow, c.Deny = prefixes("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16"), prefixes("10.9.0.0/16")
		c.Admin, c.AllowReserved = netip.MustParseAddrPort("0.0.0.0:8055"), prefixes("127.0.0.0/8")
	})
	for to, want := range map[string]bool{
		"10.0.0.1:80": false, "10.9.0.1:80": true, "192.168.0.1:80": true, "169.254.169.254:80": true,
		"127.0.0.2:8055": true, "10.0.0.1:8055": false,
	} {
		if got := p.forbidden(netip.MustParseAddrPort(to)); got != want {
			t.Errorf("with an allow list, %s: forbidden=%t, want %t", to, got, want)
		}
	}
}

// TestForbiddenListeners: a node does not probe itself, and loopback only while all
// its listeners are there.
func TestForbiddenListeners(t *testing.T) {
	ports := func(list ...string) []netip.AddrPort {
		var all []netip.AddrPort
		for _, s := range list {
			all = append(all, netip.MustParseAddrPort(s))
		}
		return all
	}
	for name, test := range map[string]struct {
		admin     string
		listeners []netip.AddrPort
		allow     []netip.Prefix
		want      map[string]bool
	}{
		"all on loopback": {"127.0.0.1:8055", ports("127.0.0.1:8053", "[::1]:8054"), nil, map[string]bool{
			"127.0.0.1:80": false, "127.0.0.1:8053": true, "127.0.0.2:8053": false, "[::1]:8054": true, "[::ffff:127.0.0.1]:8053": true, "127.0.0.1:8055": true,
		}},
		"API on a network": {"127.0.0.1:8055", ports("10.0.0.1:8053"), nil, map[string]bool{
			"127.0.0.1:80": true, "[::1]:80": true, "127.9.9.9:22": true, "[::ffff:127.0.0.1]:80": true, "[64:ff9b::7f00:1]:80": true,
			"10.0.0.1:8053": true, "10.0.0.1:80": false, "10.0.0.2:8053": false,
		}},
		"API on all addresses": {"127.0.0.1:8055", ports("[::]:8053"), nil, map[string]bool{
			"127.0.0.1:80": true, "10.0.0.1:8053": false, "192.0.2.7:8053": true, "192.0.2.7:80": false, "[2001:db8::7]:8053": true, "[::ffff:192.0.2.7]:8053": true,
		}},
		"reserved, but allowed": {"127.0.0.1:8055", ports("0.0.0.0:8053"),
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.10.0/24")}, map[string]bool{
				"127.0.0.1:80": false, "127.0.0.1:8053": false, "127.0.0.1:8055": true, "[::1]:80": true,
				"169.254.10.1:80": false, "169.254.169.254:80": true, "0.0.0.0:80": true, "255.255.255.255:80": true,
			}},
	} {
		p := newProber(t, func(c *Config) {
			c.Admin, c.Listeners, c.AllowReserved = netip.MustParseAddrPort(test.admin), test.listeners, test.allow
		})
		p.interfaces = func() ([]net.Addr, error) {
			return []net.Addr{&net.IPNet{IP: net.IPv4(127, 0, 0, 1)}, &net.IPNet{IP: net.IPv4(192, 0, 2, 7)}, &net.IPNet{IP: net.ParseIP("2001:db8::7")}}, nil
		}
		for to, want := range test.want {
			if got := p.forbidden(netip.MustParseAddrPort(to)); got != want {
				t.Errorf("%s: %s: forbidden=%t, want %t", name, to, got, want)
			}
		}
	}
}
