package aws

import (
	"net"
	"net/http"
	"sync"
)

// silentConns are the connections on which nothing has been asked yet. At the
// end they are closed at once: http.Server.Shutdown would wait 5 s for them, as
// long as for a request in flight. Clients open connections ahead of need, so
// there nearly always are some.
type silentConns struct {
	mu    sync.Mutex
	conns map[*wholeConn]struct{}
}

func newSilentConns() *silentConns { return &silentConns{conns: map[*wholeConn]struct{}{}} }

// track is an http.Server's ConnState hook. After a connection's first request
// it costs no lock.
func (s *silentConns) track(c net.Conn, state http.ConnState) {
	conn, ok := c.(*wholeConn)
	if !ok {
		return
	}
	if state == http.StateNew {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns[conn] = struct{}{}
		return
	}
	if conn.asked.CompareAndSwap(false, true) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, conn)
	}
}

// close closes those that are silent now.
func (s *silentConns) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}
