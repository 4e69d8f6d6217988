package ratelimit_test

import (
	"maps"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
)

const (
	send     = ratelimit.Send
	truncate = ratelimit.Truncate
	drop     = ratelimit.Drop
)

func limiter(t testing.TB, cfg ratelimit.Config) *ratelimit.Limiter {
	t.Helper()
	l, err := ratelimit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// at returns a time some milliseconds after the start of the test clock, which passes
// the point where 32 bits of milliseconds wrap around.
func at(ms int64) time.Time { return time.UnixMilli(1<<32*400 - 500 + ms) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

var name = []byte("\x03www\x07example\x00")

func TestOffByDefault(t *testing.T) {
	l := limiter(t, ratelimit.Config{})
	for range 10_000 {
		if v := l.Check(at(0), addr("192.0.2.1"), ratelimit.Answer, name); v != send {
			t.Fatalf("verdict %v", v)
		}
	}
}

// A bucket holds one second's responses, fills at the rate, and goes no deeper
// below zero than the window.
func TestBucket(t *testing.T) {
	l := limiter(t, ratelimit.Config{Responses: 5, Window: 2 * time.Second})
	check := func(ms int64, want ...ratelimit.Action) {
		t.Helper()
		for i, w := range want {
			if v := l.Check(at(ms), addr("192.0.2.1"), ratelimit.Answer, name); v != w {
				t.Fatalf("at %d ms, response %d: verdict %v, want %v", ms, i, v, w)
			}
		}
	}
	check(0, send, send, send, send, send, drop)
	check(100, drop)                            // balance -2 + 0.5 - 1
	check(1000, send)                           // -1.5… is filled by 4.5 to 3, of which one is taken
	check(60_000, send, send, send, send, send) // never more than one second's worth
	check(60_000, drop, drop, drop)             // -3
	check(59_000, drop)                         // a clock that goes back fills nothing
	check(59_400, drop)                         // -4 + 2 - 1
	check(61_000, send, send, send, send)       // -3 + 8 - 1
	for range 1000 {                            // a flood
		l.Check(at(61_000), addr("192.0.2.1"), ratelimit.Answer, name)
	}
	check(61_000+2000, drop) // -10 + 10 - 1
	check(61_000+2000+400, send, drop)
}

func TestSlip(t *testing.T) {
	for slip, want := range map[int][]ratelimit.Action{
		0: {send, drop, drop, drop, drop, drop, drop},
		1: {send, truncate, truncate, truncate, truncate, truncate, truncate},
		2: {send, drop, truncate, drop, truncate, drop, truncate},
		3: {send, drop, drop, truncate, drop, drop, truncate},
	} {
		l := limiter(t, ratelimit.Config{Responses: 1, Slip: slip})
		for i, w := range want {
			if v := l.Check(at(0), addr("2001:db8::1"), ratelimit.Answer, name); v != w {
				t.Errorf("slip %d, response %d: verdict %v, want %v", slip, i, v, w)
			}
		}
	}
}

// Which responses share an account.
func TestAccounts(t *testing.T) {
	other := []byte("\x05other\x07example\x00")
	for _, c := range []struct {
		name   string
		client string
		kind   ratelimit.Kind
		qname  []byte
		want   ratelimit.Action
	}{
		{"the same", "192.0.2.1", ratelimit.Answer, name, drop},
		{"a neighbour in the /24", "192.0.2.254", ratelimit.Answer, name, drop},
		{"mapped into IPv6", "::ffff:192.0.2.7", ratelimit.Answer, name, drop},
		{"the next /24", "192.0.3.1", ratelimit.Answer, name, send},
		{"another name", "192.0.2.1", ratelimit.Answer, other, send},
		{"another kind", "192.0.2.1", ratelimit.NoData, name, send},
		{"a referral", "192.0.2.1", ratelimit.Referral, name, send},
		{"IPv6 with the same low bits", "::192.0.2.1", ratelimit.Answer, name, send},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := limiter(t, ratelimit.Config{Responses: 1})
			l.Check(at(0), addr("192.0.2.1"), ratelimit.Answer, name)
			if v := l.Check(at(0), addr(c.client), c.kind, c.qname); v != c.want {
				t.Errorf("verdict %v, want %v", v, c.want)
			}
		})
	}
}

func TestIPv6Network(t *testing.T) {
	l := limiter(t, ratelimit.Config{Responses: 1})
	l.Check(at(0), addr("2001:db8:0:100::1"), ratelimit.Answer, name)
	if v := l.Check(at(0), addr("2001:db8:0:1ff:ffff::"), ratelimit.Answer, name); v != drop {
		t.Errorf("the same /56: %v", v)
	}
	if v := l.Check(at(0), addr("2001:db8:0:200::1"), ratelimit.Answer, name); v != send {
		t.Errorf("the next /56: %v", v)
	}
}

func TestPrefixLengths(t *testing.T) {
	l := limiter(t, ratelimit.Config{Responses: 1, IPv4Bits: 32, IPv6Bits: 128})
	for _, a := range []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"} {
		if v := l.Check(at(0), addr(a), ratelimit.Answer, name); v != send {
			t.Errorf("first response to %s: %v", a, v)
		}
	}
}

// Errors of all questions are counted together, because an attacker can vary them.
func TestRatesByKind(t *testing.T) {
	l := limiter(t, ratelimit.Config{Responses: 4, NXDomains: 2, Errors: 1})
	for kind, want := range map[ratelimit.Kind]int{
		ratelimit.Answer: 4, ratelimit.NoData: 4, ratelimit.Referral: 4,
		ratelimit.NXDomain: 2, ratelimit.Error: 1,
	} {
		sent := 0
		for i := range 20 {
			qname := name
			if kind == ratelimit.Error {
				qname = []byte{1, byte('a' + i), 0}
			}
			if l.Check(at(0), addr("192.0.2.1"), kind, qname) == send {
				sent++
			}
		}
		if sent != want {
			t.Errorf("kind %d: %d sent, want %d", kind, sent, want)
		}
	}
}

func TestExempt(t *testing.T) {
	l := limiter(t, ratelimit.Config{Responses: 1, Exempt: []netip.Prefix{
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("::ffff:203.0.113.0/120"),
	}})
	for range 10 {
		for _, a := range []string{"198.51.100.9", "::ffff:198.51.100.9", "203.0.113.1"} {
			if v := l.Check(at(0), addr(a), ratelimit.Answer, name); v != send {
				t.Fatalf("%s is exempt, verdict %v", a, v)
			}
		}
	}
}

// Many invented clients neither increase the memory nor end the limit of the account
// under attack.
func TestFullTable(t *testing.T) {
	l := limiter(t, ratelimit.Config{Responses: 2, Accounts: 64})
	victim := addr("192.0.2.1")
	for i := range 3 {
		l.Check(at(int64(i)), victim, ratelimit.Answer, name)
	}
	sent := 0
	for i := range 5000 {
		spoofed := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		l.Check(at(int64(3+i/100)), spoofed, ratelimit.Answer, name)
		if l.Check(at(int64(3+i/100)), victim, ratelimit.Answer, name) == send {
			sent++
		}
	}
	if sent > 0 {
		t.Errorf("%d responses to the victim within 50 ms of being over the rate", sent)
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	l := limiter(t, ratelimit.Config{Responses: 1, Slip: 3, Registerer: reg})
	for range 7 {
		l.Check(at(0), addr("192.0.2.1"), ratelimit.Answer, name)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
	}
	if want := map[string]float64{"dropped": 4, "truncated": 2}; !maps.Equal(got, want) {
		t.Errorf("%s = %v, want %v", families[0].GetName(), got, want)
	}
	if _, err := ratelimit.New(ratelimit.Config{Registerer: reg}); err == nil {
		t.Error("the same metrics were registered twice")
	}
}

func TestNewRefuses(t *testing.T) {
	for what, cfg := range map[string]ratelimit.Config{
		"negative rate":     {Responses: -1},
		"huge rate":         {Responses: 1 << 40},
		"overflow":          {Responses: 1_000_000, Window: time.Hour},
		"NXDOMAIN alone":    {NXDomains: 5},
		"negative error":    {Responses: 1, Errors: -1},
		"short window":      {Responses: 1, Window: time.Millisecond},
		"negative slip":     {Responses: 1, Slip: -1},
		"IPv4 bits":         {Responses: 1, IPv4Bits: 33},
		"IPv6 bits":         {Responses: 1, IPv6Bits: -1},
		"accounts":          {Responses: 1, Accounts: -1},
		"network not valid": {Responses: 1, Exempt: []netip.Prefix{{}}},
	} {
		if _, err := ratelimit.New(cfg); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
}

// Many goroutines together get as many responses as one.
func TestConcurrentChecks(t *testing.T) {
	l := limiter(t, ratelimit.Config{Responses: 100})
	var mu sync.Mutex
	var wg sync.WaitGroup
	sent := 0
	for range 8 {
		wg.Go(func() {
			mine := 0
			for range 1000 {
				if l.Check(at(0), addr("192.0.2.1"), ratelimit.Answer, name) == send {
					mine++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			sent += mine
		})
	}
	wg.Wait()
	if sent != 100 {
		t.Errorf("%d sent, want 100", sent)
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	l := limiter(t, ratelimit.Config{Responses: 10, Slip: 2, Exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	now, client := at(0), addr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() { l.Check(now, client, ratelimit.Answer, name) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	l := limiter(b, ratelimit.Config{Responses: 10, Slip: 2})
	now := at(0)
	b.ReportAllocs()
	i := uint32(0)
	for b.Loop() {
		l.Check(now, netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1}), ratelimit.Answer, name)
		i += 7919
	}
}
