package xfr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/registry"
)

// The first and the last record of a transfer are the SOA record, the others those of
// the services, the name servers and the hosts.
func TestWholeZone(t *testing.T) {
	f := newFixture(t)
	ns := f.namespace(zoneName)
	f.namespace("below." + zoneName)
	web, srv := f.service(ns, "web", registry.RecordA), f.service(ns, "_x._tcp", registry.RecordSRV)
	f.register(web, "i-1", "192.0.2.1")
	f.register(web, "i-2", "192.0.2.2")
	f.register(srv, "i-1", "192.0.2.3")
	f.service(ns, "empty", registry.RecordA)
	_, got := f.transfer(query(t, 0))
	first, last := got[0], got[len(got)-1]
	if first.Header().Rrtype != dns.TypeSOA || first.String() != last.String() {
		t.Errorf("first %v, last %v", first, last)
	}
	want := []string{
		zoneName + ". 172800 IN NS ns1.example.net.",
		zoneName + ". 172800 IN NS ns2.example.net.",
		"below." + zoneName + ". 172800 IN NS ns1.example.net.",
		"below." + zoneName + ". 172800 IN NS ns2.example.net.",
		"api." + zoneName + ". 60 IN A 127.0.0.1",
		"api." + zoneName + ". 60 IN AAAA ::1",
		"web." + zoneName + ". 60 IN A 192.0.2.1",
		"web." + zoneName + ". 60 IN A 192.0.2.2",
		"_x._tcp." + zoneName + ". 60 IN SRV 1 1 80 i-1._x._tcp." + zoneName + ".",
		"i-1._x._tcp." + zoneName + ". 60 IN A 192.0.2.3",
	}
	slices.Sort(want)
	if got := text(got[1 : len(got)-1]); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// From every version that a client may have, the changes lead to the newest one, over
// TCP and in one message.
func TestChanges(t *testing.T) {
	f := newFixture(t)
	web := f.service(f.namespace(zoneName), "web", registry.RecordA)
	f.register(web, "i-0", "192.0.2.100")
	f.transfer(query(t, 0)) // the revision at the start has no changes: see startedAt
	f.register(web, "i-0", "192.0.2.101")
	type copy struct {
		serial  uint32
		records []string
	}
	var copies []copy
	for i := range 6 {
		_, all := f.transfer(query(t, 0))
		copies = append(copies, copy{serial(t, all), text(all[1 : len(all)-1])})
		if i%2 == 0 {
			f.register(web, fmt.Sprint("i-", i), fmt.Sprintf("192.0.2.%d", i+1))
		} else {
			f.deregister(web, fmt.Sprint("i-", i-1))
		}
	}
	_, all := f.transfer(query(t, 0))
	newest := text(all[1 : len(all)-1])
	for _, c := range copies {
		for _, limit := range []int{0, 4096} {
			q := query(t, c.serial)
			q.Limit = limit
			_, diff := f.transfer(q)
			if got := apply(t, c.serial, c.records, diff); !slices.Equal(got, newest) {
				t.Errorf("from serial %d with limit %d:\n%v\ngot  %q\nwant %q", c.serial, limit, diff, got, newest)
			}
		}
	}
}

// apply changes a copy as an answer to IXFR says: RFC 1995 section 4.
func apply(t *testing.T, from uint32, records []string, diff []dns.RR) []string {
	t.Helper()
	last := serial(t, diff)
	if len(diff) < 3 || serial(t, diff[len(diff)-1:]) != last {
		t.Fatalf("not an answer with changes: %v", diff)
	}
	records = slices.Clone(records)
	adds, at := true, from
	for _, rr := range diff[1 : len(diff)-1] {
		soa, ok := rr.(*dns.SOA)
		line := text([]dns.RR{rr})[0]
		i := slices.Index(records, line)
		switch {
		case ok && adds && soa.Serial != at:
			t.Fatalf("a change from %d follows one to %d", soa.Serial, at)
		case ok:
			adds, at = !adds, soa.Serial
		case adds && i >= 0, !adds && i < 0:
			t.Fatalf("added twice, or removed without being there: %s", line)
		case adds:
			records = append(records, line)
		default:
			records = slices.Delete(records, i, i+1)
		}
	}
	if at != last {
		t.Fatalf("the changes lead to %d, not to %d", at, last)
	}
	slices.Sort(records)
	return records
}

// Forms of an answer to IXFR, see DESIGN.md.
func TestFormOfChanges(t *testing.T) {
	f := newFixture(t)
	web := f.service(f.namespace(zoneName), "web", registry.RecordA)
	_, all := f.transfer(query(t, 0))
	atStart := serial(t, all)
	f.register(web, "i-0", "192.0.2.1")
	_, all = f.transfer(query(t, 0))
	known := serial(t, all)
	for i := range 100 {
		f.register(web, fmt.Sprint("i-", i), fmt.Sprintf("192.0.2.%d", i))
	}
	_, all = f.transfer(query(t, 0))
	now := serial(t, all)
	for _, c := range []struct {
		what   string
		serial uint32
		limit  int
		want   string
	}{
		{"the newest serial", now, 0, "current"},
		{"the newest serial over UDP", now, 1232, "current"},
		{"a newer serial", now + 5, 0, "current"},
		{"a known serial", known, 0, "changes"},
		{"a known serial over UDP, too large", known, 512, "current"},
		{"a known serial over UDP", known, 16 << 10, "changes"},
		{"the serial at the start", atStart, 0, "whole"},
		{"the serial at the start over UDP", atStart, 1232, "current"},
		{"an unknown serial", known - 1000, 0, "whole"},
	} {
		q := query(t, c.serial)
		q.Limit = c.limit
		msgs, got := f.transfer(q)
		form := "changes"
		switch {
		case len(got) == 1:
			form = "current"
		case got[1].Header().Rrtype != dns.TypeSOA:
			form = "whole"
		}
		if form != c.want || serial(t, got) != now || c.limit > 0 && len(msgs) != 1 {
			t.Errorf("%s: %s in %d messages, want %s", c.what, form, len(msgs), c.want)
		}
	}
}

// One client cannot occupy all transfers, and all clients together not more than the
// limit.
func TestLimitOfTransfers(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Transfers = 8 })
	f.namespace(zoneName)
	z, _ := f.Permit(&f.state.Zones, []byte(wire(t, zoneName)), client.Addr(), nil)
	var nested func(depth int) int
	nested = func(depth int) int {
		done := depth
		err := f.Transfer(t.Context(), z, query(t, 0), func([]byte) error {
			done = nested(depth + 1)
			return nil
		})
		if err != nil && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		return done
	}
	if n := nested(0); n != 2 {
		t.Errorf("%d transfers of one client at a time, want a quarter of 8", n)
	}
	f.transfer(query(t, 0)) // all have ended
}

func TestTransferEnds(t *testing.T) {
	f := newFixture(t)
	f.namespace(zoneName)
	z, _ := f.Permit(&f.state.Zones, []byte(wire(t, zoneName)), client.Addr(), nil)
	broken := errors.New("broken")
	if err := f.Transfer(t.Context(), z, query(t, 0), func([]byte) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("send failed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Transfer(ctx, z, query(t, 0), func([]byte) error { t.Error("sent"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("context ended: %v", err)
	}
	f.do(deleteNamespace(z))
	if err := f.Transfer(t.Context(), z, query(t, 0), func([]byte) error { t.Error("sent"); return nil }); !errors.Is(err, ErrGone) {
		t.Errorf("zone deleted: %v", err)
	}
}

// Changed is called once for every zone at first, then once for each change.
func TestChanged(t *testing.T) {
	f := newFixture(t)
	web := f.service(f.namespace(zoneName), "web", registry.RecordA)
	f.namespace("other.example.com")
	expect := func(what string, want int) {
		t.Helper()
		f.changes = nil
		f.follow(f.state)
		if len(f.changes) != want {
			t.Errorf("%s: %d changes, want %d", what, len(f.changes), want)
		}
	}
	expect("at first", 1)
	expect("nothing new", 0)
	f.register(web, "i-1", "192.0.2.1")
	f.register(web, "i-2", "192.0.2.2")
	expect("two instances", 1)
	if c := f.changes; len(c) == 1 && (c[0].Rule.Zone != zoneName || c[0].Apex != wire(t, zoneName)) {
		t.Errorf("%+v", c[0])
	}
	f.service(f.namespace("third.example.com"), "web", registry.RecordA)
	expect("another zone", 0)
}
