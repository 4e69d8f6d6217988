package dns

import (
	"fmt"
	"net/netip"
	"testing"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// BenchmarkAnswer builds answers as a socket's goroutine does, system calls
// aside. Among many services it asks for a different one each time.
func BenchmarkAnswer(b *testing.B) {
	for _, c := range []struct {
		services, instances int
		kind                registry.RecordType
		qtype               uint16
	}{
		{1, 3, "A", mdns.TypeA}, {1, 8, "A", mdns.TypeA}, {1, 64, "A", mdns.TypeA}, {1, 1000, "A", mdns.TypeA},
		{1, 8, "AAAA", mdns.TypeAAAA}, {1, 1000, "AAAA", mdns.TypeAAAA},
		{1, 8, "SRV", mdns.TypeSRV}, {1, 1000, "SRV", mdns.TypeSRV},
		{1, 8, "A", mdns.TypeTXT},
		{100_000, 3, "A", mdns.TypeA}, {10_000, 8, "A", mdns.TypeA}, {100_000, 8, "A", mdns.TypeA},
	} {
		b.Run(fmt.Sprintf("%s-%s/services=%d/instances=%d", mdns.TypeToString[c.qtype], c.kind, c.services, c.instances), func(b *testing.B) {
			w, queries := filled(b, c.services, c.instances, c.kind, c.qtype)
			from, out := netip.MustParseAddr(trusted), make([]byte, 0, answer.MaxUDPSize)
			a := w.newWorker(w.metrics.newShard(UDP))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if i%batch == 0 {
					a.Refresh()
				}
				msg, d := a.Answer(a.Parse(queries[i%len(queries)]), from, UDP, out)
				if d != answer.Send || msg[3]&0xf != 0 {
					b.Fatalf("disposition %d, answer %x", d, msg)
				}
				if i%batch == batch-1 {
					a.shard.add(&a.Counts)
				}
			}
		})
	}
}

const batch = 64

// filled makes services and queries for them.
func filled(t testing.TB, services, instances int, kind registry.RecordType, qtype uint16) (*fixture, [][]byte) {
	w := newFixture(t)
	var queries [][]byte
	w.inBulk(func() {
		ns := w.namespace("bench.internal", "vpc-1")
		for s := range services {
			name := fmt.Sprintf("svc-%d", s*7919%services)
			svc := w.service(ns, name, "", kind)
			for i := range instances {
				w.register(svc, fmt.Sprintf("i-%08x", i), ipv4, fmt.Sprintf("10.%d.%d.%d", s%200, i/250, i%250), port, "80",
					ipv6, fmt.Sprintf("2001:db8::%x:%x:%x", s>>16, s&0xffff, i))
			}
		}
	})
	for s := range min(services, 1<<16) {
		q := question(fmt.Sprintf("svc-%d.bench.internal.", s*31337%services), qtype)
		q.SetEdns0(1232, false)
		packed, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		queries = append(queries, packed)
	}
	return w, queries
}

// BenchmarkTransfer hands out a zone of 100,000 records, and then one change in
// it.
func BenchmarkTransfer(b *testing.B) {
	w := newFixture(b, withTransfers())
	var svc string
	w.inBulk(func() {
		ns := w.namespace(zoneName, "")
		for s := range 100 {
			svc = w.service(ns, fmt.Sprint("svc-", s), "", "A")
			for i := range 1000 {
				w.register(svc, fmt.Sprint("i-", i), ipv4, fmt.Sprintf("10.%d.%d.%d", s, i/250, i%250))
			}
		}
	})
	from := netip.AddrPortFrom(netip.MustParseAddr(trusted), 1)
	hand := func(b *testing.B, q *mdns.Msg) (octets int) {
		query, err := q.Pack()
		if err != nil {
			b.Fatal(err)
		}
		w.transfer(b.Context(), query, from, TCP, func(msg []byte) error {
			octets += len(msg)
			return nil
		})
		return octets
	}
	b.Run("AXFR", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.SetBytes(int64(hand(b, new(mdns.Msg).SetAxfr(zoneName+"."))))
		}
	})
	b.Run("IXFR", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			before := serialOf(w.state.Revision)
			w.register(svc, "i-1", ipv4, fmt.Sprintf("11.0.%d.%d", i/250%250, i%250))
			hand(b, new(mdns.Msg).SetIxfr(zoneName+".", before, ".", "."))
		}
	})
}
