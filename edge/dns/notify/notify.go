// Package notify sends NOTIFY messages to secondary servers when a zone has changed:
// RFC 1996.
//
// A Sender has one socket and one goroutine for each secondary. For each zone it
// keeps the newest change that the secondary has not acknowledged: many changes
// cause one message, and a secondary that is down gets one message a minute.
package notify

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

// Config is what a Sender needs.
type Config struct {
	// Source is the address to send from, by which a secondary identifies its
	// primary. The zero value lets the system choose.
	Source netip.Addr
	// Retry is the time until the first message is repeated. It doubles with each
	// message, up to a minute. 0 means 2s.
	Retry  time.Duration
	Logger *slog.Logger // required
	// Registerer registers the metrics. Nil: there are none.
	Registerer prometheus.Registerer
}

// maxRetry is the longest time between messages: RFC 1996 section 3.6 suggests a
// minute.
const maxRetry = time.Minute

// warnAfter is how many messages without an answer cause a warning in the log.
const warnAfter = 5

// inFlight is how many zones of one secondary wait for an acknowledgement at a time.
const inFlight = 64

// Change is a change of a zone that a secondary has to be notified of.
type Change struct {
	Secondary netip.AddrPort
	Apex      string    // in wire form
	SOA       []byte    // the SOA record in wire form, not compressed
	Key       *tsig.Key // signs the message; nil: no signature
}

// Sender sends NOTIFY messages. Create it with New, then call Run.
type Sender struct {
	cfg      Config
	messages *prometheus.CounterVec
	changed  chan struct{} // the secondaries were changed

	mu    sync.Mutex // guards what follows; held for moments
	peers map[netip.AddrPort]*peer
}

// New returns a Sender for secondaries. It starts nothing.
func New(cfg Config, secondaries []netip.AddrPort) (*Sender, error) {
	if cfg.Logger == nil {
		return nil, errors.New("notify: Logger is required")
	}
	if cfg.Retry == 0 {
		cfg.Retry = 2 * time.Second
	}
	s := &Sender{cfg: cfg, changed: make(chan struct{}, 1), messages: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cairn_dns_notify_total", Help: "NOTIFY messages by outcome: sent, acknowledged, refused, unanswered.",
	}, []string{"outcome"})}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(s.messages)
	}
	s.SetSecondaries(secondaries)
	return s, nil
}

// SetSecondaries replaces the secondaries. Changes that wait for one that stays
// are still sent; those for one that goes are dropped.
func (s *Sender) SetSecondaries(secondaries []netip.AddrPort) {
	s.mu.Lock()
	before := s.peers
	s.peers = make(map[netip.AddrPort]*peer, len(secondaries))
	for _, addr := range secondaries {
		if s.peers[addr] = before[addr]; s.peers[addr] == nil {
			s.peers[addr] = &peer{sender: s, addr: addr, zones: map[string]*pending{}, kick: make(chan struct{}, 1)}
		}
	}
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Send queues a change. It replaces an earlier change of the same zone. It does not
// block.
func (s *Sender) Send(c Change) {
	s.mu.Lock()
	p := s.peers[c.Secondary]
	s.mu.Unlock()
	if p != nil {
		p.put(c)
	}
}

// Run sends the queued changes until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	running := map[*peer]context.CancelFunc{}
	for ctx.Err() == nil {
		s.start(ctx, group, running)
		select {
		case <-ctx.Done():
		case <-s.changed:
		}
	}
	return group.Wait() // all contexts have ended
}

// start starts the peers that do not run, and stops those that are none any more.
func (s *Sender) start(ctx context.Context, group *errgroup.Group, running map[*peer]context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, stop := range running {
		if s.peers[p.addr] != p {
			stop()
			delete(running, p)
		}
	}
	for _, p := range s.peers {
		if running[p] == nil {
			ctx, stop := context.WithCancel(ctx)
			running[p] = stop
			group.Go(func() error { return p.run(ctx) })
		}
	}
}

// peer is one secondary.
type peer struct {
	sender *Sender
	addr   netip.AddrPort
	kick   chan struct{} // a change was queued

	mu    sync.Mutex          // guards what follows; held for moments
	zones map[string]*pending // by apex: changes without acknowledgement
}

// pending is a change without acknowledgement.
type pending struct {
	change Change
	tries  int
	next   time.Time // when to send it again; zero: now
	id     uint16
	signed *tsig.Signature
}

func (p *peer) put(c Change) {
	p.mu.Lock()
	p.zones[c.Apex] = &pending{change: c}
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// run keeps a socket open while changes are pending.
func (p *peer) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.kick:
		}
		for ctx.Err() == nil && p.waiting() {
			p.converse(ctx)
		}
	}
}

func (p *peer) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.zones) > 0
}

// converse sends and reads until every change is acknowledged or the socket fails.
func (p *peer) converse(ctx context.Context) {
	var local *net.UDPAddr
	if p.sender.cfg.Source.IsValid() {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.sender.cfg.Source, 0))
	}
	c, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(p.addr))
	if err != nil {
		p.sender.cfg.Logger.Warn("no socket for NOTIFY messages to secondary", "secondary", p.addr, "err", err)
		sleep(ctx, maxRetry)
		return
	}
	var reader sync.WaitGroup
	acks := make(chan []byte)
	done := make(chan struct{})
	reader.Go(func() { read(c, acks, done) })
	broken := !p.exchange(ctx, c, acks)
	close(done)
	_ = c.Close()
	reader.Wait()
	if broken {
		sleep(ctx, p.sender.cfg.Retry)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// maxFailed is how many reads in a row may fail before a socket is closed. If the
// secondary does not listen, one read fails for each message; if the socket is
// closed or broken, every read fails.
const maxFailed = 100

// read sends received messages to acks until the socket fails or done is closed.
func read(c *net.UDPConn, acks chan<- []byte, done <-chan struct{}) {
	defer close(acks)
	for failed := 0; failed < maxFailed; {
		buf := make([]byte, 1232)
		n, err := c.Read(buf)
		if err != nil {
			failed++
			continue
		}
		failed = 0
		select {
		case acks <- buf[:n]:
		case <-done:
			return
		}
	}
}

// exchange returns false if the socket is broken.
func (p *peer) exchange(ctx context.Context, c *net.UDPConn, acks <-chan []byte) bool {
	for {
		next, any := p.sendDue(c, time.Now())
		if !any {
			return true
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-p.kick:
		case <-timer.C:
		case msg, ok := <-acks:
			if !ok {
				return false
			}
			p.acknowledged(msg)
		}
		timer.Stop()
		if ctx.Err() != nil {
			return true
		}
	}
}

// sendDue sends the messages whose time has come, and returns the time of the next
// one. any is false if no change is pending.
func (p *peer) sendDue(c *net.UDPConn, now time.Time) (next time.Time, any bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := 0
	for _, z := range p.zones {
		if z.tries > 0 && now.Before(z.next) {
			waiting++
		}
	}
	for _, z := range p.zones {
		if !now.Before(z.next) && (waiting < inFlight || z.tries > 0) {
			p.send(c, z, now)
			waiting++
		}
		if z.tries > 0 && (next.IsZero() || z.next.Before(next)) {
			next = z.next
		}
	}
	return next, len(p.zones) > 0
}

// send sends one message. If it is lost, the next one replaces it.
func (p *peer) send(c *net.UDPConn, z *pending, now time.Time) {
	count := p.sender.messages
	if z.tries > 0 {
		count.WithLabelValues("unanswered").Inc()
	}
	if z.tries == warnAfter {
		p.sender.cfg.Logger.Warn("secondary does not acknowledge NOTIFY", "secondary", p.addr, "zone", dnswire.Text(z.change.Apex), "tries", z.tries)
	}
	if z.tries == 0 {
		var id [2]byte
		rand.Read(id[:]) // never fails
		z.id = binary.BigEndian.Uint16(id[:])
	}
	z.next = now.Add(min(p.sender.cfg.Retry<<min(z.tries, 10), maxRetry))
	z.tries++
	count.WithLabelValues("sent").Inc()
	_, _ = c.Write(z.message(now.Unix()))
}
