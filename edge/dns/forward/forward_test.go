package forward

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

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

// Form of a query to an upstream.
func TestQuery(t *testing.T) {
	seen := make(chan *asked, 2)
	up := upstreamOf(t, func(a *asked) {
		seen <- a
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	q := question(t, "www.example.", dns.TypeA)
	q.DO, q.CD = true, true
	if _, err := r.Resolve(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	a := <-seen
	opt := a.IsEdns0()
	if !a.RecursionDesired || !a.CheckingDisabled || !a.AuthenticatedData || opt == nil || !opt.Do() || opt.UDPSize() != 1232 {
		t.Errorf("with DO and CD:\n%v", a.Msg)
	}
	resolve(t, r, "www.example.", dns.TypeA)
	a = <-seen
	if opt := a.IsEdns0(); a.CheckingDisabled || opt == nil || opt.Do() {
		t.Errorf("without DO and CD:\n%v", a.Msg)
	}
}

// Ids, ports and the case of letters differ from query to query (RFC 5452
// section 4.5, 0x20).
func TestQueriesAreHardToGuess(t *testing.T) {
	var mu sync.Mutex
	ids, ports, cases := map[uint16]bool{}, map[string]bool{}, map[string]bool{}
	up := upstreamOf(t, func(a *asked) {
		mu.Lock()
		defer mu.Unlock()
		ids[a.Id], ports[a.to.String()], cases[a.Question[0].Name] = true, true, true
		a.give(a.reply(dns.RcodeSuccess, rr(a.Question[0].Name+" 0 IN A 192.0.2.1")))
	})
	r := resolver(t, Config{}, up)
	const n = 200
	for range n {
		expect(t, resolve(t, r, "a-long-enough-name.example.", dns.TypeA), dns.RcodeSuccess,
			"a-long-enough-name.example. 0 IN A 192.0.2.1")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) < n*95/100 || len(ports) < n*95/100 || len(cases) < n*95/100 {
		t.Errorf("%d queries had %d ids, %d ports, %d spellings", n, len(ids), len(ports), len(cases))
	}
}

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

// The next upstream is asked after a failure.
func TestNextUpstream(t *testing.T) {
	good := func(a *asked) { a.give(a.reply(dns.RcodeSuccess, www("60"))) }
	for name, bad := range map[string]func(*asked){
		"silent":   func(*asked) {},
		"SERVFAIL": func(a *asked) { a.give(a.reply(dns.RcodeServerFailure)) },
		"REFUSED":  func(a *asked) { a.give(a.reply(dns.RcodeRefused)) },
		"FORMERR":  func(a *asked) { a.give(a.reply(dns.RcodeFormatError)) },
		"garbage":  func(a *asked) { a.send([]byte("this is not DNS")) },
		"another question": func(a *asked) {
			m := a.reply(dns.RcodeSuccess, www("60"))
			m.Question[0].Name = "bank.example."
			a.give(m)
		},
		"another name": func(a *asked) { a.give(a.reply(dns.RcodeSuccess, rr("bank.example. 60 IN A 203.0.113.66"))) },
		"a referral": func(a *asked) {
			m := a.reply(dns.RcodeSuccess)
			m.Ns = []dns.RR{rr("example. 60 IN NS ns.example.")}
			a.give(m)
		},
		"cut short": func(a *asked) {
			raw, _ := a.reply(dns.RcodeSuccess, www("60")).Pack()
			a.send(raw[:len(raw)-2])
		},
		"truncated, and no TCP": func(a *asked) {
			if !a.tcp {
				m := a.reply(dns.RcodeSuccess)
				m.Truncated = true
				a.give(m)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := upstreamOf(t, bad), upstreamOf(t, good)
			r := resolver(t, Config{Timeout: time.Second}, first, second)
			expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
			if first.udp.Load() == 0 {
				t.Error("the first upstream was not asked")
			}
		})
	}
}

// An upstream that does not answer is skipped until its rest is over.
func TestSilentUpstreamRests(t *testing.T) {
	var up [2]*fake
	up[0] = upstreamOf(t, func(*asked) {})
	up[1] = upstreamOf(t, func(a *asked) {
		a.give(a.reply(dns.RcodeSuccess, rr(a.Question[0].Name+" 0 IN A 192.0.2.1")))
	})
	r := resolver(t, Config{Timeout: 400 * time.Millisecond}, up[:]...)
	for range failuresToRest + 5 {
		expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 0 IN A 192.0.2.1")
	}
	if n := up[0].udp.Load(); n != failuresToRest {
		t.Errorf("the silent upstream was asked %d times, want %d", n, failuresToRest)
	}
	r.upstreams[0].after = time.Time{} // the rest is over
	resolve(t, r, "www.example.", dns.TypeA)
	if n := up[0].udp.Load(); n != failuresToRest+1 {
		t.Errorf("the silent upstream was asked %d times after its rest", n)
	}
}

// No upstream answers: SERVFAIL, cached for a second (RFC 9520) in which the
// upstreams are not asked.
func TestFailureIsRemembered(t *testing.T) {
	up := upstreamOf(t, func(a *asked) { a.give(a.reply(dns.RcodeServerFailure)) })
	synctest.Test(t, func(t *testing.T) {
		r := resolver(t, Config{}, up)
		for range 5 {
			expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeServerFailure)
		}
		if n := up.udp.Load(); n != 1 {
			t.Errorf("%d queries, want 1", n)
		}
		time.Sleep(failureTTL * time.Second)
		resolve(t, r, "www.example.", dns.TypeA)
		if n := up.udp.Load(); n != 2 {
			t.Errorf("%d queries a second later, want 2", n)
		}
	})
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

func TestCache(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		switch strings.ToLower(a.Question[0].Name) {
		case "www.example.":
			m.Answer = []dns.RR{www("60")}
		case "zero.example.":
			m.Answer = []dns.RR{rr("zero.example. 0 IN A 192.0.2.1")}
		case "absurd.example.": // RFC 2181 section 8: means 0
			m.Answer = []dns.RR{rr("absurd.example. 4000000000 IN A 192.0.2.1")}
		case "long.example.":
			m.Answer = []dns.RR{rr("long.example. 2000000 IN A 192.0.2.1")}
		case "gone.example.":
			m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{rr(soa)}
		case "long-gone.example.":
			m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{rr("example. 9000 IN SOA ns.example. admin.example. 1 2 3 4 9000")}
		case "unproven.example.":
			m.Rcode = dns.RcodeNameError
		case "wrong-proof.example.":
			m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{rr("example.net. 300 IN SOA ns.example. admin.example. 1 2 3 4 30")}
		}
		a.give(m)
	})
	for _, c := range []struct {
		name string
		ttl  int // how long it is cached, in seconds
	}{
		{"www.example.", 60},
		{"zero.example.", 0},
		{"absurd.example.", 0},
		{"long.example.", 86400},
		{"gone.example.", 30},
		{"long-gone.example.", 300},
		{"unproven.example.", 0},
		{"wrong-proof.example.", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := resolver(t, Config{}, up)
				queries := func() int32 {
					before := up.udp.Load()
					m := resolve(t, r, c.name, dns.TypeA)
					for _, rr := range slices.Concat(m.Answer, m.Ns) {
						if rr.Header().Ttl > uint32(c.ttl) {
							t.Errorf("TTL %d", rr.Header().Ttl)
						}
					}
					return up.udp.Load() - before
				}
				if n := queries(); n != 1 {
					t.Fatalf("%d queries at first", n)
				}
				if c.ttl > 0 {
					time.Sleep(time.Duration(c.ttl)*time.Second - time.Nanosecond)
					if n := queries(); n != 0 {
						t.Errorf("%d queries before the end of the TTL", n)
					}
					time.Sleep(time.Nanosecond)
				}
				if n := queries(); n != 1 {
					t.Errorf("%d queries after the end of the TTL, want 1", n)
				}
			})
		})
	}
}

// TTLs of cached answers count down.
func TestTTLCountsDown(t *testing.T) {
	up := upstreamOf(t, func(a *asked) { a.give(a.reply(dns.RcodeSuccess, www("60"), rr("www.example. 90 IN A 192.0.2.2"))) })
	synctest.Test(t, func(t *testing.T) {
		r := resolver(t, Config{}, up)
		resolve(t, r, "www.example.", dns.TypeA)
		time.Sleep(25 * time.Second)
		expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess,
			"www.example. 35 IN A 192.0.2.1", "www.example. 65 IN A 192.0.2.2")
		var resp Response
		if !r.Cached(question(t, "WWW.example.", dns.TypeA), &resp) || resp.MinTTL() != 35 {
			t.Errorf("cached: %+v", resp)
		}
	})
}

// Questions that differ in any part are cached apart.
func TestCacheKey(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		m.Ns = []dns.RR{rr(soa)}
		a.give(m)
	})
	r := resolver(t, Config{}, up)
	base := question(t, "www.example.", dns.TypeA)
	for i, change := range []func(*Question){
		func(*Question) {},
		func(q *Question) { q.Type = dns.TypeAAAA },
		func(q *Question) { q.DO = true },
		func(q *Question) { q.CD = true },
		func(q *Question) { q.DO, q.CD = true, true },
		func(q *Question) { q.Name = question(t, "example.", 1).Name },
	} {
		for range 2 {
			q := base
			change(&q)
			if _, err := r.Resolve(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if n := up.udp.Load(); n != int32(i+1) {
			t.Fatalf("%d queries after %d questions, each asked twice", n, i+1)
		}
	}
}

func TestQuestionsThatAreNotForwarded(t *testing.T) {
	r := resolver(t, Config{Upstreams: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")}})
	good := question(t, "www.example.", dns.TypeA)
	for name, change := range map[string]func(*Question){
		"AXFR":         func(q *Question) { q.Type = dns.TypeAXFR },
		"IXFR":         func(q *Question) { q.Type = dns.TypeIXFR },
		"OPT":          func(q *Question) { q.Type = dns.TypeOPT },
		"type 0":       func(q *Question) { q.Type = 0 },
		"class ANY":    func(q *Question) { q.Class = dns.ClassANY },
		"class NONE":   func(q *Question) { q.Class = dns.ClassNONE },
		"no name":      func(q *Question) { q.Name = nil },
		"no end":       func(q *Question) { q.Name = []byte("\x03www") },
		"two ends":     func(q *Question) { q.Name = []byte("\x03www\x00\x00") },
		"too long":     func(q *Question) { q.Name = append([]byte(strings.Repeat("\x03www", 64)), 0) },
		"a pointer":    func(q *Question) { q.Name = []byte{0xc0, 0x0c, 0} },
		"beyond label": func(q *Question) { q.Name = []byte("\x09www\x00") },
	} {
		q := good
		change(&q)
		if _, err := r.Resolve(t.Context(), q); !errors.Is(err, errQuestion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Local names are never forwarded: RFC 6761, RFC 7686.
func TestSpecialNames(t *testing.T) {
	up := upstreamOf(t, func(a *asked) { a.give(a.reply(dns.RcodeSuccess, www("60"))) })
	r := resolver(t, Config{}, up)
	expect(t, resolve(t, r, "localhost.", dns.TypeA), dns.RcodeSuccess, "localhost. 86400 IN A 127.0.0.1")
	expect(t, resolve(t, r, "Web.LocalHost.", dns.TypeAAAA), dns.RcodeSuccess, "Web.LocalHost. 86400 IN AAAA ::1")
	expect(t, resolve(t, r, "localhost.", dns.TypeMX), dns.RcodeSuccess)
	expect(t, resolve(t, r, "www.invalid.", dns.TypeA), dns.RcodeNameError)
	expect(t, resolve(t, r, "www.onion.", dns.TypeA), dns.RcodeNameError)
	if !r.Cached(question(t, "localhost.", dns.TypeA), new(Response)) {
		t.Error("localhost is not answered on the spot")
	}
	if n := up.udp.Load(); n != 0 {
		t.Errorf("%d queries", n)
	}
	resolve(t, r, "notlocalhost.", dns.TypeA)
	if n := up.udp.Load(); n != 1 {
		t.Errorf("%d queries for another name", n)
	}
}

// Clients that ask the same question at the same time cause one query.
func TestCoalescing(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(a *asked) {
		<-release
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	const clients = 100
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
		})
	}
	eventually(t, "all clients wait", func() bool { return r.waiting.Load() == clients })
	close(release)
	wg.Wait()
	if n := up.udp.Load(); n != 1 {
		t.Errorf("%d queries", n)
	}
}

// A client that gives up returns at once, the others get their answer.
func TestGivingUp(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(a *asked) {
		<-release
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	q := question(t, "www.example.", dns.TypeA)
	impatient, giveUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // the one that starts the query
		if _, err := r.Resolve(impatient, q); !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
	})
	eventually(t, "the first waits", func() bool { return r.waiting.Load() == 1 })
	wg.Go(func() {
		expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
	})
	eventually(t, "both wait", func() bool { return r.waiting.Load() == 2 })
	giveUp()
	eventually(t, "one is gone", func() bool { return r.waiting.Load() == 1 })
	close(release)
	wg.Wait()
	if n := up.udp.Load(); n != 1 {
		t.Errorf("%d queries", n)
	}
}

// When all clients have given up, the question is resolved nevertheless: the
// answer is cached for those that ask again.
func TestAllGiveUp(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(a *asked) {
		<-release
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	ctx, giveUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := r.Resolve(ctx, question(t, "www.example.", dns.TypeA)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	eventually(t, "the query is sent", func() bool { return r.waiting.Load() == 3 && up.udp.Load() == 1 })
	giveUp()
	wg.Wait()
	close(release)
	eventually(t, "the answer is cached", func() bool { return r.Cached(question(t, "www.example.", dns.TypeA), new(Response)) })
	expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 59 IN A 192.0.2.1")
	if n := up.udp.Load(); n != 1 {
		t.Errorf("%d queries", n)
	}
}

func TestMaxInFlight(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(a *asked) {
		<-release
		a.give(a.reply(dns.RcodeSuccess, rr(a.Question[0].Name+" 60 IN A 192.0.2.1")))
	})
	r := resolver(t, Config{MaxInFlight: 2}, up)
	var wg sync.WaitGroup
	for _, name := range []string{"a.example.", "b.example.", "b.example."} {
		wg.Go(func() { expect(t, resolve(t, r, name, dns.TypeA), dns.RcodeSuccess, name+" 60 IN A 192.0.2.1") })
	}
	eventually(t, "two questions are in flight", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.waiting.Load() == 3 && r.resolving == 2
	})
	if _, err := r.Resolve(t.Context(), question(t, "c.example.", dns.TypeA)); !errors.Is(err, errBusy) {
		t.Errorf("the third question: %v", err)
	}
	close(release)
	wg.Wait()
	resolve(t, r, "c.example.", dns.TypeA)
}

// Run ends all calls and leaves no goroutine behind.
func TestShutdown(t *testing.T) {
	up := upstreamOf(t, func(*asked) {})
	r := resolver(t, Config{Timeout: time.Hour}, up)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		if _, err := r.Resolve(t.Context(), question(t, "www.example.", dns.TypeA)); !errors.Is(err, errClosed) {
			t.Errorf("in flight: %v", err)
		}
	})
	eventually(t, "the query is sent", func() bool { return up.udp.Load() == 1 })
	stop()
	wg.Wait()
	if _, err := r.Resolve(t.Context(), question(t, "www.example.", dns.TypeA)); !errors.Is(err, errClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	up := func(texts ...string) (addrs []netip.AddrPort) {
		for _, s := range texts {
			addrs = append(addrs, netip.MustParseAddrPort(s))
		}
		return addrs
	}
	for name, cfg := range map[string]Config{
		"no upstream":       {},
		"port 0":            {Upstreams: up("192.0.2.1:0")},
		"unspecified":       {Upstreams: up("0.0.0.0:53")},
		"not valid":         {Upstreams: []netip.AddrPort{{}}},
		"itself":            {Upstreams: up("127.0.0.1:8054"), Self: up("127.0.0.1:8054")},
		"itself, mapped":    {Upstreams: up("[::ffff:127.0.0.1]:8054"), Self: up("127.0.0.1:8054")},
		"itself, any":       {Upstreams: up("127.0.0.1:8054"), Self: up("0.0.0.0:8054")},
		"itself, any IPv6":  {Upstreams: up("192.0.2.1:53", "127.9.9.9:8054"), Self: up("[::]:8054")},
		"negative time":     {Upstreams: up("192.0.2.1:53"), Timeout: -1},
		"bounds of TTLs":    {Upstreams: up("192.0.2.1:53"), MinTTL: 48 * time.Hour},
		"negative in cache": {Upstreams: up("192.0.2.1:53"), CacheBytes: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	cfg := Config{Upstreams: up("127.0.0.1:53", "192.0.2.1:8054"), Self: up("127.0.0.1:8054", "0.0.0.0:8054")}
	if _, err := New(cfg); err != nil {
		t.Errorf("neighbours of ourselves: %v", err)
	}
}

func TestMetricsAreRegistered(t *testing.T) {
	reg := prometheus.NewRegistry()
	up := upstreamOf(t, func(a *asked) { a.give(a.reply(dns.RcodeSuccess, www("60"))) })
	r := resolver(t, Config{Registerer: reg}, up)
	for range 3 {
		resolve(t, r, "www.example.", dns.TypeA)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() != "upstream" {
					name += " " + l.GetValue()
				}
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"cairn_dns_forward_questions_total cached":   2,
		"cairn_dns_forward_exchanges_total ok udp":   1,
		"cairn_dns_forward_cache_entries":            1,
		"cairn_dns_forward_in_flight":                0,
		"cairn_dns_forward_unrelated_total":          0,
		"cairn_dns_forward_questions_total rejected": 0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (there: %v), want %v", name, v, ok, want)
		}
	}
	if _, err := New(Config{Upstreams: r.cfg.Upstreams, Registerer: reg}); err == nil {
		t.Error("the same metrics were registered twice")
	}
}

func TestCachedAllocatesNothing(t *testing.T) {
	up := upstreamOf(t, func(a *asked) { a.give(a.reply(dns.RcodeSuccess, www("6000"))) })
	r := resolver(t, Config{}, up)
	resolve(t, r, "www.example.", dns.TypeA)
	q, resp, msg := question(t, "WWW.example.", dns.TypeA), new(Response), make([]byte, 0, 512)
	msg = append(append(msg, make([]byte, dnswire.HeaderLen)...), append(q.Name, 0, 1, 0, 1)...)
	if n := testing.AllocsPerRun(100, func() {
		if !r.Cached(q, resp) {
			t.Fatal("not in the cache")
		}
		resp.Append(msg, 512)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
