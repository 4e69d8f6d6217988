package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cairn-discovery/cairn/internal/buildinfo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newServer makes a ready server; change adapts it.
func newServer(t *testing.T, change func(*Config)) *Server {
	t.Helper()
	cfg := Config{
		Ready:   func() error { return nil },
		Backup:  func(w io.Writer) error { _, err := io.WriteString(w, "the registry"); return err },
		Metrics: NewRegistry(buildinfo.Info{Version: "v1.2.3", Revision: "abc", Go: "go1"}),
		Hosts:   []string{"Cairn.Example.com"},
		Logger:  slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func notReady(c *Config) { c.Ready = func() error { return errors.New("loading the registry") } }

// serve runs a request without a socket.
func serve(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func TestNewNeedsAll(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("New() takes an empty Config")
	}
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		name, method, path string
		change             func(*Config)
		status             int
		text               string
	}{
		{"index", "GET", "/", nil, 200, "/readyz"},
		{"livez", "GET", "/livez", nil, 200, "alive\n"},
		{"livez when not ready", "GET", "/livez", notReady, 200, "alive\n"},
		{"readyz", "GET", "/readyz", nil, 200, "ready\n"},
		{"readyz when not ready", "GET", "/readyz", notReady, 503, "not ready: loading the registry\n"},
		{"readyz by HEAD", "HEAD", "/readyz", notReady, 503, ""},
		{"build", "GET", "/metrics", nil, 200, `cairn_build_info{goversion="go1",revision="abc",version="v1.2.3"} 1`},
		{"runtime", "GET", "/metrics", nil, 200, "go_goroutines "},
		{"process", "GET", "/metrics", nil, 200, "process_cpu_seconds_total "},
		{"profiles", "GET", "/debug/pprof/", nil, 200, "goroutine"},
		{"one profile", "GET", "/debug/pprof/goroutine?debug=1", nil, 200, "goroutine profile"},
		{"command line", "GET", "/debug/pprof/cmdline", nil, 200, "admin"},
		{"backup", "GET", "/backup", nil, 200, "the registry"},
		{"backup when not ready", "GET", "/backup", notReady, 503, "no backup: loading the registry\n"},
		{"unknown", "GET", "/nothing", nil, 404, ""},
		{"post", "POST", "/backup", nil, 405, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := serve(newServer(t, tt.change), httptest.NewRequest(tt.method, "http://127.0.0.1:8055"+tt.path, nil))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.text) {
				t.Errorf("got %d: %.300s\nwant %d: %s", w.Code, w.Body, tt.status, tt.text)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error("browsers may guess the type")
			}
		})
	}
}

func TestHosts(t *testing.T) {
	tests := map[string]bool{
		"127.0.0.1:8055":           true,
		"10.1.2.3":                 true,
		"[::1]:8055":               true,
		"[::1]":                    true,
		"localhost:8055":           true,
		"LOCALHOST":                true,
		"localhost.":               true,
		"node.localhost:1":         true,
		"cairn.example.com:8055":   true,
		"":                         true, // HTTP/1.0
		"evil.example":             false,
		"localhost.evil.example":   false,
		"127.0.0.1.evil.example":   false,
		"evil.example:8055":        false,
		"x.cairn.example.com":      false,
		"localhost:8055@evil.test": false,
	}
	s := newServer(t, nil)
	for host, ok := range tests {
		r := httptest.NewRequest("GET", "/livez", nil)
		r.Host = host
		if w := serve(s, r); (w.Code == http.StatusOK) != ok {
			t.Errorf("Host %q: %d %s", host, w.Code, w.Body)
		}
	}
}

func TestOtherSites(t *testing.T) {
	tests := []struct {
		name         string
		method, path string
		header       map[string]string
		status       int
	}{
		{"no browser", "GET", "/backup", nil, 200},
		{"own page", "GET", "/backup", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		{"typed by the user", "GET", "/backup", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200},
		{"link from elsewhere", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200},
		{"image elsewhere", "GET", "/backup", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403},
		{"script elsewhere", "GET", "/debug/pprof/profile", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403},
		{"post from elsewhere", "POST", "/debug/pprof/symbol", map[string]string{"Origin": "https://evil.example"}, 403},
		{"post by navigation", "POST", "/debug/pprof/symbol", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403},
		{"post by go tool pprof", "POST", "/debug/pprof/symbol", nil, 200},
	}
	s := newServer(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "http://localhost:8055"+tt.path, nil)
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			if w := serve(s, r); w.Code != tt.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
}

// listen runs a server on a socket until the test ends.
func listen(t *testing.T, s *Server) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
	return "http://" + ln.Addr().String()
}

// fetch reads a whole answer over a connection of its own.
func fetch(url string) (*http.Response, string, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func TestBackupThatFailsIsCutOff(t *testing.T) {
	s := newServer(t, func(c *Config) {
		c.Backup = func(w io.Writer) error {
			_, err := io.WriteString(w, strings.Repeat("part ", 10_000))
			return errors.Join(err, errors.New("broken"))
		}
	})
	_, text, err := fetch(listen(t, s) + "/backup")
	if err == nil {
		t.Errorf("the client takes %d bytes for the whole", len(text))
	}
}

func TestBackupsAreBounded(t *testing.T) {
	release, inside := make(chan struct{}), make(chan struct{})
	s := newServer(t, func(c *Config) {
		c.Backup = func(io.Writer) error {
			inside <- struct{}{}
			<-release
			return nil
		}
	})
	url := listen(t, s) + "/backup"
	codes := make(chan int, maxBackups)
	for range maxBackups {
		go func() {
			resp, _, err := fetch(url)
			if err != nil {
				t.Error(err)
				codes <- 0
				return
			}
			codes <- resp.StatusCode
		}()
		<-inside
	}
	resp, _, err := fetch(url)
	if err != nil || resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one too many: %v, %v", resp, err)
	}
	close(release)
	for range maxBackups {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("a backup within the bound: %d", code)
		}
	}
}

// pipeListener hands out the server's ends of in-memory connections, so that a
// bubble's clock can pass while they wait.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

func TestSlowClientIsDropped(t *testing.T) {
	tests := map[string]struct {
		send string
		want time.Duration
	}{
		"header never ends":    {"GET /livez HTTP/1.1\r\nHost: localhost\r\n", headerTimeout},
		"nothing after a call": {"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", idleTimeout},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newPipeListener()
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- newServer(t, nil).Serve(ctx, ln) }()
				conn := ln.dial()
				begin := time.Now()
				if _, err := io.WriteString(conn, tt.send); err != nil {
					t.Error(err)
				}
				// Ends when the server closes the connection.
				if _, err := io.Copy(io.Discard, conn); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took != tt.want {
					t.Errorf("dropped after %v, want %v", took, tt.want)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestStopCutsLongAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside := make(chan struct{})
		s := newServer(t, func(c *Config) {
			c.Backup = func(w io.Writer) error {
				close(inside)
				for { // until the connection is cut
					if _, err := w.Write(make([]byte, 1<<10)); err != nil {
						return err
					}
				}
			}
		})
		ln := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, ln) }()
		conn := ln.dial()
		if _, err := io.WriteString(conn, "GET /backup HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-inside // and nothing is read
		begin := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != drainTimeout {
			t.Errorf("stopped after %v, want %v", took, drainTimeout)
		}
	})
}

func TestServeFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := newServer(t, nil).Serve(t.Context(), ln); err == nil {
		t.Error("Serve() on a closed listener returns nil")
	}
}

// TestLimitBody: requests about identities reach their handler whole, whose limit is
// larger; other requests stay limited.
func TestLimitBody(t *testing.T) {
	var got int
	s := newServer(t, func(c *Config) {
		c.Token = "0123456789abcdef"
		c.Identities = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got = len(b)
		})
	})
	const size = 300 << 10
	r := httptest.NewRequest("POST", "http://127.0.0.1/identity/put-role", strings.NewReader(strings.Repeat("x", size)))
	r.Header.Set("Authorization", "Bearer 0123456789abcdef")
	if w := serve(s, r); w.Code != 200 || got != size {
		t.Errorf("%d, %d bytes", w.Code, got)
	}
	limited := false
	h := limitBody(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		limited = err != nil
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "http://127.0.0.1/debug/pprof/symbol", strings.NewReader(strings.Repeat("x", size))))
	if !limited {
		t.Error("another request has no limit")
	}
}

// TestChangeNodes: only a listener that authenticates its callers adds and removes nodes.
func TestChangeNodes(t *testing.T) {
	const token = "0123456789abcdef"
	var changed []string
	change := func(_ context.Context, name string) error {
		switch name {
		case "a":
			changed = append(changed, name)
			return nil
		case "last":
			return errors.New("the only node cannot be removed")
		}
		return ErrNoNode
	}
	for _, tc := range []struct {
		token, body string
		code        int
	}{
		{"", `{"Node":"a","Addr":"a"}`, http.StatusForbidden},
		{token, `{"Node":"","Addr":""}`, http.StatusBadRequest},
		{token, `a`, http.StatusBadRequest},
		{token, `{"Node":"z","Addr":"z"}`, http.StatusNotFound},
		{token, `{"Node":"last","Addr":"last"}`, http.StatusConflict},
		{token, `{"Node":"a","Addr":"a"}`, http.StatusOK},
	} {
		s := newServer(t, func(c *Config) { c.Token, c.RemoveNode, c.AddNode = tc.token, change, change })
		for _, path := range []string{"/nodes/remove", "/nodes/add"} {
			r := httptest.NewRequest("POST", "http://127.0.0.1"+path, strings.NewReader(tc.body))
			r.Header.Set("Authorization", "Bearer "+token)
			if w := serve(s, r); w.Code != tc.code {
				t.Errorf("%s, token %q, body %s: %d %s", path, tc.token, tc.body, w.Code, w.Body)
			}
		}
	}
	if len(changed) != 2 {
		t.Errorf("changed: %q", changed)
	}
	for _, path := range []string{"/nodes/remove", "/nodes/add"} {
		r := httptest.NewRequest("POST", "http://127.0.0.1"+path, strings.NewReader(`{"Node":"a","Addr":"a"}`))
		if w := serve(newServer(t, nil), r); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "--store cluster") {
			t.Errorf("%s without a cluster: %d %s", path, w.Code, w.Body)
		}
	}
}
