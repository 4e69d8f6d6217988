package forward

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

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
