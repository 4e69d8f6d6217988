// Package connlimit limits the open connections of a server, for each client address
// and in total.
//
// At a limit, a new connection replaces the one that has been idle for the longest
// time: an idle connection costs its client nothing to open again. Connections with
// work in progress are not replaced; if there is no other, the new one is refused.
//
//	c, limit := limiter.Open(client, func() { conn.Close() })
//	if c == nil { conn.Close(); return } // refused because of limit
//	defer c.Close()
//	for {
//		request := read(conn)
//		if !c.Begin() { return } // replaced in the meantime
//		answer(request)
//		c.End()
//	}
package connlimit

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits are the numbers of connections that may be open at a time. Zero means no
// limit.
type Limits struct {
	Total     int
	PerClient int // for each client address
}

// Limit is one of the Limits.
type Limit string

// The limits.
const (
	None      Limit = ""
	PerClient Limit = "client"
	Total     Limit = "all"
)

// Limiter counts connections. Create it with New. It is safe for concurrent use.
type Limiter struct {
	limits Limits

	mu      sync.Mutex // guards what follows; held for moments
	open    map[*Conn]struct{}
	clients map[netip.Addr]map[*Conn]struct{}
}

// New returns a Limiter.
func New(limits Limits) *Limiter {
	return &Limiter{limits: limits, open: map[*Conn]struct{}{}, clients: map[netip.Addr]map[*Conn]struct{}{}}
}

// Conn is an open connection.
type Conn struct {
	limiter *Limiter
	client  netip.Addr
	evict   func()

	// work is the number of requests in progress, or replaced.
	work  atomic.Int32
	since atomic.Int64 // when the connection was opened or the last request ended
}

// replaced is the value of Conn.work of a connection that was replaced.
const replaced = -1

// start is the zero of Conn.since, which is monotonic.
var start = time.Now()

// Open counts a new connection. It returns nil if that would exceed a limit, and the
// limit. If it returns a connection and a limit, an idle connection was replaced: its
// evict was called. evict must not block and must not call the Limiter.
func (l *Limiter) Open(client netip.Addr, evict func()) (*Conn, Limit) {
	c := &Conn{limiter: l, client: client.Unmap(), evict: evict}
	c.since.Store(int64(time.Since(start)))
	l.mu.Lock()
	defer l.mu.Unlock()
	reached, among := None, l.clients[c.client]
	switch {
	case l.limits.PerClient > 0 && len(among) >= l.limits.PerClient:
		reached = PerClient
	case l.limits.Total > 0 && len(l.open) >= l.limits.Total:
		reached, among = Total, l.open
	}
	if reached != None && !l.replaceIdlest(among) {
		return nil, reached
	}
	l.open[c] = struct{}{}
	if l.clients[c.client] == nil {
		l.clients[c.client] = map[*Conn]struct{}{}
	}
	l.clients[c.client][c] = struct{}{}
	return c, reached
}

// replaceIdlest evicts the connection that has been idle for the longest time. It
// returns false if all have work. The caller holds l.mu.
func (l *Limiter) replaceIdlest(among map[*Conn]struct{}) bool {
	for {
		var idlest *Conn
		for c := range among {
			if c.work.Load() == 0 && (idlest == nil || c.since.Load() < idlest.since.Load()) {
				idlest = c
			}
		}
		if idlest == nil {
			return false
		}
		if idlest.work.CompareAndSwap(0, replaced) { // else it has just got work
			l.remove(idlest)
			idlest.evict()
			return true
		}
	}
}

func (l *Limiter) remove(c *Conn) {
	delete(l.open, c)
	if of := l.clients[c.client]; of != nil {
		if delete(of, c); len(of) == 0 {
			delete(l.clients, c.client)
		}
	}
}

// Len returns the number of open connections.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// Begin marks that the connection has a request in progress, besides those that it has
// already. It returns false if the connection was replaced: the request must not be
// answered.
func (c *Conn) Begin() bool {
	for {
		n := c.work.Load()
		if n == replaced {
			return false
		}
		if c.work.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// End ends what a Begin that returned true began.
func (c *Conn) End() {
	c.since.Store(int64(time.Since(start)))
	c.work.Add(-1)
}

// Close ends the count of the connection. It may be called more than once.
func (c *Conn) Close() {
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	c.limiter.remove(c)
}
