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
)

// serveUDP answers from one socket until ctx ends.
func (s *Server) serveUDP(ctx context.Context, c *net.UDPConn) error {
	socket, err := newUDPSocket(c)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	w := &udpWorker{
		answerer: s.newAnswerer(s.metrics.newShard(UDP)),
		socket:   socket,
		conn:     c,
		batch:    newDatagrams(socket.wildcard, s.cfg.MaxUDPSize),
		later:    &later{server: s, group: group, ctx: ctx},
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	group.Go(func() error { return w.run(ctx) })
	return group.Wait()
}

// udpWorker owns a socket.
type udpWorker struct {
	*answerer
	socket *udpSocket
	conn   *net.UDPConn
	batch  *datagrams
	later  *later
	reqs   [batchSize]request
	// touched is a sum that nobody needs, so that reading ahead is not in vain.
	touched int
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
		w.shard.took(time.Since(start), n)
		w.flush()
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
	w.refresh()
	b, answers := w.batch, 0
	for i := range n {
		w.reqs[i].parse(b.queries[i][:min(int(b.in[i].n), len(b.queries[i]))])
	}
	w.lookAhead(n)
	for i := range n {
		from := b.source(i)
		if from.Port() == 0 {
			continue // nobody can be answered there
		}
		msg, v := w.answerTo(&w.reqs[i], from.Addr(), UDP, b.answers[i][:0])
		switch v {
		case send:
			b.answer(answers, i, msg)
			answers++
		case wait, transfer:
			w.postpone(i, w.reqs[i].msg, from)
		}
	}
	failed, err := w.socket.send(b, answers)
	w.counts.drops[dropSend] += uint32(failed)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		w.server.cfg.Logger.Warn("answers not sent", "err", err)
	}
}

// lookAhead finds the names of a batch in the snapshot before any is answered.
// In a large registry each is somewhere in memory where the processor has not
// been for long; in short loops like these it waits for many of them at once.
func (w *udpWorker) lookAhead(n int) {
	if n == 1 {
		return
	}
	zones := &w.snapshot.Zones
	for i := range n {
		if r := &w.reqs[i]; r.is == parsedQuery {
			r.head, r.found = zones.Find(r.hash), true
		}
	}
	for i := range n {
		if r := &w.reqs[i]; r.found {
			w.touched += r.head.Prefetch()
		}
	}
}

// postpone leaves a query to be answered when an upstream resolver has.
func (w *udpWorker) postpone(i int, query []byte, from netip.AddrPort) {
	var control []byte
	if w.batch.wildcard {
		n := min(controlSize, int(w.batch.in[i].Controllen))
		anyInterface(w.batch.control[i][:n])
		control = w.batch.control[i][:n]
	}
	if !w.later.start(w.conn, query, from, control) {
		w.counts.drops[dropBusy]++
	}
}
