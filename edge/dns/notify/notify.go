// Package notify tells secondary servers that a zone has changed: NOTIFY, RFC
// 1996.
//
// A Sender has one socket and one goroutine for each secondary, and remembers of
// each zone only the newest change that the secondary has not acknowledged: many
// changes are one message, and a secondary that is down costs a message a minute.
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
	// Source is the address to send from; the zero value leaves it to the
	// system. Secondaries know a primary by it.
	Source netip.Addr
	// Retry is how long the first message waits for its acknowledgement; each
	// further one waits twice as long, up to a minute. 0 means 2s.
	Retry  time.Duration
	Logger *slog.Logger // required
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
}

// maxRetry is the longest time between messages: RFC 1996 section 3.6 suggests a
// minute.
const maxRetry = time.Minute

// complainAfter is after how many messages without an answer the log says so.
const complainAfter = 5

// inFlight bounds the zones that one secondary is told of at a time.
const inFlight = 64

// Change is news of a zone for a secondary.
type Change struct {
	Secondary netip.AddrPort
	Apex      string    // in wire form
	SOA       []byte    // the SOA record in wire form, not compressed
	Key       *tsig.Key // signs the message; nil: it is not signed
}

// Sender sends NOTIFY messages. Make one with New, then Run it.
type Sender struct {
	cfg      Config
	peers    map[netip.AddrPort]*peer
	messages *prometheus.CounterVec
}

// New makes a Sender for secondaries. It starts nothing.
func New(cfg Config, secondaries []netip.AddrPort) (*Sender, error) {
	if cfg.Logger == nil {
		return nil, errors.New("notify: Logger is required")
	}
	if cfg.Retry == 0 {
		cfg.Retry = 2 * time.Second
	}
	s := &Sender{cfg: cfg, peers: map[netip.AddrPort]*peer{}, messages: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cairn_dns_notify_total", Help: "NOTIFY messages by outcome: sent, acknowledged, refused, or unanswered in time.",
	}, []string{"outcome"})}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(s.messages)
	}
	for _, addr := range secondaries {
		if s.peers[addr] == nil {
			s.peers[addr] = &peer{sender: s, addr: addr, zones: map[string]*pending{}, kick: make(chan struct{}, 1)}
		}
	}
	return s, nil
}

// Send leaves a change to be told. It takes the place of an earlier one of the
// same zone. It never waits.
func (s *Sender) Send(c Change) {
	if p := s.peers[c.Secondary]; p != nil {
		p.put(c)
	}
}

// Run sends what there is to send until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range s.peers {
		group.Go(func() error { return p.run(ctx) })
	}
	return group.Wait()
}

// peer is one secondary.
type peer struct {
	sender *Sender
	addr   netip.AddrPort
	kick   chan struct{} // there is something new

	mu    sync.Mutex          // guards what follows; held for moments
	zones map[string]*pending // by apex: what is not acknowledged
}

// pending is a change that is not acknowledged.
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

// run keeps a socket while there is something to tell. One that cannot be opened
// is tried again as a message that is not answered is.
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

// converse sends and reads until everything is acknowledged or the socket fails.
func (p *peer) converse(ctx context.Context) {
	var local *net.UDPAddr
	if p.sender.cfg.Source.IsValid() {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.sender.cfg.Source, 0))
	}
	c, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(p.addr))
	if err != nil {
		p.sender.cfg.Logger.Warn("secondary cannot be told of changes", "secondary", p.addr, "err", err)
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

// maxFailed is after how many failed reads in a row a socket is given up: a
// secondary that does not listen makes one fail for every message, and a socket
// that is closed or broken all of them.
const maxFailed = 100

// read hands on what comes in until the socket is of no more use.
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

// exchange is false if the socket is broken.
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

// sendDue sends what is due, and returns when there will be more; any is false
// if nothing is left to be told.
func (p *peer) sendDue(c *net.UDPConn, now time.Time) (next time.Time, any bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	flying := 0
	for _, z := range p.zones {
		if z.tries > 0 && now.Before(z.next) {
			flying++
		}
	}
	for _, z := range p.zones {
		if !now.Before(z.next) && (flying < inFlight || z.tries > 0) {
			p.send(c, z, now)
			flying++
		}
		if z.tries > 0 && (next.IsZero() || z.next.Before(next)) {
			next = z.next
		}
	}
	return next, len(p.zones) > 0
}

// send sends one message. That it may not arrive is what the next try is for.
func (p *peer) send(c *net.UDPConn, z *pending, now time.Time) {
	count := p.sender.messages
	if z.tries > 0 {
		count.WithLabelValues("unanswered").Inc()
	}
	if z.tries == complainAfter {
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
