package dns

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// ServeStream answers over the connections of a listener until ctx ends: RFC
// 7766, and with a listener of TLS connections RFC 7858. It closes the listener
// and waits for the connections.
func (s *Server) ServeStream(ctx context.Context, ln net.Listener, t answer.Transport) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	for {
		c, err := ln.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = c.Close()
			}
			return nil
		}
		if err != nil {
			if !s.pauseAfter(ctx, err) {
				return err
			}
			continue
		}
		client := addrOf(c.RemoteAddr())
		connCtx, evict := context.WithCancel(ctx)
		counted, limit := s.conns.Open(client.Addr(), evict)
		if limit != connlimit.None {
			s.LimitReached(t, limit, counted == nil)
		}
		if counted == nil {
			evict()
			_ = c.Close()
			continue
		}
		conns.Go(func() {
			defer counted.Close()
			defer evict()
			s.serveConn(connCtx, c, counted, client, t)
		})
	}
}

// LimitReached counts a connection that was refused because of a limit, or that
// replaced another one.
func (s *Server) LimitReached(t answer.Transport, limit connlimit.Limit, refused bool) {
	count := s.metrics.replaced
	if refused {
		count = s.metrics.refused
	}
	count.WithLabelValues(t.String(), string(limit)).Inc()
}

// pauseAfter waits a little where the system is short of something, such as file
// descriptors, and is false where the listener is broken.
func (s *Server) pauseAfter(ctx context.Context, err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	s.cfg.Logger.Warn("connection not accepted", "err", err)
	select {
	case <-ctx.Done():
	case <-time.After(50 * time.Millisecond):
	}
	return true
}

func addrOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// stream is one connection.
type stream struct {
	server  *Server
	conn    net.Conn
	counted *connlimit.Conn
	busy    bool // counted has work: queries that were not answered yet
	client  netip.AddrPort
	t       answer.Transport
	in      *bufio.Reader

	waiting sync.WaitGroup // for answers that need an upstream resolver
	slots   chan struct{}  // bounds them

	// closing: the server stops and does not wait for a transfer.
	closing atomic.Bool

	mu  sync.Mutex // guards what follows: answers are whole
	out *bufio.Writer
	err error // of the first write that failed
}

const (
	streamReadBuffer  = 4 << 10
	streamWriteBuffer = 8 << 10
)

func (s *Server) serveConn(ctx context.Context, c net.Conn, counted *connlimit.Conn, client netip.AddrPort, t answer.Transport) {
	gauge := s.metrics.connections.WithLabelValues(t.String())
	gauge.Inc()
	defer gauge.Dec()
	st := &stream{
		server: s, conn: c, counted: counted, client: client, t: t,
		in:    bufio.NewReaderSize(c, streamReadBuffer),
		out:   bufio.NewWriterSize(c, streamWriteBuffer),
		slots: make(chan struct{}, s.cfg.Limits.Pipelined),
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	st.run(ctx)
	stop()
	if ctx.Err() != nil {
		st.flush() // the answers that were ready when the server stopped
	}
	cancel()
	st.waiting.Wait()
	_ = c.Close()
}

// run reads and answers queries until the client is done, too slow, or ctx ends.
func (st *stream) run(ctx context.Context) {
	var query []byte
	out := make([]byte, 0, answer.MaxUDPSize)
	for {
		var err error
		if query, err = st.read(ctx, query); err != nil || !st.begin() {
			break
		}
		w := st.server.take(st.t)
		r := w.Parse(query)
		msg, disposition := st.answer(w, r, out)
		if disposition == answer.NeedsWait || disposition == answer.Transfer {
			r = r.Clone()
		}
		st.server.give(w)
		switch disposition {
		case answer.Send:
			st.write(msg)
		case answer.NeedsWait:
			if !st.postpone(ctx, r, upstreamTime, st.resolve) {
				return
			}
		case answer.Transfer:
			if !st.postpone(ctx, r, 0, st.transfer) {
				return
			}
		case answer.Drop:
			return // not a query: close the connection
		}
		// Answers to queries that came together leave together.
		if !st.hasQuery() {
			if st.flush() != nil {
				return
			}
			st.end()
		}
	}
	// The client may have closed its half only: RFC 7766 section 6.2.4.
	if st.flush() == nil && ctx.Err() == nil {
		st.waiting.Wait()
		_ = st.flush()
	}
}

// begin marks that the connection has work. It returns false if the connection has to
// be closed because another one has replaced it.
func (st *stream) begin() bool {
	if !st.busy {
		st.busy = st.counted.Begin()
	}
	return st.busy
}

// hasQuery reports whether a whole query has been received. A part of one is no work: a
// client could keep its connection with it.
func (st *stream) hasQuery() bool {
	have := st.in.Buffered()
	if have < 2 {
		return false
	}
	size, err := st.in.Peek(2)
	return err == nil && have-2 >= int(binary.BigEndian.Uint16(size))
}

// end marks that all queries are answered, except those that were postponed.
func (st *stream) end() {
	if st.busy {
		st.busy = false
		st.counted.End()
	}
}

// read reads one query into buf, or a larger buffer.
func (st *stream) read(ctx context.Context, buf []byte) ([]byte, error) {
	limits := &st.server.cfg.Limits
	if st.in.Buffered() < 2 {
		st.deadline(ctx, limits.IdleTimeout)
	}
	var size [2]byte
	if _, err := io.ReadFull(st.in, size[:]); err != nil {
		return buf, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if st.in.Buffered() < n {
		st.deadline(ctx, limits.ReadTimeout)
	}
	_, err := io.ReadFull(st.in, buf)
	return buf, err
}

// deadline bounds the next read. It must not undo the deadline that the end of
// ctx sets.
func (st *stream) deadline(ctx context.Context, d time.Duration) {
	_ = st.conn.SetReadDeadline(time.Now().Add(d))
	if ctx.Err() != nil {
		_ = st.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// answer answers a query that need not wait.
func (st *stream) answer(w *worker, r *answer.Request, out []byte) ([]byte, answer.Disposition) {
	start := time.Now()
	w.Refresh()
	msg, disposition := w.Answer(r, st.client.Addr(), st.t, out)
	w.shard.add(&w.Counts)
	if disposition == answer.Send {
		w.shard.observe(time.Since(start), 1)
	}
	return msg, disposition
}

// postpone has a query answered out of order: RFC 7766 section 7. At the limit of
// waiting queries it waits for one of them, and the client has to wait too. A
// bound of zero means none.
func (st *stream) postpone(ctx context.Context, r *answer.Request, bound time.Duration, do func(context.Context, *answer.Request)) bool {
	if st.flush() != nil {
		return false
	}
	select {
	case st.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	st.counted.Begin() // it has work, see begin, so it was not replaced
	st.waiting.Go(func() {
		defer func() {
			st.counted.End()
			<-st.slots
		}()
		if bound > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, bound)
			defer cancel()
		}
		do(ctx, r)
	})
	return true
}

// resolve answers a query that has to wait.
func (st *stream) resolve(ctx context.Context, r *answer.Request) {
	w := st.server.take(st.t)
	defer st.server.give(w)
	if msg := st.server.handle(ctx, w, r, st.client, st.t, nil); msg != nil {
		st.write(msg)
		_ = st.flush()
	}
}

// transfer streams a zone transfer to the client, one message per write.
func (st *stream) transfer(ctx context.Context, r *answer.Request) {
	// A client that does not read must not delay the end of the server.
	stop := context.AfterFunc(ctx, func() {
		st.closing.Store(true)
		_ = st.conn.SetWriteDeadline(time.Unix(1, 0))
	})
	defer stop()
	w := st.server.take(st.t)
	z, q := w.TransferQuery(r, st.client, st.t)
	st.server.give(w)
	if z == nil {
		return
	}
	st.server.responder.Transfer(ctx, z, q, func(msg []byte) error {
		st.write(msg)
		return st.flush()
	})
}

// write adds an answer to what is to be sent.
func (st *stream) write(msg []byte) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err != nil {
		return
	}
	if st.out.Available() < 2+len(msg) {
		// The buffer is about to be written to a client that may not read.
		st.writeDeadline()
	}
	size := [2]byte{byte(len(msg) >> 8), byte(len(msg))}
	_, _ = st.out.Write(size[:]) // an error stays and comes back with the next
	_, st.err = st.out.Write(msg)
}

// writeDeadline bounds the next write. It must not undo the deadline that the end
// of a transfer sets.
func (st *stream) writeDeadline() {
	_ = st.conn.SetWriteDeadline(time.Now().Add(st.server.cfg.Limits.WriteTimeout))
	if st.closing.Load() {
		_ = st.conn.SetWriteDeadline(time.Unix(1, 0))
	}
}

// flush sends what is to be sent.
func (st *stream) flush() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err == nil && st.out.Buffered() > 0 {
		st.writeDeadline()
		st.err = st.out.Flush()
	}
	return st.err
}
