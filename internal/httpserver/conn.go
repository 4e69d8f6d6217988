package httpserver

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	firstBuffer = 4 << 10
	// maxKept is the largest buffer that an idle connection keeps.
	maxKept = 64 << 10
	// maxReads is the number of reads for a request, because each parses all that was
	// read. A client that needs more is slow, or wants to cost us time.
	maxReads = 8
)

// conn is a connection with its loop. Only its loop uses the fields.
type conn struct {
	server *Server
	nc     net.Conn
	buf    []byte    // what was read and not yet served
	space  []byte    // the memory of buf
	reads  int       // reads for the request in buf
	began  time.Time // when its first byte was read
	served bool      // at least one request
	// newlines is how many characters CR and LF may still be skipped before the next
	// request; see skipNewlines.
	newlines int

	// waiting is set while no byte of a request was read, so that nothing is lost if the
	// connection is closed. The server reads it too.
	waiting atomic.Bool

	deadlines
	request
	writer
	base *http.Request // with the context of the connection
	req  http.Request
	url  url.URL
	in   body
	from string
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, nc: nc, url: url.URL{Path: "/"}}
	c.request = request{header: make(http.Header, 16), maxHeader: s.cfg.MaxHeader, maxBody: s.cfg.MaxBody}
	c.writer.header = make(http.Header, 8)
	c.base = new(http.Request)
	if s.cfg.ConnContext != nil {
		c.base = c.base.WithContext(s.cfg.ConnContext(context.Background(), nc))
	}
	if a := nc.RemoteAddr(); a != nil {
		c.from = a.String()
	}
	return c
}

// serve serves requests until the connection ends or is given to net/http.
func (c *conn) serve() {
	defer func() {
		if v := recover(); v != nil {
			c.server.cfg.Logger.Error("panic", "from", c.from, "panic", v, "stack", string(debug.Stack()))
			c.nc.Close()
		}
	}()
	for {
		c.skipNewlines()
		switch c.request.parse(c.buf) {
		case whole:
			if !c.answer() {
				c.nc.Close()
				return
			}
		case partial:
			if !c.readMore() {
				return
			}
		case other:
			c.giveToNetHTTP()
			return
		}
	}
}

// maxNewlines is how many characters CR and LF are skipped after a request.
const maxNewlines = 4

// skipNewlines skips empty lines between two requests: RFC 9112 section 2.2 asks
// servers to accept one. As many characters are skipped as by net/http, which does so
// only after a POST; here all requests are.
func (c *conn) skipNewlines() {
	n := 0
	for n < min(len(c.buf), c.newlines) && (c.buf[n] == '\r' || c.buf[n] == '\n') {
		n++
	}
	c.newlines -= n
	if n > 0 {
		c.buf = c.space[:copy(c.space[:cap(c.space)], c.buf[n:])]
	}
	if len(c.buf) > 0 {
		c.newlines = 0
	}
}

// readMore reads more bytes into the buffer. It returns false if the connection is closed
// or was given to net/http.
func (c *conn) readMore() bool {
	if c.reads == maxReads || !c.grow() {
		c.giveToNetHTTP()
		return false
	}
	c.waiting.Store(len(c.buf) == 0)
	if err := c.setReadDeadline(); err != nil || len(c.buf) == 0 && c.server.stopping.Load() {
		c.nc.Close()
		return false
	}
	n, err := c.nc.Read(c.space[len(c.buf):cap(c.space)])
	c.waiting.Store(false)
	if n > 0 && len(c.buf) == 0 {
		c.began = time.Now()
	}
	c.buf = c.space[:len(c.buf)+n]
	c.reads++
	if n > 0 || err == nil {
		return true
	}
	if err == io.EOF && len(c.buf) > 0 {
		c.giveToNetHTTP() // it answers a request without its end
		return false
	}
	c.nc.Close()
	return false
}

// grow makes space in the buffer for the next read. It returns false if the buffer has
// the maximum size of a request already.
func (c *conn) grow() bool {
	if len(c.buf) < cap(c.space) && len(c.buf) > 0 || len(c.buf) == 0 && c.space != nil {
		return true
	}
	size := min(max(2*cap(c.space), firstBuffer), c.maxHeader+c.maxBody)
	if size <= len(c.buf) {
		return false
	}
	space := make([]byte, size)
	c.space, c.buf = space, space[:copy(space, c.buf)]
	return true
}

// setReadDeadline sets the deadline of the next read.
func (c *conn) setReadDeadline() error {
	cfg, now := &c.server.cfg, time.Now()
	switch {
	case len(c.buf) == 0 && c.served:
		return c.readFor(c.nc, now, cfg.IdleTimeout)
	case len(c.buf) == 0:
		return c.readBy(c.nc, now.Add(cfg.HeaderTimeout))
	case c.lengths == 0: // its header is not complete
		return c.readBy(c.nc, c.began.Add(cfg.HeaderTimeout))
	}
	return c.readBy(c.nc, c.began.Add(cfg.ReadTimeout))
}

// answer calls the handler for the request in buf and writes its answer. It returns false
// if the connection has to be closed.
func (c *conn) answer() bool {
	c.in = body(c.buf[c.request.body:c.request.end])
	c.req = *c.base
	c.req.Method, c.req.Proto, c.req.ProtoMajor, c.req.ProtoMinor = http.MethodPost, "HTTP/1.1", 1, 1
	c.req.URL, c.req.RequestURI, c.req.Host, c.req.RemoteAddr = &c.url, "/", c.host, c.from
	c.req.Header, c.req.Body, c.req.ContentLength = c.request.header, &c.in, int64(c.length)
	c.url = url.URL{Path: "/"}
	c.writer.begin()
	c.server.cfg.Handler.ServeHTTP(&c.writer, &c.req)
	now := time.Now()
	out, stay := c.writer.finish(now, c.server.stopping.Load())
	if err := c.writeFor(c.nc, now, c.server.cfg.WriteTimeout); err != nil {
		return false
	}
	if _, err := c.nc.Write(out); err != nil {
		return false
	}
	c.next()
	return stay
}

// next moves what follows the request to the beginning of the buffer.
func (c *conn) next() {
	rest := c.buf[c.request.end:]
	c.reads, c.served, c.lengths, c.newlines = 0, true, 0, maxNewlines
	if cap(c.space) > maxKept && len(rest) < firstBuffer {
		c.space = make([]byte, firstBuffer)
	}
	c.buf = c.space[:copy(c.space[:cap(c.space)], rest)]
	if len(rest) > 0 {
		c.began = time.Now()
	}
}

// giveToNetHTTP gives the connection, with the bytes that were read, to net/http.
func (c *conn) giveToNetHTTP() {
	c.server.fallback.put(&rejoined{Conn: c.nc, read: c.buf})
}

// rejoined is a connection from which some bytes have been read.
type rejoined struct {
	net.Conn
	read []byte
}

// NetConn returns the connection itself.
func (r *rejoined) NetConn() net.Conn { return r.Conn }

func (r *rejoined) Read(p []byte) (int, error) {
	if len(r.read) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.read)
	if r.read = r.read[n:]; len(r.read) == 0 {
		r.read = nil
	}
	return n, nil
}

// body is the body of a request.
type body []byte

func (b *body) Read(p []byte) (int, error) {
	if len(*b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, *b)
	*b = (*b)[n:]
	return n, nil
}

func (b *body) Close() error { return nil }

// deadlines has the deadlines of the connection, so that not every request has to set
// one.
type deadlines struct{ read, write time.Time }

// slack is how much longer than its timeout a wait may take.
const slack = 5 * time.Second

// readFor lets reads wait for the given time, or up to slack longer.
func (d *deadlines) readFor(c net.Conn, now time.Time, wait time.Duration) error {
	if left := d.read.Sub(now); left >= wait && left <= wait+slack {
		return nil
	}
	return d.readBy(c, now.Add(wait+slack))
}

func (d *deadlines) readBy(c net.Conn, at time.Time) error {
	d.read = at
	return c.SetReadDeadline(at)
}

// writeFor is readFor for writes.
func (d *deadlines) writeFor(c net.Conn, now time.Time, wait time.Duration) error {
	if left := d.write.Sub(now); left >= wait && left <= wait+slack {
		return nil
	}
	d.write = now.Add(wait + slack)
	return c.SetWriteDeadline(d.write)
}
