package forward

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is an upstream resolver on a loopback port, over UDP and TCP.
type fake struct {
	addr netip.AddrPort
	udp  atomic.Int32 // queries received
	tcp  atomic.Int32

	conn    *net.UDPConn
	ln      net.Listener
	answer  func(*asked)
	running sync.WaitGroup
}

// asked is a query that the fake received.
type asked struct {
	*dns.Msg
	raw  []byte
	tcp  bool
	send func([]byte) // answers
	to   net.Addr
}

// reply starts an answer.
func (a *asked) reply(rcode int, rrs ...dns.RR) *dns.Msg {
	m := new(dns.Msg).SetRcode(a.Msg, rcode)
	m.RecursionAvailable = true
	m.Answer = rrs
	return m
}

// give sends an answer.
func (a *asked) give(m *dns.Msg) {
	m.Compress = true
	raw, err := m.Pack()
	if err != nil {
		panic(err)
	}
	a.send(raw)
}

// upstreamOf starts a fake that answers by answer, which may be called from
// several goroutines.
func upstreamOf(t testing.TB, answer func(*asked)) *fake {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{addr: addr, conn: conn, ln: ln, answer: answer}
	f.running.Go(f.serveUDP)
	f.running.Go(f.serveTCP)
	t.Cleanup(func() {
		_ = conn.Close()
		_ = ln.Close()
		f.running.Wait()
	})
	return f
}

func (f *fake) serveUDP() {
	for {
		buf := make([]byte, 4096)
		n, to, err := f.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		f.udp.Add(1)
		f.handle(buf[:n], false, to, func(raw []byte) { _, _ = f.conn.WriteTo(raw, to) })
	}
}

func (f *fake) serveTCP() {
	for {
		c, err := f.ln.Accept()
		if err != nil {
			return
		}
		f.running.Go(func() {
			defer func() { _ = c.Close() }()
			var length [2]byte
			if _, err := io.ReadFull(c, length[:]); err != nil {
				return
			}
			raw := make([]byte, binary.BigEndian.Uint16(length[:]))
			if _, err := io.ReadFull(c, raw); err != nil {
				return
			}
			f.tcp.Add(1)
			f.handle(raw, true, c.RemoteAddr(), func(raw []byte) {
				_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
			})
		})
	}
}

func (f *fake) handle(raw []byte, tcp bool, to net.Addr, send func([]byte)) {
	q := new(dns.Msg)
	if err := q.Unpack(raw); err != nil {
		panic(err)
	}
	f.answer(&asked{Msg: q, raw: raw, tcp: tcp, to: to, send: send})
}

// resolver asks the fakes.
func resolver(t testing.TB, cfg Config, fakes ...*fake) *Resolver {
	t.Helper()
	for _, f := range fakes {
		cfg.Upstreams = append(cfg.Upstreams, f.addr)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func question(t testing.TB, name string, qtype uint16) Question {
	t.Helper()
	wire, ok := dnswire.ParseName(name)
	if !ok {
		t.Fatalf("%q is not a name", name)
	}
	return Question{Name: []byte(wire), Type: qtype, Class: dnswire.ClassIN}
}

// resolve resolves a name and returns the response code and the records of answer
// and authority, as dig would show them.
func resolve(t testing.TB, r *Resolver, name string, qtype uint16) *dns.Msg {
	t.Helper()
	q := question(t, name, qtype)
	resp, err := r.Resolve(t.Context(), q)
	if err != nil {
		t.Fatalf("Resolve(%s): %v", name, err)
	}
	return written(t, resp, q)
}

// written is a response as a client gets it.
func written(t testing.TB, resp *Response, q Question) *dns.Msg {
	t.Helper()
	raw := make([]byte, dnswire.HeaderLen)
	binary.BigEndian.PutUint16(raw[2:], dnswire.FlagQR|resp.Rcode&0xf)
	raw[5] = 1
	raw = append(raw, q.Name...)
	raw = binary.BigEndian.AppendUint16(raw, q.Type)
	raw = binary.BigEndian.AppendUint16(raw, q.Class)
	raw, fit := resp.Append(raw, 1<<16-1)
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil || !fit {
		t.Fatalf("unpack what was written: %v (fit %v)\n%x", err, fit, raw)
	}
	return m
}

func rr(text string) dns.RR {
	r, err := dns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return r
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long: %s", what)
		}
		runtime.Gosched()
	}
}

// texts are records as text, with spaces for tabs.
func texts(rrs []dns.RR) []string {
	var ts []string
	for _, r := range rrs {
		ts = append(ts, strings.ReplaceAll(r.String(), "\t", " "))
	}
	return ts
}

func expect(t *testing.T, m *dns.Msg, rcode int, answer ...string) {
	t.Helper()
	if m.Rcode != rcode {
		t.Errorf("rcode %s, want %s", dns.RcodeToString[m.Rcode], dns.RcodeToString[rcode])
	}
	if got := texts(m.Answer); !slices.Equal(got, answer) {
		t.Errorf("answer\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(answer, "\n"))
	}
}

func www(ttl string) dns.RR { return rr("www.example. " + ttl + " IN A 192.0.2.1") }

const soa = "example. 300 IN SOA ns.example. admin.example. 1 2 3 4 30"
