package notify

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
	dto "github.com/prometheus/client_model/go"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

const secret = "0123456789abcdef0123456789abcdef"

// secondary is a socket that receives NOTIFY messages.
type secondary struct {
	testing.TB
	conn *net.UDPConn
}

func newSecondary(t testing.TB) *secondary {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &secondary{t, c}
}

func (s *secondary) addr() netip.AddrPort {
	return s.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// next returns the next message, and a function that answers it.
func (s *secondary) next() (*mdns.Msg, func(*mdns.Msg)) {
	s.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 4096)
	n, from, err := s.conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		s.Fatal(err)
	}
	m := new(mdns.Msg)
	if err := m.Unpack(buf[:n]); err != nil {
		s.Fatal(err)
	}
	return m, func(answer *mdns.Msg) {
		b, err := answer.Pack()
		if answer.IsTsig() != nil {
			b, _, err = mdns.TsigGenerate(answer, base64.StdEncoding.EncodeToString([]byte(secret)), m.IsTsig().MAC, false)
		}
		if err != nil {
			s.Fatal(err)
		}
		if _, err := s.conn.WriteToUDPAddrPort(b, from); err != nil {
			s.Fatal(err)
		}
	}
}

// sender is a Sender that runs until the test ends. Its log is in events.
type sender struct {
	*Sender
	events chan string
}

// running starts a Sender.
func running(t testing.TB, retry time.Duration, to ...*secondary) *sender {
	t.Helper()
	var addrs []netip.AddrPort
	for _, s := range to {
		addrs = append(addrs, s.addr())
	}
	s := &sender{events: make(chan string, 1000)}
	var err error
	s.Sender, err = New(Config{Retry: retry, Logger: slog.New(messages{s.events}), Source: netip.MustParseAddr("127.0.0.1")}, addrs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	runs.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() { cancel(); runs.Wait() })
	return s
}

// messages is a handler that sends the messages of the log to a channel.
type messages struct{ to chan<- string }

func (m messages) Enabled(context.Context, slog.Level) bool { return true }
func (m messages) WithAttrs([]slog.Attr) slog.Handler       { return m }
func (m messages) WithGroup(string) slog.Handler            { return m }
func (m messages) Handle(_ context.Context, r slog.Record) error {
	m.to <- r.Message
	return nil
}

// until waits for messages of the log until a condition holds.
func (s *sender) until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	timeout := time.After(time.Minute)
	for !holds() {
		select {
		case <-s.events:
		case <-timeout:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func change(t testing.TB, to *secondary, name string, serial uint32, key *tsig.Key) Change {
	t.Helper()
	apex, _ := dnswire.ParseName(name)
	rr := &mdns.SOA{Hdr: mdns.RR_Header{Name: name + ".", Rrtype: mdns.TypeSOA, Class: mdns.ClassINET, Ttl: 5},
		Ns: "ns.example.", Mbox: "host.example.", Serial: serial}
	b := make([]byte, mdns.Len(rr))
	n, err := mdns.PackRR(rr, b, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return Change{Secondary: to.addr(), Apex: apex, SOA: b[:n], Key: key}
}

// done waits until no change is pending.
func (s *sender) done(t testing.TB, to *secondary) {
	t.Helper()
	s.until(t, "every change is acknowledged", func() bool { return !s.peers[to.addr()].waiting() })
}

// counted returns how many messages had an outcome.
func (s *sender) counted(t testing.TB, outcome string) float64 {
	t.Helper()
	var m dto.Metric
	if err := s.messages.WithLabelValues(outcome).Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// The message is that of RFC 1996 section 3.7.
func TestMessage(t *testing.T) {
	to := newSecondary(t)
	s := running(t, time.Hour, to)
	s.Send(change(t, to, "example.com", 7, nil))
	m, answer := to.next()
	if m.Opcode != mdns.OpcodeNotify || !m.Authoritative || m.Response || m.Rcode != 0 ||
		len(m.Question) != 1 || m.Question[0] != (mdns.Question{Name: "example.com.", Qtype: mdns.TypeSOA, Qclass: mdns.ClassINET}) ||
		len(m.Answer) != 1 || m.Answer[0].(*mdns.SOA).Serial != 7 || len(m.Ns)+len(m.Extra) != 0 {
		t.Fatal(m)
	}
	answer(new(mdns.Msg).SetReply(m))
	s.done(t, to)
}

// A message without acknowledgement is sent again; an answer to another message does
// not acknowledge it.
func TestRetry(t *testing.T) {
	to := newSecondary(t)
	s := running(t, 20*time.Millisecond, to)
	s.Send(change(t, to, "example.com", 7, nil))
	first, answer := to.next()
	wrongID := new(mdns.Msg).SetReply(first)
	wrongID.Id++
	answer(wrongID)
	query := first.Copy()
	answer(query) // not a response
	otherZone := new(mdns.Msg).SetReply(first)
	otherZone.Question[0].Name = "example.net."
	answer(otherZone)
	otherOpcode := new(mdns.Msg).SetReply(first)
	otherOpcode.Opcode = mdns.OpcodeQuery
	answer(otherOpcode)
	second, answer := to.next()
	if second.Id != first.Id || second.Answer[0].(*mdns.SOA).Serial != 7 {
		t.Error("the second message is another one")
	}
	answer(new(mdns.Msg).SetReply(second))
	s.done(t, to)
}

// A newer change replaces one that was not acknowledged.
func TestNewest(t *testing.T) {
	to := newSecondary(t)
	s := running(t, time.Hour, to)
	s.Send(change(t, to, "example.com", 7, nil))
	old, answer := to.next()
	for serial := uint32(8); serial <= 100; serial++ {
		s.Send(change(t, to, "example.com", serial, nil))
	}
	answer(new(mdns.Msg).SetReply(old)) // too late
	for {
		m, answer := to.next()
		answer(new(mdns.Msg).SetReply(m))
		if m.Answer[0].(*mdns.SOA).Serial == 100 {
			break
		}
	}
	s.done(t, to)
}

// A signed message is acknowledged by a signed answer only: RFC 8945.
func TestSigned(t *testing.T) {
	key, err := tsig.NewKey("key.example", "", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	to := newSecondary(t)
	s := running(t, time.Hour, to)
	s.Send(change(t, to, "example.com", 7, key))
	m, answer := to.next()
	reply := new(mdns.Msg).SetReply(m)
	reply.SetTsig("key.example.", mdns.HmacSHA256, 300, time.Now().Unix())
	answer(reply)
	s.done(t, to)

	s.Send(change(t, to, "example.com", 8, key))
	m, answer = to.next()
	answer(new(mdns.Msg).SetReply(m))
	s.until(t, "the answer is refused", func() bool { return s.counted(t, "refused") > 0 })
	if !s.peers[to.addr()].waiting() {
		t.Error("an answer without a signature was accepted")
	}
}

// A secondary that does not implement NOTIFY gets no more messages.
func TestNotImplemented(t *testing.T) {
	to := newSecondary(t)
	s := running(t, time.Hour, to)
	s.Send(change(t, to, "example.com", 7, nil))
	m, answer := to.next()
	answer(new(mdns.Msg).SetRcode(m, mdns.RcodeNotImplemented))
	s.done(t, to)
}

// Many zones are sent at a time, and a secondary that is down delays no other.
func TestManyZones(t *testing.T) {
	gone, to := newSecondary(t), newSecondary(t)
	s := running(t, time.Hour, gone, to)
	_ = gone.conn.Close()
	want := map[string]bool{}
	for i := range 200 {
		name := string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".example"
		want[name+"."] = true
		s.Send(change(t, gone, name, 1, nil))
		s.Send(change(t, to, name, 1, nil))
	}
	for len(want) > 0 {
		m, answer := to.next()
		delete(want, m.Question[0].Name)
		answer(new(mdns.Msg).SetReply(m))
	}
	s.done(t, to)
}

func FuzzAnswer(f *testing.F) {
	good, err := new(mdns.Msg).SetReply(new(mdns.Msg).SetNotify("example.com.")).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:13])
	f.Fuzz(func(t *testing.T, b []byte) {
		var a answer
		if a.parse(b) && a.tsig != 0 && a.tsig >= len(b) {
			t.Fatal("a TSIG record beyond the end")
		}
	})
}
