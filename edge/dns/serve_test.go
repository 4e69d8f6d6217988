package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
)

// serve runs the server on sockets of its own and returns their port.
func (w *fixture) serve(host string) string {
	w.Helper()
	sockets, err := Listen(w.Context(), net.JoinHostPort(host, "0"))
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Serve(ctx, sockets) }()
	w.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Serve: %v", err)
		}
	})
	_, port, _ := net.SplitHostPort(sockets.Addr().String())
	return port
}

// Answers leave from the address that was asked: a client takes no others.
func TestUDPFromTheQueriedAddress(t *testing.T) {
	w := populated(t)
	for _, c := range []struct{ listen, network, ask string }{
		{"127.0.0.1", "udp4", "127.0.0.1"},
		{"0.0.0.0", "udp4", "127.0.0.1"},
		{"0.0.0.0", "udp4", "127.0.0.77"},
		{"::", "udp4", "127.0.0.77"},
		{"::", "udp6", "::1"},
		{"::1", "udp6", "::1"},
	} {
		port := w.serve(c.listen)
		client := mdns.Client{Net: c.network}
		m, _, err := client.Exchange(question("web.example.com.", mdns.TypeA), net.JoinHostPort(c.ask, port))
		if err != nil || len(m.Answer) != 2 {
			t.Errorf("%+v: %v %v", c, m, err)
		}
	}
}

// Many clients at once, each in its own socket: what the batches are for.
func TestUDPManyClients(t *testing.T) {
	w := populated(t)
	addr := net.JoinHostPort("127.0.0.1", w.serve("127.0.0.1"))
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			conn, err := mdns.Dial("udp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for range 50 {
				q := question("wEb.example.com.", mdns.TypeA).SetEdns0(1232, false)
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				if err := conn.WriteMsg(q); err != nil {
					t.Error(err)
					return
				}
				if m, err := conn.ReadMsg(); err != nil || m.Id != q.Id || len(m.Answer) != 2 {
					t.Errorf("%v %v", m, err)
					return
				}
			}
		})
	}
	clients.Wait()
}

// Selection on the wire: eight of eleven, each as often as the others.
func TestUDPSelectionIsUniform(t *testing.T) {
	w := newFixture(t)
	svc := w.service(w.namespace("example.com", ""), "web", "", "A")
	for i := range 11 {
		w.register(svc, fmt.Sprint(i), ipv4, fmt.Sprintf("10.0.0.%d", i))
	}
	conn, err := mdns.Dial("udp", net.JoinHostPort("127.0.0.1", w.serve("127.0.0.1")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const rounds = 3000
	var counts [11]float64
	var first [11]float64
	for range rounds {
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		if err := conn.WriteMsg(question("web.example.com.", mdns.TypeA)); err != nil {
			t.Fatal(err)
		}
		m, err := conn.ReadMsg()
		if err != nil || len(m.Answer) != 8 {
			t.Fatalf("%v %v", m, err)
		}
		first[m.Answer[0].(*mdns.A).A.To4()[3]]++
		for _, rr := range m.Answer {
			counts[rr.(*mdns.A).A.To4()[3]]++
		}
	}
	// The seed of a server is random, so the bound is one that chance passes
	// once in a hundred million: 58 for 10 degrees of freedom.
	for what, c := range map[string][11]float64{"answers": counts, "first": first} {
		chi, expected := 0.0, 8*rounds/11.0
		if what == "first" {
			expected = rounds / 11.0
		}
		for _, n := range c {
			chi += (n - expected) * (n - expected) / expected
		}
		if chi > 58 {
			t.Errorf("%s: chi square %.1f: %v", what, chi, c)
		}
	}
}

// An answer asked after a write was acknowledged never shows the old state.
func TestUDPFreshness(t *testing.T) {
	w := newFixture(t)
	svc := w.service(w.namespace("example.com", ""), "web", "", "A")
	conn, err := mdns.Dial("udp", net.JoinHostPort("127.0.0.1", w.serve("127.0.0.1")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range 500 {
		addr := fmt.Sprintf("10.0.%d.%d", i/250, i%250)
		w.register(svc, "i", ipv4, addr)
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		if err := conn.WriteMsg(question("web.example.com.", mdns.TypeA)); err != nil {
			t.Fatal(err)
		}
		if m, err := conn.ReadMsg(); err != nil || len(m.Answer) != 1 || m.Answer[0].(*mdns.A).A.String() != addr {
			t.Fatalf("%s: %v %v", addr, m, err)
		}
	}
}

func dialTCP(t testing.TB, port string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// framed puts the length before a message: RFC 1035 section 4.2.2.
func framed(t testing.TB, msgs ...*mdns.Msg) []byte {
	var b []byte
	for _, m := range msgs {
		packed, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(packed))), packed...)
	}
	return b
}

func readFramed(c net.Conn) (*mdns.Msg, error) {
	return (&mdns.Conn{Conn: c}).ReadMsg()
}

// RFC 7766 section 6.2.1.1: several queries in one go, however they are cut; and
// section 6.2.4: a client that closes its half gets what it asked for.
func TestRFC7766_Pipelining(t *testing.T) {
	w := populated(t)
	c := dialTCP(t, w.serve("127.0.0.1"))
	ids := map[uint16]bool{}
	var queries []*mdns.Msg
	for range 50 {
		q := question("web.example.com.", mdns.TypeA)
		ids[q.Id] = true
		queries = append(queries, q)
	}
	b := framed(t, queries...)
	for len(b) > 0 {
		n := min(len(b), 7+len(b)%31)
		if _, err := c.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	_ = c.(*net.TCPConn).CloseWrite()
	for range len(queries) {
		m, err := readFramed(c)
		if err != nil || len(m.Answer) != 2 || !ids[m.Id] {
			t.Fatalf("%v %v", m, err)
		}
	}
	if _, err := readFramed(c); !errors.Is(err, io.EOF) {
		t.Errorf("after the last answer: %v", err)
	}
}

// RFC 7766 section 6.2.3 and 6.2.2: idle connections end, and no client takes all.
func TestRFC7766_Limits(t *testing.T) {
	w := populated(t, func(c *Config) {
		c.Limits = Limits{IdleTimeout: 50 * time.Millisecond, ReadTimeout: 50 * time.Millisecond, ConnectionsPerClient: 2}
	})
	port := w.serve("127.0.0.1")
	idle, slow, third := dialTCP(t, port), dialTCP(t, port), dialTCP(t, port)
	if _, err := slow.Write([]byte{0, 40, 1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]net.Conn{"idle": idle, "slow": slow, "third": third} {
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Those that have ended make room.
	m, _, err := (&mdns.Client{Net: "tcp"}).Exchange(question("web.example.com.", mdns.TypeA), net.JoinHostPort("127.0.0.1", port))
	if err != nil || len(m.Answer) != 2 {
		t.Errorf("%v %v", m, err)
	}
}

// Stopping answers what was asked and leaves nothing behind: Serve returns
// although a connection is open.
func TestStopWithOpenConnections(t *testing.T) {
	w := populated(t)
	c := dialTCP(t, w.serve("127.0.0.1"))
	if _, err := c.Write(framed(t, question("web.example.com.", mdns.TypeA))); err != nil {
		t.Fatal(err)
	}
	if m, err := readFramed(c); err != nil || len(m.Answer) != 2 {
		t.Fatalf("%v %v", m, err)
	}
}

// upstream is a resolver that knows www.example.net, and waits where told to.
func upstream(t *testing.T, hold <-chan struct{}) netip.AddrPort {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &mdns.Server{PacketConn: pc, Handler: mdns.HandlerFunc(func(rw mdns.ResponseWriter, q *mdns.Msg) {
		if hold != nil {
			<-hold
		}
		m := new(mdns.Msg)
		m.SetReply(q)
		m.RecursionAvailable = true
		if name := q.Question[0].Name; mdns.CanonicalName(name) == "www.example.net." && q.Question[0].Qtype == mdns.TypeA {
			rr, _ := mdns.NewRR(name + " 30 IN A 198.51.100.1")
			m.Answer = append(m.Answer, rr)
		} else {
			m.Rcode = mdns.RcodeNameError
			rr, _ := mdns.NewRR("example.net. 30 IN SOA a.example.net. b.example.net. 1 2 3 4 30")
			m.Ns = append(m.Ns, rr)
		}
		_ = rw.WriteMsg(m)
	})}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown(); <-done })
	return pc.LocalAddr().(*net.UDPAddr).AddrPort()
}

func forwarding(t *testing.T, addr netip.AddrPort) func(*Config) {
	t.Helper()
	f, err := forward.New(forward.Config{Upstreams: []netip.AddrPort{addr}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return func(c *Config) { c.Forward = f }
}

// Names outside our zones, for those who may and ask for it: issue item 4. And
// no open resolver for anybody else.
func TestForwarding(t *testing.T) {
	w := populated(t, forwarding(t, upstream(t, nil)))
	ns := w.namespace("example.org", "")
	w.register(w.service(ns, "lb", "WEIGHTED", "A"), "a", alias, "www.example.net")
	w.register(w.service(ns, "dead", "WEIGHTED", "A"), "a", alias, "none.example.net")
	for _, c := range []struct {
		name, from string
		rd         bool
		rcode      int
		answer     string
		aa, ra     bool
	}{
		{"www.example.net.", trusted, true, 0, "www.example.net. 30 IN A 198.51.100.1", false, true},
		{"www.example.net.", inVPC1, true, 0, "www.example.net. 30 IN A 198.51.100.1", false, true},
		{"www.example.net.", trusted, false, mdns.RcodeRefused, "", false, true},
		{"www.example.net.", stranger, true, mdns.RcodeRefused, "", false, false},
		{"none.example.net.", trusted, true, mdns.RcodeNameError, "", false, true},
		{"out.example.com.", trusted, true, 0, "out.example.com. 60 IN CNAME www.example.net.\nwww.example.net. 30 IN A 198.51.100.1", true, true},
		{"out.example.com.", stranger, true, 0, "out.example.com. 60 IN CNAME www.example.net.", true, false},
		{"out.example.com.", trusted, false, 0, "out.example.com. 60 IN CNAME www.example.net.", true, true},
		{"lb.example.org.", stranger, false, 0, "lb.example.org. 30 IN A 198.51.100.1", true, false},
		{"dead.example.org.", trusted, true, 0, "", true, true},
		{"web.example.com.", trusted, true, 0, "web.example.com. 60 IN A 192.0.2.10\nweb.example.com. 60 IN A 192.0.2.11", true, true},
	} {
		q := question(c.name, mdns.TypeA)
		q.RecursionDesired = c.rd
		m := w.exchange(q, c.from, UDP)
		if m == nil || m.Rcode != c.rcode || youngTTL(sections(m.Answer)) != c.answer || m.Authoritative != c.aa || m.RecursionAvailable != c.ra {
			t.Errorf("%+v: %v", c, m)
		}
	}
}

// youngTTL forgives that seconds pass.
func youngTTL(s string) string { return regexp.MustCompile(` 2\d IN`).ReplaceAllString(s, " 30 IN") }

// An alias whose target cannot be resolved fails; it does not look empty.
func TestAliasWithoutForwarder(t *testing.T) {
	w := newFixture(t)
	w.register(w.service(w.namespace("example.org", ""), "lb", "WEIGHTED", "A"), "a", alias, "www.example.net")
	if m := w.ask("lb.example.org.", mdns.TypeA, stranger); m.Rcode != mdns.RcodeServerFailure || m.Authoritative {
		t.Errorf("%v", m)
	}
}

// A query that waits for an upstream holds up no other: RFC 7766 section 7, and
// the same over UDP.
func TestOutOfOrder(t *testing.T) {
	hold := make(chan struct{})
	w := populated(t, forwarding(t, upstream(t, hold)))
	port := w.serve("0.0.0.0")
	slow, quick := question("www.example.net.", mdns.TypeA), question("web.example.com.", mdns.TypeA)
	c := dialTCP(t, port)
	if _, err := c.Write(framed(t, slow, quick)); err != nil {
		t.Fatal(err)
	}
	udp, err := mdns.Dial("udp", net.JoinHostPort("127.0.0.9", port))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	_ = udp.SetDeadline(time.Now().Add(time.Minute))
	for _, q := range []*mdns.Msg{slow, quick} {
		if err := udp.WriteMsg(q); err != nil {
			t.Fatal(err)
		}
	}
	read := func(what string, want *mdns.Msg, read func() (*mdns.Msg, error)) {
		if m, err := read(); err != nil || m.Id != want.Id || len(m.Answer) == 0 {
			t.Errorf("%s: %v %v", what, m, err)
		}
	}
	tcp := func() (*mdns.Msg, error) { return readFramed(c) }
	read("TCP, quick", quick, tcp)
	read("UDP, quick", quick, udp.ReadMsg)
	close(hold)
	read("TCP, slow", slow, tcp)
	read("UDP, slow", slow, udp.ReadMsg)
}

// Strangers are limited, and those who have shown where they are are not.
func TestRateLimit(t *testing.T) {
	limiter, err := ratelimit.New(ratelimit.Config{Responses: 5, Slip: 2})
	if err != nil {
		t.Fatal(err)
	}
	w := populated(t, func(c *Config) { c.Limit = limiter })
	count := func(from string, tr answer.Transport) (answered, cut int) {
		for range 100 {
			if m := w.exchange(question("web.example.com.", mdns.TypeA), from, tr); m != nil {
				answered++
				if m.Truncated && len(m.Answer) == 0 {
					cut++
				}
			}
		}
		return answered, cut
	}
	if answered, cut := count(stranger, UDP); answered > 80 || cut < 20 {
		t.Errorf("a stranger: %d answers, %d of them truncated", answered, cut)
	}
	for _, c := range []struct {
		from string
		tr   answer.Transport
	}{{stranger, TCP}, {trusted, UDP}, {inVPC1, UDP}} {
		if answered, cut := count(c.from, c.tr); answered != 100 || cut != 0 {
			t.Errorf("%+v: %d answers, %d truncated", c, answered, cut)
		}
	}
}

// Issue item 8.
func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	w := populated(t, func(c *Config) { c.Registerer = registry })
	w.ask("web.example.com.", mdns.TypeA, trusted)
	w.ask("web.example.com.", mdns.TypeA, inVPC1)
	w.ask("nothing.example.com.", mdns.TypeAAAA, stranger)
	w.ask("db.private.example.", mdns.TypeSRV, stranger)
	w.exchange(question("web.example.com.", mdns.TypeA), trusted, TCP)
	w.raw([]byte{1, 2, 3}, trusted, UDP)
	got := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			key := f.GetName()
			for _, l := range m.Label {
				if l.GetName() != "namespace_id" && l.GetName() != "account" {
					key += " " + l.GetValue()
				}
			}
			got[key] = m.GetCounter().GetValue()
			if m.Histogram != nil {
				got[key] = float64(m.Histogram.GetSampleCount())
			}
		}
	}
	for key, want := range map[string]float64{
		"cairn_dns_queries_total udp A trusted":    1,
		"cairn_dns_queries_total udp A vpc":        1,
		"cairn_dns_queries_total udp AAAA public":  1,
		"cairn_dns_queries_total udp SRV public":   1,
		"cairn_dns_queries_total tcp A trusted":    1,
		"cairn_dns_responses_total NOERROR udp":    2,
		"cairn_dns_responses_total NXDOMAIN udp":   1,
		"cairn_dns_responses_total REFUSED udp":    1,
		"cairn_dns_dropped_total short udp":        1,
		"cairn_dns_zone_queries_total example.com": 4,
		"cairn_dns_response_seconds udp":           4,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}
