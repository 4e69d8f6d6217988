package demo

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// packed returns the wire form of an answer with the records given as in a zone file.
func packed(t *testing.T, code int, records ...string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("web.internal.example.com.", dns.TypeA)
	m.Response, m.Rcode, m.Compress = true, code, true
	for _, r := range records {
		rr, err := dns.NewRR(r)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseAnswer(t *testing.T) {
	two := packed(t, 0, "web.internal.example.com. 5 IN A 127.0.0.1", "web.internal.example.com. 4 IN A 127.0.0.2")
	addresses, ttl, err := parseAnswer("web", two)
	if err != nil || ttl != 4*time.Second || len(addresses) != 2 || addresses[1] != netip.MustParseAddr("127.0.0.2") {
		t.Errorf("%v, %v, %v", addresses, ttl, err)
	}
	alias := packed(t, 0, "web.internal.example.com. 5 IN CNAME a.example.com.", "a.example.com. 9 IN A 127.0.0.3")
	if addresses, _, err := parseAnswer("web", alias); err != nil || len(addresses) != 1 {
		t.Errorf("behind a CNAME: %v, %v", addresses, err)
	}
	bad := map[string][]byte{
		"NXDOMAIN":  packed(t, dns.RcodeNameError),
		"no record": packed(t, 0),
		"cut off":   two[:len(two)-3],
		"empty":     nil,
	}
	for name, msg := range bad {
		if _, _, err := parseAnswer("web", msg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWatcher(t *testing.T) {
	w := newWatcher(nil, "srv-1")
	start := w.mark
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	a, b := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	list := func(ids ...string) (all []instance) {
		addresses := map[string]string{"i-a": a.String(), "i-b": b.String()}
		for _, id := range ids {
			all = append(all, instance{ID: id, Attributes: map[string]string{"AWS_INSTANCE_IPV4": addresses[id]}})
		}
		return all
	}
	w.see(at(1), list("i-a"))
	w.see(at(2), list("i-a", "i-b"))
	w.see(at(3), list("i-b"))
	if w.leftBefore(a, at(3)) || !w.leftBefore(a, at(4)) || w.leftBefore(b, at(4)) {
		t.Error("only an answer to a question after the instance was seen to be gone is stale")
	}
	if _, isNew := w.age(a); !isNew {
		t.Error("an instance seen after the start is new")
	}
	w.mark = at(2)
	if _, isNew := w.age(b); isNew {
		t.Error("an instance seen before the phase is new")
	}
	w.see(at(5), list("i-a", "i-b"))
	if w.leftBefore(a, at(6)) {
		t.Error("an address that is used again is stale")
	}
}

func TestReport(t *testing.T) {
	rows := []row{
		{"grow", "by DNS", tally{
			requests: 3, failures: 1, stale: 2, firstError: "connection refused", used: map[netip.Addr]bool{netip.MustParseAddr("127.0.0.1"): true},
			firstUse: []time.Duration{3 * time.Millisecond, time.Millisecond}, latencies: []time.Duration{2 * time.Millisecond, time.Millisecond},
		}},
		{"shrink", "by API", tally{}},
	}
	var text strings.Builder
	if err := printReport(&text, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"grow", "1ms to 3ms", `first failure in "grow", by DNS: connection refused`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("report has no %q:\n%s", want, &text)
		}
	}
	if failed, stale := failures(rows); failed != 1 || stale != 2 {
		t.Errorf("%d failures, %d stale", failed, stale)
	}
}

func TestNameserver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	for text, want := range map[string]string{
		"# a comment\nsearch a.example\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n": "10.0.0.1:53",
		"nameserver fd00::1": "[fd00::1]:53",
		"search a.example\n": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := nameserver(file); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestOptions(t *testing.T) {
	good := options{driver: driverLocal, phase: time.Second, rate: 1}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []options{
		{driver: "docker", phase: time.Second, rate: 1},
		{driver: driverLocal, phase: 0, rate: 1},
		{driver: driverLocal, phase: time.Second, rate: 0},
	} {
		if bad.check() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
