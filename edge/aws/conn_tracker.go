package aws

import (
	"net"
	"net/http"
	"sync"
)

// connTracker has the connections in http.StateNew: no request has begun on them. When
// the server stops they are closed at once: http.Server.Shutdown would wait 5 s for
// them, as long as for a request in flight. Clients open connections before they
// need them, so there nearly always are some.
type connTracker struct {
	mu    sync.Mutex
	conns map[*bufferedConn]struct{}
}

func newConnTracker() *connTracker { return &connTracker{conns: map[*bufferedConn]struct{}{}} }

// track is an http.Server's ConnState hook. After a connection's first request it
// takes no lock.
func (s *connTracker) track(c net.Conn, state http.ConnState) {
	conn, ok := c.(*bufferedConn)
	if !ok {
		return
	}
	switch state {
	case http.StateNew:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns[conn] = struct{}{}
		return
	case http.StateIdle:
		conn.handling = false // the answer has been written
	}
	if conn.begun.CompareAndSwap(false, true) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, conn)
	}
}

// close closes the connections that are new now.
func (s *connTracker) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}
