package forward

import (
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

const forgery = "www.example. 86400 IN A 203.0.113.66"

// A message that does not answer the query is ignored, and the true answer that
// follows is used (RFC 5452 section 9.1).
func TestForgeriesAreIgnored(t *testing.T) {
	for name, forge := range map[string]func(*asked, *dns.Msg){
		"id":            func(_ *asked, m *dns.Msg) { m.Id++ },
		"name":          func(_ *asked, m *dns.Msg) { m.Question[0].Name = "bank.example." },
		"type":          func(_ *asked, m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"class":         func(_ *asked, m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"query":         func(_ *asked, m *dns.Msg) { m.Response = false },
		"opcode":        func(_ *asked, m *dns.Msg) { m.Opcode = dns.OpcodeUpdate },
		"no question":   func(_ *asked, m *dns.Msg) { m.Question = nil },
		"two questions": func(_ *asked, m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			up := upstreamOf(t, func(a *asked) {
				forged := a.reply(dns.RcodeSuccess, rr(forgery))
				forge(a, forged)
				for range maxUnrelated - 1 {
					a.give(forged)
				}
				a.give(a.reply(dns.RcodeSuccess, www("60")))
			})
			r := resolver(t, Config{}, up)
			expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
			if up.tcp.Load() != 0 || up.udp.Load() != 1 {
				t.Errorf("%d queries over UDP, %d over TCP", up.udp.Load(), up.tcp.Load())
			}
		})
	}
}

// Many wrong guesses move the question to TCP, where an attacker cannot guess.
func TestGuessingEndsUDP(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		if !a.tcp {
			for i := range 100 {
				forged := a.reply(dns.RcodeSuccess, rr(forgery))
				forged.Id = a.Id + uint16(i) + 1
				a.give(forged)
			}
			return
		}
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
	if up.tcp.Load() != 1 {
		t.Errorf("%d queries over TCP", up.tcp.Load())
	}
}

// The right id and port with the wrong case is treated as a guess: the question is
// repeated over TCP.
func TestForgedSpelling(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		if !a.tcp {
			forged := a.reply(dns.RcodeSuccess, rr("a-rather-long-name.example. 86400 IN A 203.0.113.66"))
			forged.Question[0].Name = strings.ToLower(forged.Question[0].Name)
			a.give(forged)
			return
		}
		a.give(a.reply(dns.RcodeSuccess, rr("a-rather-long-name.example. 60 IN A 192.0.2.1")))
	})
	r := resolver(t, Config{}, up)
	expect(t, resolve(t, r, "a-rather-long-name.example.", dns.TypeA), dns.RcodeSuccess,
		"a-rather-long-name.example. 60 IN A 192.0.2.1")
	if !r.upstreams[0].keepsCase() {
		t.Error("the upstream is taken for one that does not keep the case")
	}
}

// An answer from any other address or port does not arrive.
func TestWrongSource(t *testing.T) {
	liar, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer liar.Close()
	up := upstreamOf(t, func(a *asked) {
		raw, _ := a.reply(dns.RcodeSuccess, rr(forgery)).Pack()
		for range 3 {
			_, _ = liar.WriteTo(raw, a.to)
		}
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
}

// A late answer is ignored; in particular it does not answer the next question.
func TestLateAnswer(t *testing.T) {
	var mu sync.Mutex
	var late []*asked
	up := upstreamOf(t, func(a *asked) {
		mu.Lock()
		defer mu.Unlock()
		if strings.EqualFold(a.Question[0].Name, "slow.example.") {
			late = append(late, a)
			return
		}
		for _, l := range late { // to their own ports, and to this one
			m := l.reply(dns.RcodeSuccess, rr("slow.example. 60 IN A 203.0.113.66"))
			l.give(m)
			a.give(m)
		}
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{Timeout: 300 * time.Millisecond}, up)
	expect(t, resolve(t, r, "slow.example.", dns.TypeA), dns.RcodeServerFailure)
	expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
}

// Records of other names in an answer are neither passed on nor cached.
func TestAdditionalClaimsPoisonNothing(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		if strings.EqualFold(a.Question[0].Name, "www.example.") {
			m.Answer = []dns.RR{www("60"), rr("bank.example. 86400 IN A 203.0.113.66"),
				rr("www.example. 86400 IN TXT evil"), rr("www.example. 86400 CH TXT evil")}
			m.Ns = []dns.RR{rr("example. 86400 IN NS evil.example."), rr(". 86400 IN NS evil.example.")}
			m.Extra = []dns.RR{rr("bank.example. 86400 IN A 203.0.113.66")}
		} else {
			m.Answer = []dns.RR{rr("bank.example. 60 IN A 192.0.2.77")}
		}
		a.give(m)
	})
	r := resolver(t, Config{}, up)
	m := resolve(t, r, "www.example.", dns.TypeA)
	expect(t, m, dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
	if len(m.Ns)+len(m.Extra) > 0 {
		t.Errorf("passed on: %v %v", m.Ns, m.Extra)
	}
	expect(t, resolve(t, r, "bank.example.", dns.TypeA), dns.RcodeSuccess, "bank.example. 60 IN A 192.0.2.77")
}

// A query of our own that comes back is recognised, and no other is.
func TestOwn(t *testing.T) {
	var self atomic.Pointer[Resolver]
	type seen struct{ own, otherID, otherCase, otherType bool }
	saw := make(chan seen, 1)
	up := upstreamOf(t, func(a *asked) {
		question := a.raw[dnswire.HeaderLen : dnswire.HeaderLen+len("\x03www\x07example\x00")+4]
		other := append([]byte(nil), question...)
		for i := range other[:len(other)-4] {
			if c := other[i] | 0x20; 'a' <= c && c <= 'z' {
				other[i] ^= 0x20
			}
		}
		aaaa := append(append([]byte(nil), question[:len(question)-4]...), 0, 28, 0, 1)
		id := binary.BigEndian.Uint16(a.raw)
		r := self.Load()
		saw <- seen{r.IsOwnQuery(id, question), r.IsOwnQuery(id+1, question), r.IsOwnQuery(id, other), r.IsOwnQuery(id, aaaa)}
		a.give(a.reply(dns.RcodeSuccess, www("0")))
	})
	r := resolver(t, Config{}, up)
	self.Store(r)
	resolve(t, r, "www.example.", dns.TypeA)
	if got := <-saw; got != (seen{own: true}) {
		t.Errorf("%+v", got)
	}
	if len(r.inflight.queries) > 0 {
		t.Errorf("still on the way: %v", r.inflight.queries)
	}
	if r.IsOwnQuery(1, make([]byte, 1000)) {
		t.Error("an absurd question is ours")
	}
}

// A loop through another resolver, which asks us what we ask it, ends: the question
// joins its own call.
func TestLoopThroughAnotherEnds(t *testing.T) {
	var self atomic.Pointer[Resolver]
	var wg sync.WaitGroup
	up := upstreamOf(t, func(a *asked) {
		q := question(t, "www.example.", dns.TypeA)
		wg.Go(func() { _, _ = self.Load().Resolve(t.Context(), q) })
	})
	r := resolver(t, Config{Timeout: 300 * time.Millisecond}, up)
	self.Store(r)
	expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeServerFailure)
	wg.Wait()
	if n := up.udp.Load(); n > maxRounds {
		t.Errorf("%d queries", n)
	}
}
