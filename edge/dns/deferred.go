package dns

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// upstreamTime bounds how long a query waits for an upstream resolver: a client
// asks again after five seconds.
const upstreamTime = 5 * time.Second

// deferredQueries answers the UDP queries of a socket that must wait for an
// upstream resolver or a signature, so that the others need not.
type deferredQueries struct {
	server *Server
	group  *errgroup.Group
	ctx    context.Context // that of the group; ends the waiting
}

// add answers a query in a goroutine of its own. It returns false if too many
// wait already.
func (d *deferredQueries) add(c *net.UDPConn, r *answer.Request, from netip.AddrPort, control []byte) bool {
	s := d.server
	select {
	case s.waiting <- struct{}{}:
	default:
		return false
	}
	r, control = r.Clone(), slices.Clone(control)
	d.group.Go(func() error {
		defer func() { <-s.waiting }()
		ctx, cancel := context.WithTimeout(d.ctx, upstreamTime)
		defer cancel()
		w := s.take(answer.UDP)
		defer s.give(w)
		if msg := s.handle(ctx, w, r, from, answer.UDP, make([]byte, 0, answer.MaxUDPSize)); msg != nil {
			// Nothing is to be done about a client that cannot be reached.
			_, _, _ = c.WriteMsgUDPAddrPort(msg, control, from)
		}
		return nil
	})
	return true
}
