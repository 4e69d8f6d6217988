//go:build !linux

package dns

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// sharing returns nil: only on Linux several sockets share a port.
func sharing() func(network, address string, c syscall.RawConn) error { return nil }

// serveUDP answers from one socket until ctx ends, one datagram by a system
// call. A socket that is bound to all addresses of the machine answers from the
// one that routing picks.
func (s *Server) serveUDP(ctx context.Context, c *net.UDPConn) error {
	group, ctx := errgroup.WithContext(ctx)
	deferred := &deferredQueries{server: s, group: group, ctx: ctx}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	group.Go(func() error {
		w := s.newWorker(s.metrics.newShard(answer.UDP))
		query, out := make([]byte, answer.MaxUDPSize), make([]byte, 0, answer.MaxUDPSize)
		for {
			n, from, err := c.ReadFromUDPAddrPort(query)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				if errors.Is(err, net.ErrClosed) {
					return err
				}
				continue
			}
			start := time.Now()
			w.Refresh()
			r := w.Parse(query[:n])
			msg, disposition := w.Answer(r, from.Addr(), answer.UDP, out)
			switch disposition {
			case answer.Send:
				if _, err := c.WriteToUDPAddrPort(msg, from); err != nil {
					w.Counts.NotSent(1)
				}
			case answer.NeedsWait, answer.Transfer:
				if !deferred.add(c, r, from, nil) {
					w.Counts.Busy()
				}
			}
			w.shard.observe(time.Since(start), 1)
			w.shard.add(&w.Counts)
		}
	})
	return group.Wait()
}
