package forward

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestAnswers(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		switch strings.ToLower(a.Question[0].Name) {
		case "www.example.":
			m.Answer = []dns.RR{www("60"), rr("WWW.example. 60 IN A 192.0.2.2")}
			m.Ns = []dns.RR{rr("example. 5 IN NS ns.example.")}
			m.Extra = []dns.RR{rr("ns.example. 5 IN A 192.0.2.53")}
		case "_sip._tcp.example.":
			m.Answer = []dns.RR{rr("_sip._tcp.example. 60 IN SRV 1 2 5060 sip.example.")}
		case "alias.example.":
			m.Answer = []dns.RR{
				rr("www.example. 50 IN A 192.0.2.1"), // out of order
				rr("alias.example. 40 IN CNAME other.example."),
				rr("bank.example. 60 IN A 203.0.113.66"), // not asked for
				rr("other.example. 60 IN CNAME www.example."),
			}
		case "nothing.example.":
			m.Ns = []dns.RR{rr(soa)}
		case "alias-to-nothing.example.":
			m.Rcode = dns.RcodeNameError
			m.Answer = []dns.RR{rr("alias-to-nothing.example. 20 IN CNAME gone.example.")}
			m.Ns = []dns.RR{rr(soa)}
		default:
			m.Rcode = dns.RcodeNameError
			m.Ns = []dns.RR{rr(soa)}
		}
		a.give(m)
	})
	const negative = "example. 30 IN SOA ns.example. admin.example. 1 2 3 4 30"
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
		want  []string
		proof []string
	}{
		{"www.example.", dns.TypeA, dns.RcodeSuccess,
			[]string{"www.example. 60 IN A 192.0.2.1", "www.example. 60 IN A 192.0.2.2"}, nil},
		{"wWw.ExAmPlE.", dns.TypeA, dns.RcodeSuccess, // the client's spelling
			[]string{"wWw.ExAmPlE. 60 IN A 192.0.2.1", "wWw.ExAmPlE. 60 IN A 192.0.2.2"}, nil},
		{"_sip._tcp.example.", dns.TypeSRV, dns.RcodeSuccess,
			[]string{"_sip._tcp.example. 60 IN SRV 1 2 5060 sip.example."}, nil},
		{"alias.example.", dns.TypeA, dns.RcodeSuccess, []string{
			"alias.example. 40 IN CNAME other.example.",
			"other.example. 60 IN CNAME www.example.",
			"www.example. 50 IN A 192.0.2.1",
		}, nil},
		{"nothing.example.", dns.TypeA, dns.RcodeSuccess, nil, []string{negative}},
		{"alias-to-nothing.example.", dns.TypeA, dns.RcodeNameError,
			[]string{"alias-to-nothing.example. 20 IN CNAME gone.example."}, []string{negative}},
		{"gone.example.", dns.TypeA, dns.RcodeNameError, nil, []string{negative}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := resolve(t, resolver(t, Config{}, up), c.name, c.qtype)
			expect(t, m, c.rcode, c.want...)
			if got := texts(m.Ns); !slices.Equal(got, c.proof) {
				t.Errorf("authority %q, want %q", got, c.proof)
			}
		})
	}
}

// A chain without an end in the answer is followed, and each name asked for once.
func TestAliasIsFollowed(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		switch strings.ToLower(a.Question[0].Name) {
		case "alias.example.":
			a.give(a.reply(dns.RcodeSuccess, rr("alias.example. 40 IN CNAME www.example.")))
		case "www.example.":
			a.give(a.reply(dns.RcodeSuccess, www("60")))
		case "circle.example.":
			a.give(a.reply(dns.RcodeSuccess, rr("circle.example. 40 IN CNAME back.example.")))
		case "back.example.":
			a.give(a.reply(dns.RcodeSuccess, rr("back.example. 40 IN CNAME circle.example.")))
		case "self.example.":
			a.give(a.reply(dns.RcodeSuccess, rr("self.example. 40 IN CNAME self.example.")))
		}
	})
	r := resolver(t, Config{}, up)
	expect(t, resolve(t, r, "alias.example.", dns.TypeA), dns.RcodeSuccess,
		"alias.example. 40 IN CNAME www.example.", "www.example. 60 IN A 192.0.2.1")
	before := up.udp.Load()
	expect(t, resolve(t, r, "circle.example.", dns.TypeA), dns.RcodeServerFailure)
	expect(t, resolve(t, r, "self.example.", dns.TypeA), dns.RcodeServerFailure)
	if n := up.udp.Load() - before; n > maxChain+2 {
		t.Errorf("%d queries for circles", n)
	}
}

// The least TTL on the way to the addresses of an alias counts.
func TestAliasTTL(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		switch {
		case strings.EqualFold(a.Question[0].Name, "gone.example."):
			m.Rcode = dns.RcodeNameError
			m.Ns = []dns.RR{rr(soa)}
		case a.Question[0].Qtype == dns.TypeA:
			m.Answer = []dns.RR{rr("lb.example. 20 IN CNAME www.example."), www("60"),
				rr("www.example. 60 IN A 192.0.2.2")}
		default:
			m.Answer = []dns.RR{rr("lb.example. 20 IN AAAA 2001:db8::1")}
		}
		a.give(m)
	})
	r := resolver(t, Config{}, up)
	for _, c := range []struct {
		name  string
		qtype uint16
		want  []netip.Addr
		ttl   uint32
		rcode uint16
	}{
		{"lb.example.", dns.TypeA, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}, 20, 0},
		{"lb.example.", dns.TypeAAAA, []netip.Addr{netip.MustParseAddr("2001:db8::1")}, 20, 0},
		{"gone.example.", dns.TypeA, nil, 30, dns.RcodeNameError},
	} {
		got, err := r.Resolve(t.Context(), question(t, c.name, c.qtype))
		if err != nil {
			t.Fatal(err)
		}
		var addrs []netip.Addr
		for _, rr := range got.Answer {
			if addr, ok := netip.AddrFromSlice(rr.Data); ok && rr.Type == c.qtype {
				addrs = append(addrs, addr)
			}
		}
		if !slices.Equal(addrs, c.want) || got.MinTTL() != c.ttl || got.Rcode != c.rcode {
			t.Errorf("%s %d: %+v", c.name, c.qtype, got)
		}
	}
}
