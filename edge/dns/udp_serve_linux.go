package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// serveUDP answers from one socket until ctx ends.
func (s *Server) serveUDP(ctx context.Context, c *net.UDPConn) error {
	socket, err := newUDPSocket(c)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	w := &udpWorker{
		worker:   s.newWorker(s.metrics.newShard(answer.UDP)),
		server:   s,
		socket:   socket,
		conn:     c,
		batch:    newDatagrams(socket.wildcard, s.responder.UDPSize()),
		deferred: &deferredQueries{server: s, group: group, ctx: ctx},
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	group.Go(func() error { return w.run(ctx) })
	return group.Wait()
}

// udpWorker owns a socket.
type udpWorker struct {
	*worker
	server   *Server
	socket   *udpSocket
	conn     *net.UDPConn
	batch    *datagrams
	deferred *deferredQueries
	requests [batchSize]answer.Request
	// prefetchSum keeps the compiler from removing the prefetch loop. Its value is
	// unused.
	prefetchSum int
}

func (w *udpWorker) run(ctx context.Context) error {
	w.batch.ready(batchSize)
	for {
		n, err := w.socket.receive(w.batch)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if transient(err) {
				continue
			}
			return err
		}
		start := time.Now()
		w.serve(n)
		w.shard.observe(time.Since(start), n)
		w.shard.add(&w.Counts)
		w.batch.ready(n)
	}
}

// transient reports whether an error of a socket is about some datagram.
func transient(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && (errno == syscall.ECONNREFUSED || errno == syscall.EHOSTUNREACH || errno == syscall.ENETUNREACH ||
		errno == syscall.ENOMEM || errno == syscall.ENOBUFS || errno == syscall.EMSGSIZE) && !errors.Is(err, os.ErrClosed)
}

// serve answers the n datagrams of a batch.
func (w *udpWorker) serve(n int) {
	w.Refresh()
	b, answers := w.batch, 0
	for i := range n {
		w.requests[i].Parse(b.queries[i][:min(int(b.in[i].n), len(b.queries[i]))])
	}
	if n > 1 {
		w.prefetchSum += w.Prefetch(w.requests[:n])
	}
	for i := range n {
		from := b.source(i)
		if from.Port() == 0 {
			continue // port 0 cannot be answered
		}
		msg, disposition := w.Answer(&w.requests[i], from.Addr(), answer.UDP, b.answers[i][:0])
		switch disposition {
		case answer.Send:
			b.answer(answers, i, msg)
			answers++
		case answer.NeedsWait, answer.Transfer:
			w.postpone(i, from)
		}
	}
	failed, err := w.socket.send(b, answers)
	w.Counts.NotSent(failed)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		w.server.cfg.Logger.Warn("answers not sent", "err", err)
	}
}

// postpone defers a query that has to wait.
func (w *udpWorker) postpone(i int, from netip.AddrPort) {
	var control []byte
	if w.batch.wildcard {
		n := min(controlSize, int(w.batch.in[i].Controllen))
		anyInterface(w.batch.control[i][:n])
		control = w.batch.control[i][:n]
	}
	if !w.deferred.add(w.conn, &w.requests[i], from, control) {
		w.Counts.Busy()
	}
}
