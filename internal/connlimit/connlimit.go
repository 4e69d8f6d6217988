// Package connlimit limits the open connections of a server: for each client address,
// for those that are not authenticated, and in total.
//
// At a limit, a new connection replaces the one that has been idle for the longest
// time: an idle connection costs its client nothing to open again. Connections that are
// not authenticated are replaced before those that are. Connections with work in
// progress are not replaced; if there is no other, the new one is refused. Work should
// begin when a request has been read, so that a client cannot keep a connection by a
// request that it does not complete.
//
//	limiter := connlimit.New(limits, logger)
//	ln = limiter.Listen(ln, nil) // accepts what the limits allow
//	for {
//		conn, err := ln.Accept()
//		c := connlimit.Of(conn)
//		for {
//			request := read(conn)
//			if !c.Begin() { return } // replaced in the meantime
//			answer(request)
//			c.End()
//		}
//	}
package connlimit

import (
	"container/heap"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/internal/clientaddr"
)

// Limits are the numbers of connections that may be open at a time. Zero means no
// limit.
type Limits struct {
	Total int
	// PerClient is for each IPv4 address and each /64 network of IPv6.
	PerClient int
	// Unauthenticated is for the connections on which Authenticated has not been
	// called.
	Unauthenticated int
}

// Limit is one of the Limits.
type Limit string

// The limits.
const (
	None            Limit = ""
	PerClient       Limit = "client"
	Unauthenticated Limit = "unauthenticated"
	Total           Limit = "all"
)

// Limiter counts connections. Create it with New. It is safe for concurrent use.
type Limiter struct {
	limits Limits
	logger *slog.Logger

	mu              sync.Mutex // guards what follows; held for moments
	open            int
	unauthenticated int
	idle            queue
	clients         map[netip.Addr]*client
	reached         map[Limit]*reached
}

// client is one client address with its connections.
type client struct {
	open int
	idle queue
}

// reached counts what happened at one limit.
type reached struct {
	refused, replaced uint64
	logged            time.Time
}

// logInterval is the time between two lines of the log about the same limit.
const logInterval = time.Minute

// New returns a Limiter. It logs, at most once a minute for each limit, that a limit is
// reached; a nil logger means that it does not.
func New(limits Limits, logger *slog.Logger) *Limiter {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Limiter{
		limits: limits, logger: logger, idle: queue{slot: inAll}, clients: map[netip.Addr]*client{},
		reached: map[Limit]*reached{PerClient: {}, Unauthenticated: {}, Total: {}},
	}
}

// Conn is an open connection. The methods of a nil Conn do nothing: it is one that is
// not counted.
type Conn struct {
	limiter *Limiter
	addr    netip.Addr
	client  *client
	evict   func()

	// work is the number of requests in progress, or replaced.
	work  atomic.Int32
	since atomic.Int64 // when the connection was opened or the last request ended
	known atomic.Bool  // Authenticated was called
	// parked is set while the connection is in no queue because it has work.
	parked atomic.Bool

	// The Limiter's mu guards what follows.
	authenticated bool
	recorded      int64      // since when it was put into the queues
	place         [slots]int // in the queues
	closed        bool
}

// replaced is the value of Conn.work of a connection that was replaced.
const replaced = -1

// start is the zero of Conn.since, which is monotonic.
var start = time.Now()

// Open counts a new connection. It returns nil if that would exceed a limit, and the
// limit. If it returns a connection and a limit, an idle connection was replaced: its
// evict was called. evict must not block and must not call the Limiter.
func (l *Limiter) Open(addr netip.Addr, evict func()) (*Conn, Limit) {
	c := &Conn{limiter: l, addr: clientaddr.Client(addr), evict: evict, place: [slots]int{absent, absent}}
	l.mu.Lock()
	limit, ok := l.makeRoom(c.addr)
	if ok {
		l.add(c)
	}
	line := l.count(limit, !ok)
	l.mu.Unlock()
	line.log(l.logger, c.addr)
	if !ok {
		return nil, limit
	}
	return c, limit
}

// makeRoom replaces an idle connection for each limit that is reached. It returns the
// last of these limits, and false if no connection could be replaced. The caller holds
// l.mu.
func (l *Limiter) makeRoom(addr netip.Addr) (last Limit, ok bool) {
	of := l.clients[addr]
	if of != nil && full(of.open, l.limits.PerClient) {
		if last = PerClient; !l.replaceFirst(&of.idle, false) {
			return last, false
		}
	}
	if full(l.unauthenticated, l.limits.Unauthenticated) {
		if last = Unauthenticated; !l.replaceFirst(&l.idle, true) {
			return last, false
		}
	}
	if full(l.open, l.limits.Total) {
		if last = Total; !l.replaceFirst(&l.idle, false) {
			return last, false
		}
	}
	return last, true
}

func full(n, limit int) bool { return limit > 0 && n >= limit }

// replaceFirst evicts the first connection of a queue. It returns false if there is
// none, or, with unauthenticated, only connections that are authenticated. The caller
// holds l.mu.
//
// A connection is moved to its place, or parked, only when it is the first: each is
// moved once for a request that it had, and so a call does not look at all.
func (l *Limiter) replaceFirst(q *queue, unauthenticated bool) bool {
	for c := q.first(); c != nil; c = q.first() {
		since := c.since.Load()
		switch {
		case c.work.Load() > 0:
			l.park(c)
		case since != c.recorded:
			c.recorded = since
			l.fix(c)
		case unauthenticated && c.authenticated:
			return false
		case c.work.CompareAndSwap(0, replaced): // else it has just got work
			l.remove(c)
			c.evict()
			return true
		}
	}
	return false
}

// park takes a connection with work out of the queues. End puts it back.
func (l *Limiter) park(c *Conn) {
	l.unqueue(c)
	c.parked.Store(true)
	if c.work.Load() == 0 && c.parked.CompareAndSwap(true, false) { // End did not see it
		l.queue(c)
	}
}

func (l *Limiter) add(c *Conn) {
	c.since.Store(int64(time.Since(start)))
	of := l.clients[c.addr]
	if of == nil {
		of = &client{idle: queue{slot: inClient}}
		l.clients[c.addr] = of
	}
	c.client = of
	of.open++
	l.open++
	l.unauthenticated++
	l.queue(c)
}

// remove ends the count of a connection.
func (l *Limiter) remove(c *Conn) {
	if c.closed {
		return
	}
	c.closed = true
	l.unqueue(c)
	if c.client.open--; c.client.open == 0 {
		delete(l.clients, c.addr)
	}
	l.open--
	if !c.authenticated {
		l.unauthenticated--
	}
}

func (l *Limiter) queue(c *Conn) {
	c.recorded = c.since.Load()
	heap.Push(&l.idle, c)
	heap.Push(&c.client.idle, c)
}

func (l *Limiter) unqueue(c *Conn) {
	l.idle.remove(c)
	c.client.idle.remove(c)
}

func (l *Limiter) fix(c *Conn) {
	l.idle.fix(c)
	c.client.idle.fix(c)
}

// Begin marks that the connection has a request in progress, besides those that it has
// already. It returns false if the connection was replaced: the request must not be
// answered.
func (c *Conn) Begin() bool {
	if c == nil {
		return true
	}
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
	if c == nil {
		return
	}
	c.since.Store(int64(time.Since(start)))
	if c.work.Add(-1) > 0 || !c.parked.Load() {
		return
	}
	l := c.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.parked.CompareAndSwap(true, false) && !c.closed {
		l.queue(c)
	}
}

// Authenticated marks that a request of the connection has proved who sent it. It may
// be called more than once; after the first call it takes no lock.
func (c *Conn) Authenticated() {
	if c == nil || c.known.Load() || !c.known.CompareAndSwap(false, true) {
		return
	}
	l := c.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if !c.closed {
		c.authenticated = true
		l.unauthenticated--
		l.fix(c)
	}
}

// Close ends the count of the connection. It may be called more than once.
func (c *Conn) Close() {
	if c == nil {
		return
	}
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	c.limiter.remove(c)
}
