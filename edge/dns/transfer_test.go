package dns

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
)

// sign signs a query as another implementation does. when is in seconds from
// now.
func sign(t testing.TB, q *mdns.Msg, key, secret string, when int64) []byte {
	t.Helper()
	q.SetTsig(key, mdns.HmacSHA256, 300, time.Now().Unix()+when)
	b, _, err := mdns.TsigGenerate(q, base64.StdEncoding.EncodeToString([]byte(secret)), "", false)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// transferWorld has the zone, a private one that the stranger does not see, and
// one that nobody may have.
func transferWorld(t testing.TB, change ...func(*xfr.Config)) *fixture {
	w := newFixture(t, withTransfers(change...))
	web := w.service(w.namespace(zoneName, ""), "web", "", "A")
	for i := range 3 {
		w.register(web, fmt.Sprint("i-", i), ipv4, fmt.Sprintf("10.0.0.%d", i+1))
	}
	w.namespace("private.example.com", "vpc-1")
	w.namespace("other.example.com", "")
	return w
}

// Who may have a zone, and how everybody else is told that they may not.
func TestTransferPermission(t *testing.T) {
	w := transferWorld(t)
	const key, private, gone = "secondary-1.", "private.example.com.", "gone.example.com."
	for _, c := range []struct {
		what, name string
		qtype      uint16
		from       string
		key        string // signed by it; empty: not signed
		secret     string
		when       int64
		transport  answer.Transport
		rcode      int // -1: it is transferred
		tsigError  uint16
	}{
		{"by address", zoneName + ".", mdns.TypeAXFR, trusted, "", "", 0, TCP, -1, 0},
		{"by address over TLS", zoneName + ".", mdns.TypeAXFR, trusted, "", "", 0, TLS, -1, 0},
		{"by key", zoneName + ".", mdns.TypeAXFR, stranger, key, secretKey, 0, TCP, -1, 0},
		{"in another case", "SERVICES.example.com.", mdns.TypeAXFR, stranger, key, secretKey, 0, TCP, -1, 0},
		{"changes over UDP", zoneName + ".", mdns.TypeIXFR, stranger, key, secretKey, 0, UDP, -1, 0},
		{"changes over TCP", zoneName + ".", mdns.TypeIXFR, trusted, "", "", 0, TCP, -1, 0},
		{"private by key", private, mdns.TypeAXFR, stranger, key, secretKey, 0, TCP, -1, 0},
		{"private by address", private, mdns.TypeAXFR, trusted, "", "", 0, TCP, mdns.RcodeRefused, 0},
		{"a stranger", zoneName + ".", mdns.TypeAXFR, stranger, "", "", 0, TCP, mdns.RcodeRefused, 0},
		{"a stranger's changes", zoneName + ".", mdns.TypeIXFR, stranger, "", "", 0, UDP, mdns.RcodeRefused, 0},
		{"RFC 5936 section 4.2: UDP", zoneName + ".", mdns.TypeAXFR, trusted, "", "", 0, UDP, mdns.RcodeRefused, 0},
		{"over HTTPS", zoneName + ".", mdns.TypeAXFR, trusted, "", "", 0, HTTPS, mdns.RcodeRefused, 0},
		{"a zone that nobody may have", "other.example.com.", mdns.TypeAXFR, trusted, key, secretKey, 0, TCP, mdns.RcodeRefused, 0},
		{"no zone", "nothing.example.net.", mdns.TypeAXFR, trusted, "", "", 0, TCP, mdns.RcodeRefused, 0},
		{"a name in a zone", "web." + zoneName + ".", mdns.TypeAXFR, trusted, "", "", 0, TCP, mdns.RcodeRefused, 0},
		{"RFC 5936 section 2.2.1: no such zone any more", gone, mdns.TypeAXFR, stranger, key, secretKey, 0, TCP, mdns.RcodeNotAuth, 0},
		{"the same, and not permitted", gone, mdns.TypeAXFR, stranger, "", "", 0, TCP, mdns.RcodeRefused, 0},
		{"unknown key", zoneName + ".", mdns.TypeAXFR, trusted, "nobody.", secretKey, 0, TCP, mdns.RcodeNotAuth, mdns.RcodeBadKey},
		{"wrong secret", zoneName + ".", mdns.TypeAXFR, trusted, key, "another secret", 0, TCP, mdns.RcodeNotAuth, mdns.RcodeBadSig},
		{"wrong time", zoneName + ".", mdns.TypeAXFR, trusted, key, secretKey, -1000, TCP, mdns.RcodeNotAuth, mdns.RcodeBadTime},
		{"SOA by key", zoneName + ".", mdns.TypeSOA, stranger, key, secretKey, 0, UDP, mdns.RcodeSuccess, 0},
		{"private SOA by key", private, mdns.TypeSOA, stranger, key, secretKey, 0, UDP, mdns.RcodeSuccess, 0},
		{"private SOA without", private, mdns.TypeSOA, stranger, "", "", 0, UDP, mdns.RcodeRefused, 0},
		{"SOA by a wrong secret", zoneName + ".", mdns.TypeSOA, stranger, key, "another secret", 0, UDP, mdns.RcodeNotAuth, mdns.RcodeBadSig},
		{"signed query", "web." + zoneName + ".", mdns.TypeA, stranger, key, secretKey, 0, UDP, mdns.RcodeSuccess, 0},
		{"signed query for nothing", "no." + zoneName + ".", mdns.TypeA, stranger, key, secretKey, 0, UDP, mdns.RcodeNameError, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			q := question(c.name, c.qtype)
			if c.qtype == mdns.TypeIXFR {
				q.SetIxfr(c.name, 1, ".", ".")
			}
			query, err := q.Pack()
			if c.key != "" {
				query, err = sign(t, q, c.key, c.secret, c.when), nil
			}
			if err != nil {
				t.Fatal(err)
			}
			w.judge(t, query, c.from, c.transport, c.rcode, c.tsigError, c.key != "" && c.tsigError != mdns.RcodeBadKey && c.tsigError != mdns.RcodeBadSig)
		})
	}
}

// judge checks what becomes of a query, and that the answer is signed where it
// must be.
func (w *fixture) judge(t *testing.T, query []byte, from string, transport answer.Transport, rcode int, tsigError uint16, signed bool) {
	t.Helper()
	a := w.take(transport)
	defer w.give(a)
	a.Refresh()
	msg, d := a.Answer(a.Parse(query), netip.MustParseAddr(from), transport, nil)
	if (d == answer.Transfer) != (rcode == -1) {
		t.Fatalf("disposition %d, answer %x", d, msg)
	}
	if d == answer.Transfer {
		return
	}
	m := new(mdns.Msg)
	if err := m.Unpack(msg); err != nil || m.Rcode != rcode {
		t.Fatal(err, m)
	}
	rr, asked := m.IsTsig(), new(mdns.Msg)
	if err := asked.Unpack(query); err != nil {
		t.Fatal(err)
	}
	if (rr != nil) != (asked.IsTsig() != nil) || rr != nil && (rr.Error != tsigError || (rr.MACSize > 0) != signed) {
		t.Fatal(m)
	}
	if signed && rcode != mdns.RcodeNotAuth { // which the other implementation does not look into
		if err := mdns.TsigVerify(msg, base64.StdEncoding.EncodeToString([]byte(secretKey)), asked.IsTsig().MAC, false); err != nil {
			t.Error(err)
		}
	}
}

// transfer has a query for a zone answered.
func (w *fixture) transfer(ctx context.Context, query []byte, from netip.AddrPort, t answer.Transport, send func([]byte) error) {
	a := w.take(t)
	z, q := a.TransferQuery(a.Parse(query).Clone(), from, t)
	w.give(a)
	if z != nil {
		w.responder.Transfer(ctx, z, q, send)
	}
}

// A namespace that is deleted is gone at once, and one of the same name that
// follows it has a newer serial.
func TestTransferOfDeletedZone(t *testing.T) {
	w := newFixture(t, withTransfers())
	ns := w.namespace(zoneName, "")
	before, err := whole(w.axfr())
	if err != nil {
		t.Fatal(err)
	}
	w.do(&registry.DeleteNamespace{Ref: ns})
	q, err := new(mdns.Msg).SetAxfr(zoneName + ".").Pack()
	if err != nil {
		t.Fatal(err)
	}
	w.judge(t, q, trusted, TCP, mdns.RcodeNotAuth, 0, false)
	w.namespace(zoneName, "")
	after, err := before.updated(w.ixfr(before.serial, TCP))
	if err != nil || after.serial <= before.serial {
		t.Fatalf("from %d to %d: %v", before.serial, after.serial, err)
	}
}

// A signed zone is not transferred by a server that makes no signatures: its copy would
// have none.
func TestSignedZoneWithoutSigner(t *testing.T) {
	under, _ := withSigner(t)
	w := newFixture(t, withTransfers())
	ns := w.namespace(zoneName, "")
	q, err := new(mdns.Msg).SetAxfr(zoneName + ".").Pack()
	if err != nil {
		t.Fatal(err)
	}
	w.judge(t, q, trusted, TCP, -1, 0, false)
	w.signZone(ns, under, "enabled")
	w.judge(t, q, trusted, TCP, mdns.RcodeRefused, 0, false)
	w.signZone(ns, under, "disabled")
	w.judge(t, q, trusted, TCP, -1, 0, false)
}

// What there is no history for comes whole, and a client that has the newest or
// something newer gets the SOA record alone: RFC 1995 sections 2 and 4.
func TestForms(t *testing.T) {
	w := transferWorld(t)
	first := serialOf(w.state.Revision)
	_ = w.axfr()
	w.namespace("after-the-start.example.com", "")
	_ = w.axfr()
	now := serialOf(w.state.Revision)
	for _, c := range []struct {
		serial uint32
		over   answer.Transport
		want   string
	}{
		{now, TCP, "SOA"}, {now, UDP, "SOA"}, {now + 5, TCP, "SOA"}, {now + 1<<31 - 1, TCP, "SOA"},
		{first, TCP, "whole"}, // perhaps from an earlier run
		{now - 1, TCP, "whole"}, {now + 1<<31 + 1, TCP, "whole"}, {0, TCP, "whole"},
		{first, UDP, "SOA"}, // come back over TCP
	} {
		rrs := w.ixfr(c.serial, c.over)
		got := "changes"
		if len(rrs) == 1 {
			got = "SOA"
		} else if rrs[1].Header().Rrtype != mdns.TypeSOA {
			got = "whole"
		}
		if got != c.want {
			t.Errorf("from %d at %d over %v: %s, want %s", c.serial, now, c.over, got, c.want)
		}
	}
	// Other zones change, this one does not: nothing but the serial.
	w.namespace("more.example.com", "")
	if rrs := w.ixfr(now, TCP); len(rrs) != 4 || rrs[1].(*mdns.SOA).Serial != now {
		t.Error(rrs)
	}
}

// History is bounded: what is too old comes whole.
func TestHistoryIsBounded(t *testing.T) {
	w := transferWorld(t, func(c *xfr.Config) { c.HistoryBytes = 1 })
	old, err := whole(w.axfr())
	if err != nil {
		t.Fatal(err)
	}
	svc := w.service(string(w.zoneID()), "many", "", "A")
	for i := range 2000 { // some 50 octets each
		w.register(svc, fmt.Sprint("i-", i), ipv4, fmt.Sprintf("10.1.%d.%d", i/250, i%250))
		if i%100 == 0 {
			_ = w.axfr()
		}
	}
	newest, err := whole(w.axfr())
	if err != nil {
		t.Fatal(err)
	}
	rrs := w.ixfr(old.serial, TCP)
	if rrs[1].Header().Rrtype == mdns.TypeSOA {
		t.Error("differences of all history were kept")
	}
	got, err := old.updated(rrs)
	if err != nil || !maps.Equal(keys(got), keys(newest)) {
		t.Error(err)
	}
}

func keys(c copyOf) map[string]bool {
	m := map[string]bool{}
	for k := range c.records {
		m[k] = true
	}
	return m
}

func (w *fixture) zoneID() registry.NamespaceID {
	for z := range w.state.Zones.Zones() {
		if z.Name == zoneName {
			return registry.NamespaceID(z.ID)
		}
	}
	return ""
}

// A large zone comes in many signed messages, each of which another
// implementation verifies, and other queries of the connection are answered.
func TestLargeTransfer(t *testing.T) {
	w := newFixture(t, withTransfers())
	const services, instances = 20, 500
	w.inBulk(func() {
		ns := w.namespace(zoneName, "")
		for s := range services {
			svc := w.service(ns, fmt.Sprint("svc-", s), "", "SRV")
			for i := range instances {
				w.register(svc, fmt.Sprint("i-", i), ipv4, fmt.Sprintf("10.%d.%d.%d", s, i/250, i%250), port, "80")
			}
		}
	})
	addr := net.JoinHostPort("127.0.0.1", w.serve("127.0.0.1"))
	q := new(mdns.Msg).SetAxfr(zoneName + ".")
	q.SetTsig("secondary-1.", mdns.HmacSHA256, 300, time.Now().Unix())
	tr := &mdns.Transfer{TsigSecret: map[string]string{"secondary-1.": base64.StdEncoding.EncodeToString([]byte(secretKey))}}
	envelopes, err := tr.In(q, addr)
	if err != nil {
		t.Fatal(err)
	}
	var rrs []mdns.RR
	messages := 0
	for e := range envelopes {
		if e.Error != nil {
			t.Fatal(e.Error)
		}
		messages++
		rrs = append(rrs, e.RR...)
	}
	c, err := whole(rrs)
	if err != nil || len(c.records) != 2+2*services*instances || messages < 10 {
		t.Errorf("%d records in %d messages: %v", len(c.records), messages, err)
	}
	answeredMeanwhile(t, addr)
}

// answeredMeanwhile asks for a zone and a name at once.
func answeredMeanwhile(t *testing.T, addr string) {
	t.Helper()
	conn, err := mdns.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	axfr, soa := new(mdns.Msg).SetAxfr(zoneName+"."), question("no."+zoneName+".", mdns.TypeA)
	for _, q := range []*mdns.Msg{axfr, soa} {
		if err := conn.WriteMsg(q); err != nil {
			t.Fatal(err)
		}
	}
	ends, answered := 0, false
	for ends < 2 || !answered {
		m, err := conn.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		if m.Id == soa.Id {
			answered = m.Rcode == mdns.RcodeNameError
			continue
		}
		for _, rr := range m.Answer {
			if rr.Header().Rrtype == mdns.TypeSOA {
				ends++
			}
		}
	}
}

// As many transfers as may go on: the next has to come again. One that nobody
// reads ends.
func TestBusy(t *testing.T) {
	w := transferWorld(t, func(c *xfr.Config) { c.Transfers = 1 })
	q, err := new(mdns.Msg).SetAxfr(zoneName + ".").Pack()
	if err != nil {
		t.Fatal(err)
	}
	from := netip.AddrPortFrom(netip.MustParseAddr(trusted), 1)
	busy := new(mdns.Msg)
	w.transfer(t.Context(), q, from, TCP, func([]byte) error {
		w.transfer(t.Context(), q, from, TCP, func(msg []byte) error { return busy.Unpack(msg) })
		return nil
	})
	if busy.Rcode != mdns.RcodeServerFailure {
		t.Error(busy)
	}
	if _, err := whole(w.axfr()); err != nil {
		t.Error("not free again:", err)
	}
}

// A client that does not read is dropped after the time for one write, and keeps
// neither a place nor the server from stopping.
func TestSlowReader(t *testing.T) {
	w := newFixture(t, withTransfers(func(c *xfr.Config) { c.Transfers = 1 }), func(c *Config) { c.Limits.WriteTimeout = 50 * time.Millisecond })
	w.inBulk(func() {
		svc := w.service(w.namespace(zoneName, ""), "web", "", "A")
		for i := range 20_000 {
			w.register(svc, fmt.Sprint("i-", i), ipv4, fmt.Sprintf("10.1.%d.%d", i/250, i%250))
		}
	})
	client, server := net.Pipe()
	var conn sync.WaitGroup
	conn.Go(func() {
		client := netip.AddrPortFrom(netip.MustParseAddr(trusted), 1)
		counted, _ := w.conns.Open(client.Addr(), func() {})
		defer counted.Close()
		w.serveConn(t.Context(), server, counted, client, TCP)
	})
	q, err := new(mdns.Msg).SetAxfr(zoneName + ".").Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write(append([]byte{0, byte(len(q))}, q...)); err != nil {
		t.Fatal(err)
	}
	var first [2]byte
	if _, err := io.ReadFull(client, first[:]); err != nil { // it has begun
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = client.Close() })
	conn.Wait()
	if _, err := whole(w.axfr()); err != nil {
		t.Error("its place is not free:", err)
	}
}

// The messages of a transfer that another reads are never larger than a pointer
// reaches, and a zone of one record per name has them all.
func TestMessageSizes(t *testing.T) {
	w := newFixture(t, withTransfers())
	w.inBulk(func() {
		ns := w.namespace(zoneName, "")
		for s := range 3000 {
			svc := w.service(ns, fmt.Sprintf("a-name-of-some-length-%d", s), "", "A")
			w.register(svc, "i", ipv4, "10.0.0.1")
		}
	})
	q := new(mdns.Msg).SetAxfr(zoneName + ".")
	q.SetEdns0(1232, false)
	query, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	w.transfer(t.Context(), query, netip.AddrPortFrom(netip.MustParseAddr(trusted), 1), TCP, func(msg []byte) error {
		sizes = append(sizes, len(msg))
		return nil
	})
	if len(sizes) < 3 || slices.Max(sizes) > 16<<10 || slices.Min(sizes[:len(sizes)-1]) < 15<<10 {
		t.Error(sizes)
	}
}

// FuzzTransferQuery has hostile queries for zones and their signatures judged.
func FuzzTransferQuery(f *testing.F) {
	w := transferWorld(f)
	for _, q := range []*mdns.Msg{
		new(mdns.Msg).SetAxfr(zoneName + "."), new(mdns.Msg).SetIxfr(zoneName+".", 1, "ns.example.", "host.example."),
		question(zoneName+".", mdns.TypeSOA), new(mdns.Msg).SetNotify(zoneName + "."),
	} {
		b, err := q.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(sign(f, q, "secondary-1.", secretKey, 0))
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		if len(query) > 65535 {
			return
		}
		for _, transport := range []answer.Transport{UDP, TCP} {
			for _, from := range []string{trusted, stranger} {
				w.fuzzed(t, query, from, transport)
			}
		}
	})
}

func (w *fixture) fuzzed(t *testing.T, query []byte, from string, transport answer.Transport) {
	a := w.take(transport)
	a.Refresh()
	msg, d := a.Answer(a.Parse(query), netip.MustParseAddr(from), transport, nil)
	w.give(a)
	check := func(msg []byte) error {
		if err := new(mdns.Msg).Unpack(msg); err != nil {
			t.Fatalf("%x was answered with %x: %v", query, msg, err)
		}
		return nil
	}
	switch d {
	case answer.Send:
		_ = check(msg)
	case answer.Transfer:
		sent := 0
		w.transfer(t.Context(), query, netip.AddrPortFrom(netip.MustParseAddr(from), 1), transport, func(msg []byte) error {
			sent++
			return check(msg)
		})
		if sent == 0 {
			t.Fatalf("%x: nothing was transferred", query)
		}
	}
}
