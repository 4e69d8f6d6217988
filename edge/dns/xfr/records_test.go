package xfr

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

// record returns an A record in wire form.
func record(t testing.TB, name string, last byte) []byte {
	return append(appendHead(nil, wire(t, name), dnswire.TypeA, 60, 4), 192, 0, 2, last)
}

func TestCompare(t *testing.T) {
	rr := func(names ...string) (all [][]byte) {
		for _, name := range names {
			all = append(all, record(t, name, 1))
		}
		return list(bytes.Join(all, nil))
	}
	for _, c := range []struct {
		what           string
		old, new       [][]byte
		removed, added [][]byte
	}{
		{"nothing", nil, nil, nil, nil},
		{"the same", rr("a", "b"), rr("b", "a"), nil, nil},
		{"all removed", rr("a", "b"), nil, rr("a", "b"), nil},
		{"all added", nil, rr("a", "b"), nil, rr("a", "b")},
		{"one replaced", rr("a", "b", "c"), rr("a", "bb", "c"), rr("b"), rr("bb")},
		{"duplicates", rr("a", "a", "b"), rr("a"), rr("b"), nil},
	} {
		var removed, added records
		compare(c.old, c.new, &removed, &added)
		if got := list(removed.wire); !slices.EqualFunc(got, c.removed, bytes.Equal) || removed.n != len(c.removed) {
			t.Errorf("%s: removed %q, want %q", c.what, got, c.removed)
		}
		if got := list(added.wire); !slices.EqualFunc(got, c.added, bytes.Equal) || added.n != len(c.added) {
			t.Errorf("%s: added %q, want %q", c.what, got, c.added)
		}
	}
}

// Messages are not longer than the limit, with or without OPT and TSIG records, and
// contain all records in order.
func TestMessages(t *testing.T) {
	key, err := tsig.NewKey("key.example", "", []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{512, 1000, maxMessage} {
		for _, edns := range []bool{false, true} {
			for _, signed := range []*tsig.Signature{nil, key.Request()} {
				testMessages(t, limit, edns, signed)
			}
		}
	}
}

func testMessages(t *testing.T, limit int, edns bool, signed *tsig.Signature) {
	t.Helper()
	q := query(t, 0)
	var got []string
	w := messages{query: q.Message[:q.Question], edns: edns, signed: signed, limit: limit, send: func(b []byte) error {
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil || len(b) > limit || (m.IsEdns0() != nil) != edns || (m.IsTsig() != nil) != (signed != nil) {
			t.Fatalf("limit %d, EDNS %v: %d octets, %v\n%v", limit, edns, len(b), err, m)
		}
		for _, rr := range m.Answer {
			got = append(got, rr.Header().Name)
		}
		return nil
	}}
	var want []string
	for i := range 300 {
		name := fmt.Sprintf("host-%d.%s", i/2, zoneName) // each name twice
		if i < 2 {
			name = zoneName
		}
		want = append(want, name+".")
		if err := w.add(record(t, name, byte(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || w.sent.records != len(want) {
		t.Errorf("limit %d: %d records, want %d", limit, len(got), len(want))
	}
}

func TestSingleMessage(t *testing.T) {
	q := query(t, 1)
	w := messages{query: q.Message[:q.Question], limit: 200, single: true, send: func([]byte) error { return nil }}
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = w.add(record(t, zoneName, byte(i)))
	}
	if !errors.Is(err, errTooLarge) || w.sent.messages != 0 {
		t.Errorf("%v, %d messages sent", err, w.sent.messages)
	}
}

func TestReadSerial(t *testing.T) {
	question := func(change func(*dns.Msg)) ([]byte, int) {
		m := new(dns.Msg).SetIxfr("example.com.", 77, "ns.example.com.", "host.example.com.")
		change(m)
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b, dnswire.HeaderLen + len("example.com") + 2 + 4
	}
	for _, c := range []struct {
		what   string
		change func(*dns.Msg)
		ok     bool
	}{
		{"a query", func(*dns.Msg) {}, true},
		{"compressed", func(m *dns.Msg) { m.Compress = true }, true},
		{"with EDNS", func(m *dns.Msg) { m.SetEdns0(1232, false) }, true},
		{"without the record", func(m *dns.Msg) { m.Ns = nil }, false},
		{"another record", func(m *dns.Msg) {
			m.Ns = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: ".", Rrtype: 1, Class: 1}, A: []byte{1, 2, 3, 4}}}
		}, false},
		{"two records", func(m *dns.Msg) { m.Ns = append(m.Ns, m.Ns[0]) }, false},
		{"a record in the answer section", func(m *dns.Msg) { m.Answer = m.Ns }, false},
	} {
		b, end := question(c.change)
		got, ok := ReadSerial(b, end)
		if ok != c.ok || ok && got != 77 {
			t.Errorf("%s: %d, %v", c.what, got, ok)
		}
		for n := range b {
			if n < len(b)-11 { // the OPT record is not looked at
				ReadSerial(b[:n], end)
			}
		}
	}
}

// FuzzReadSerial compares with another implementation, for messages that it reads.
func FuzzReadSerial(f *testing.F) {
	for _, compress := range []bool{false, true} {
		m := new(dns.Msg).SetIxfr("example.com.", 77, "ns.example.com.", "host.example.com.")
		m.Compress = compress
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 29)
	}
	f.Fuzz(func(t *testing.T, b []byte, question int) {
		got, ok := ReadSerial(b, question)
		if !ok {
			return
		}
		m := new(dns.Msg)
		q, valid := dnswire.ParseQuestion(b, dnswire.HeaderLen)
		if !valid || q.End != question || m.Unpack(b) != nil || len(m.Question) != 1 || len(m.Ns) != 1 {
			return // the caller has read one question
		}
		soa, ok := m.Ns[0].(*dns.SOA)
		if !ok || soa.Serial != got {
			t.Fatalf("serial %d of %v", got, m)
		}
	})
}
