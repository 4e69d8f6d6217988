//go:build !linux

package dns

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// sharing: elsewhere than on Linux, one socket has to do.
func sharing() func(network, address string, c syscall.RawConn) error { return nil }

// serveUDP answers from one socket until ctx ends, one datagram by a system
// call. A socket that is bound to all addresses of the machine answers from the
// one that routing picks.
func (s *Server) serveUDP(ctx context.Context, c *net.UDPConn) error {
	group, ctx := errgroup.WithContext(ctx)
	later := &later{server: s, group: group, ctx: ctx}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	group.Go(func() error {
		a := s.newAnswerer(s.metrics.newShard(UDP))
		query, out := make([]byte, maxUDPSize), make([]byte, 0, maxUDPSize)
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
			a.refresh()
			msg, v := a.answer(query[:n], from.Addr(), UDP, out)
			switch v {
			case send:
				if _, err := c.WriteToUDPAddrPort(msg, from); err != nil {
					a.counts.drops[dropSend]++
				}
			case wait, transfer:
				if !later.start(c, query[:n], from, nil) {
					a.counts.drops[dropBusy]++
				}
			}
			a.shard.took(time.Since(start), 1)
			a.flush()
		}
	})
	return group.Wait()
}
