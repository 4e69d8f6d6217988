package httpserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, so that time can be a bubble's.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// fixture is a server with an http.Server behind it.
type fixture struct {
	*testing.T
	ln    *pipes
	stop  func() error
	hold  chan struct{} // the handler waits for it where the path asks for that
	begun chan struct{}
}

func (w *fixture) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	switch string(body) {
	case "hold":
		w.begun <- struct{}{}
		<-w.hold
	case "panic":
		panic("asked for")
	case "large":
		body = []byte(strings.Repeat("x", 100_000))
	case "close":
		out.Header().Set("Connection", "close")
	}
	// Only the http.Server gives requests a context of their own.
	by := "loop"
	if r.Context() != context.Background() {
		by = "net/http"
	}
	text := fmt.Sprintf("%s %s %s %s %v", by, r.Method, r.Host, body, err)
	out.Header()["Content-Length"] = []string{fmt.Sprint(len(text))}
	out.Header()["x-amzn-RequestId"] = []string{"1\r\nEvil: 1"}
	out.WriteHeader(http.StatusAccepted)
	io.WriteString(out, text)
}

func start(t *testing.T) *fixture {
	w := &fixture{T: t, ln: newPipes(), hold: make(chan struct{}), begun: make(chan struct{})}
	s, err := New(Config{Handler: w, MaxHeader: testHeader, MaxBody: testBody, HeaderTimeout: 10 * time.Second,
		ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rest := &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 2)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- s.Serve(ctx, w.ln, 4*time.Second) }()
	go func() { ended <- rest.Serve(s.Fallback()) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		err := <-ended
		if err == http.ErrServerClosed || err == net.ErrClosed {
			err = <-ended
		}
		rest.Close()
		return err
	})
	t.Cleanup(func() { _ = w.stop() })
	return w
}

type client struct {
	*fixture
	net.Conn
	in *bufio.Reader
}

func (w *fixture) dial() *client {
	w.Helper()
	near, far := net.Pipe()
	w.Cleanup(func() { near.Close() })
	w.ln.conns <- far
	return &client{w, near, bufio.NewReader(near)}
}

func (c *client) send(text string) *client {
	c.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.Fatalf("send: %v", err)
	}
	return c
}

// gets reads one answer and compares its body.
func (c *client) gets(want string) *http.Response {
	c.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.Fatalf("want %q: %v", want, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != want {
		c.Fatalf("got %q, %v, want %q", body, err, want)
	}
	return resp
}

// ends waits for the end of the connection.
func (c *client) ends() {
	c.Helper()
	if b, err := io.ReadAll(c.in); err != nil || len(b) > 0 {
		c.Fatalf("got %q, %v, want the end", b, err)
	}
}

func post(body string) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// bubble runs a test with a clock of its own.
func bubble(t *testing.T, test func(w *fixture)) {
	synctest.Test(t, func(t *testing.T) { test(start(t)) })
}

func TestServes(t *testing.T) {
	bubble(t, func(w *fixture) {
		c := w.dial()
		r := c.send(post("1")).gets("loop POST h 1 <nil>")
		if r.StatusCode != 202 || r.Header.Get("Date") == "" || r.Header.Get("Evil") != "" || r.Close {
			t.Errorf("got %+v", r)
		}
		for _, piece := range []string{"POST", " / HTTP/1.1\r\nHo", "st: h\r\nContent-Length: 3\r\n", "\r\n", "ab", "c"} {
			c.send(piece)
		}
		c.gets("loop POST h abc <nil>")
		go io.WriteString(c, post("1")+post("2")+post("3")) // a pipe has no buffer
		for i := range 3 {
			c.gets(fmt.Sprintf("loop POST h %d <nil>", i+1))
		}
		c.send(post("large")).gets("loop POST h " + strings.Repeat("x", 100_000) + " <nil>")
		c.send(post("4")).gets("loop POST h 4 <nil>")
		if r := c.send(post("close")).gets("loop POST h close <nil>"); !r.Close {
			t.Error("not told that the connection ends")
		}
		c.ends()
	})
}

// TestHandsOver: everything else is net/http's, with all that was read.
func TestHandsOver(t *testing.T) {
	bubble(t, func(w *fixture) {
		for request, want := range map[string]string{
			"GET /x HTTP/1.1\r\nHost: h\r\n\r\n":                                                               "net/http GET h  <nil>",
			"POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx":                                 "net/http POST h x <nil>",
			"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n":              "net/http POST h x <nil>",
			"POST / HTTP/1.1\r\nHost: h\r\nX: 1\r\nX: 2\r\nContent-Length: 1\r\n\r\nx":                         "net/http POST h x <nil>",
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 5000):           "net/http POST h " + strings.Repeat("x", 5000) + " <nil>",
			"POST / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 3000) + "\r\nContent-Length: 1\r\n\r\nx": "net/http POST h x <nil>",
		} {
			c := w.dial()
			c.send(post("0")).gets("loop POST h 0 <nil>")
			c.send(request).gets(want)
			c.send(post("1")).gets("net/http POST h 1 <nil>") // permanently
		}
		c := w.dial()
		for _, b := range []byte(post("slow")) { // in too many pieces
			c.send(string(b))
		}
		c.gets("net/http POST h slow <nil>")
		if r := w.dial().send("POST / HTTP/1.1\r\nno colon\r\n\r\n").gets("400 Bad Request"); r.StatusCode != 400 {
			t.Errorf("got %d", r.StatusCode)
		}
	})
}

// TestDrops: clients that hold a connection without using it lose it.
func TestDrops(t *testing.T) {
	bubble(t, func(w *fixture) {
		for _, c := range []struct {
			what, sends string
			from, to    time.Duration
		}{
			{"says nothing", "", 10 * time.Second, 10 * time.Second},
			{"stops in the header", "POST / HTTP/1.1\r\nHo", 10 * time.Second, 10 * time.Second},
			{"stops in the body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", 30 * time.Second, 30 * time.Second},
			{"is idle", post("1"), 2 * time.Minute, 2*time.Minute + slack},
		} {
			conn := w.dial()
			start := time.Now()
			if conn.send(c.sends); c.what == "is idle" {
				conn.gets("loop POST h 1 <nil>")
			}
			conn.ends()
			if took := time.Since(start); took < c.from || took > c.to {
				t.Errorf("who %s is dropped after %v", c.what, took)
			}
		}
		c := w.dial().send(post("large")) // and does not read the answer
		time.Sleep(time.Minute)           // of the bubble
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("who does not read is not dropped")
		}
	})
}

// TestDrains: at the end requests in flight are answered, and those who wait are
// let go at once.
func TestDrains(t *testing.T) {
	bubble(t, func(w *fixture) {
		idle, fresh, half, busy := w.dial(), w.dial(), w.dial(), w.dial()
		idle.send(post("1")).gets("loop POST h 1 <nil>")
		half.send("POST / HTTP/1.1\r\n")
		busy.send(post("hold"))
		<-w.begun
		synctest.Wait()
		begun := time.Now()
		stopped := make(chan error)
		go func() { stopped <- w.stop() }()
		idle.ends()
		fresh.ends()
		if r := half.send("Host: h\r\nContent-Length: 0\r\n\r\n").gets("loop POST h  <nil>"); !r.Close {
			t.Error("the connection is to stay")
		}
		if time.Since(begun) != 0 {
			t.Error("somebody waited")
		}
		close(w.hold)
		busy.gets("loop POST h hold <nil>")
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// TestCutsOff: a handler that takes too long is not waited for.
func TestCutsOff(t *testing.T) {
	bubble(t, func(w *fixture) {
		c := w.dial().send(post("hold"))
		<-w.begun
		if err := w.stop(); err == nil {
			t.Error("no error")
		}
		close(w.hold)
		c.ends()
	})
}

// TestPanics: a panic of the handler ends the connection and nothing else.
func TestPanics(t *testing.T) {
	bubble(t, func(w *fixture) {
		w.dial().send(post("panic")).ends()
		w.dial().send(post("1")).gets("loop POST h 1 <nil>")
	})
}

func TestNewRefuses(t *testing.T) {
	good := Config{Handler: http.NotFoundHandler(), MaxHeader: 1, MaxBody: 1, HeaderTimeout: 1, ReadTimeout: 1, WriteTimeout: 1,
		IdleTimeout: 1, Logger: slog.New(slog.DiscardHandler)}
	for _, spoil := range []func(*Config){
		func(c *Config) { c.Handler = nil }, func(c *Config) { c.Logger = nil }, func(c *Config) { c.MaxBody = 0 },
		func(c *Config) { c.IdleTimeout = 0 },
	} {
		c := good
		if spoil(&c); func() bool { _, err := New(c); return err == nil }() {
			t.Errorf("accepted %+v", c)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}
