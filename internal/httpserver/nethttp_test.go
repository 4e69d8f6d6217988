package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// memoryConn is a connection whose client has sent everything already.
type memoryConn struct {
	in     *bytes.Reader
	mu     sync.Mutex
	out    bytes.Buffer
	once   sync.Once
	closed chan struct{}
}

func newMemoryConn(in []byte) *memoryConn {
	return &memoryConn{in: bytes.NewReader(in), closed: make(chan struct{})}
}

func (c *memoryConn) Read(p []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.in.Read(p)
}

func (c *memoryConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *memoryConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (c *memoryConn) RemoteAddr() net.Addr             { return c.LocalAddr() }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

// oneListener accepts one connection.
type oneListener struct {
	conn chan net.Conn
	once sync.Once
	done chan struct{}
}

func newOneListener(c net.Conn) *oneListener {
	l := &oneListener{conn: make(chan net.Conn, 1), done: make(chan struct{})}
	l.conn <- c
	return l
}

func (l *oneListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *oneListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *oneListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// recorder notes the requests that it gets.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fmt.Sprintf("%s %s %s %q %v", req.Method, req.RequestURI, req.Host, body, err != nil))
	w.Write([]byte("ok"))
}

// exchange serves what a client has sent, by net/http alone or behind the loop. It
// returns the requests that the handler got and the statuses of the answers.
func exchange(t *testing.T, in []byte, loop bool) (requests []string, statuses []int) {
	t.Helper()
	conn, r := newMemoryConn(in), new(recorder)
	server := &http.Server{Handler: r, ErrorLog: log.New(io.Discard, "", 0), MaxHeaderBytes: 16 << 10, DisableGeneralOptionsHandler: true}
	var ln net.Listener = newOneListener(conn)
	var ended sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	if loop {
		front, err := New(Config{
			Handler: r, MaxHeader: 4 << 10, MaxBody: 4 << 10, HeaderTimeout: time.Minute, ReadTimeout: time.Minute,
			WriteTimeout: time.Minute, IdleTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		outer := ln
		ended.Go(func() { _ = front.Serve(ctx, outer, time.Minute) })
		ln = front.Fallback()
	}
	ended.Go(func() {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	<-conn.closed
	cancel()
	server.Close()
	ended.Wait()
	out := bufio.NewReader(&conn.out)
	for {
		resp, err := http.ReadResponse(out, nil)
		if err != nil {
			return r.seen, statuses
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		statuses = append(statuses, resp.StatusCode)
	}
}

// sameConnection checks that a client gets the same from both.
func sameConnection(t *testing.T, in []byte) {
	t.Helper()
	want, wantStatuses := exchange(t, in, false)
	got, statuses := exchange(t, in, true)
	// net/http closes a connection without an answer if a further request ends within
	// its first four bytes. Behind the loop it answers 400.
	if n := len(wantStatuses); len(statuses) == n+1 && statuses[n] == http.StatusBadRequest {
		statuses = statuses[:n]
	}
	if !slices.Equal(got, want) || !slices.Equal(statuses, wantStatuses) {
		t.Errorf("%q:\n got %v %v\nnet/http %v %v", in, got, statuses, want, wantStatuses)
	}
}

// TestEmptyLines: empty lines before and between requests are as in net/http.
func TestEmptyLines(t *testing.T) {
	for n := range 8 {
		lines := strings.Repeat("\r\n\r\n\r\n", 2)[:n]
		sameConnection(t, []byte(usual+lines+usual))
		sameConnection(t, []byte(lines+usual))
		sameConnection(t, []byte(usual+lines))
	}
	got, statuses := exchange(t, []byte(usual+"\r\n"+usual), true)
	if len(got) != 2 || !slices.Equal(statuses, []int{200, 200}) {
		t.Errorf("%v %v", got, statuses)
	}
}

// FuzzConnection: whatever a client sends on a connection, it gets the same from the
// loop as from net/http alone.
func FuzzConnection(f *testing.F) {
	for _, seed := range []string{usual + usual, usual + "\r\n" + usual, usual + "\n\r\n\r" + usual, usual + "\r\n\r\n\r\n" + usual,
		usual + "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + usual, usual + "x", "\r\n" + usual} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if !bytes.Contains(in, []byte("Expect")) && len(in) < 4<<10 { // 100-continue is answered at another time
			sameConnection(t, in)
		}
	})
}
