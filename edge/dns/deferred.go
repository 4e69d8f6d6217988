package dns

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// upstreamTime bounds how long a query waits for an upstream resolver: a client
// asks again after five seconds.
const upstreamTime = 5 * time.Second

// later answers the UDP queries of a socket that must wait for an upstream
// resolver, so that the others need not.
type later struct {
	server *Server
	group  *errgroup.Group
	ctx    context.Context // that of the group; ends the waiting
}

// start takes a query over, or is false if too many wait already.
func (l *later) start(c *net.UDPConn, query []byte, from netip.AddrPort, control []byte) bool {
	select {
	case l.server.waiting <- struct{}{}:
	default:
		return false
	}
	query, control = slices.Clone(query), slices.Clone(control)
	l.group.Go(func() error {
		defer func() { <-l.server.waiting }()
		ctx, cancel := context.WithTimeout(l.ctx, upstreamTime)
		defer cancel()
		msg := l.server.Handle(ctx, query, from, UDP, make([]byte, 0, maxUDPSize))
		if msg != nil {
			// A client that cannot be reached is no reason to do anything.
			_, _, _ = c.WriteMsgUDPAddrPort(msg, control, from)
		}
		return nil
	})
	return true
}
