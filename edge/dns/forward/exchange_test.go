package forward

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestTruncatedGoesOverTCP(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		m.Truncated = !a.tcp
		if a.tcp {
			m.Answer = []dns.RR{www("60")}
		}
		a.give(m)
	})
	r := resolver(t, Config{}, up)
	expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
	if up.udp.Load() != 1 || up.tcp.Load() != 1 {
		t.Errorf("%d queries over UDP, %d over TCP", up.udp.Load(), up.tcp.Load())
	}
}

// A large answer arrives over TCP.
func TestLargeAnswer(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		for i := range 3000 {
			m.Answer = append(m.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: "www.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
				A:   netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).AsSlice(),
			})
		}
		if !a.tcp {
			m.Truncated, m.Answer = true, m.Answer[:20]
		}
		a.give(m)
	})
	r := resolver(t, Config{}, up)
	if m := resolve(t, r, "www.example.", dns.TypeA); len(m.Answer) != 3000 {
		t.Errorf("%d records", len(m.Answer))
	}
}

// An upstream without EDNS is asked without it (RFC 6891 section 7).
func TestUpstreamWithoutEDNS(t *testing.T) {
	for name, refuse := range map[string]func(*asked){
		"with the question": func(a *asked) { a.give(a.reply(dns.RcodeFormatError)) },
		"header only":       func(a *asked) { a.send(append(a.raw[:2:2], 0x80, 0x04, 0, 0, 0, 0, 0, 0, 0, 0)) },
	} {
		up := upstreamOf(t, func(a *asked) {
			if a.IsEdns0() != nil {
				refuse(a)
				return
			}
			a.give(a.reply(dns.RcodeSuccess, www("60")))
		})
		r := resolver(t, Config{}, up)
		t.Run(name, func(t *testing.T) {
			expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
		})
	}
}

// An upstream that changes the question to lower case is accepted over TCP only,
// and asked in lower case from then on.
func TestUpstreamThatFoldsCase(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess, rr("a-rather-long-name.example. 0 IN A 192.0.2.1"))
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		a.give(m)
	})
	r := resolver(t, Config{}, up)
	for range 3 {
		expect(t, resolve(t, r, "a-rather-long-name.example.", dns.TypeA), dns.RcodeSuccess,
			"a-rather-long-name.example. 0 IN A 192.0.2.1")
	}
	if up.tcp.Load() != 1 || up.udp.Load() != 3 {
		t.Errorf("%d queries over UDP and %d over TCP, want 3 and 1", up.udp.Load(), up.tcp.Load())
	}
}
