package forward

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

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
