package authlimit

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// forgiven counts how many of n failures at one time are forgiven.
func forgiven(b *Budget, from string, now time.Time, n int) int {
	ok := 0
	for range n {
		if b.Fail(addr(from), now) {
			ok++
		}
	}
	return ok
}

func TestBudget(t *testing.T) {
	b, now := New(Config{PerSecond: 5, Burst: 50}), time.Now()
	if got := forgiven(b, "192.0.2.1", now, 1000); got != 50 {
		t.Errorf("%d forgiven at first", got)
	}
	for _, same := range []string{"192.0.2.1", "::ffff:192.0.2.1"} {
		if got := forgiven(b, same, now, 1); got != 0 {
			t.Errorf("%s has a budget of its own", same)
		}
	}
	if got := forgiven(b, "192.0.2.2", now, 1); got != 1 {
		t.Error("the neighbour pays")
	}
	if got := forgiven(b, "192.0.2.1", now.Add(2*time.Second), 1000); got != 10 {
		t.Errorf("%d forgiven after two seconds", got)
	}
	if got := b.Refused(); got != 950+2+990 {
		t.Errorf("%d refused", got)
	}
}

// A /64 is one source, and its neighbour another.
func TestIPv6(t *testing.T) {
	b, now := New(Config{PerSecond: 1, Burst: 3}), time.Now()
	got := 0
	for _, a := range []string{"2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:0:1::", "2001:db8::1%eth0", "2001:db8::2"} {
		got += forgiven(b, a, now, 1)
	}
	if got != 3 {
		t.Errorf("%d forgiven in one /64", got)
	}
	if forgiven(b, "2001:db8:0:1::1", now, 1) != 1 {
		t.Error("the neighbour pays")
	}
	if forgiven(b, "fe80::1%eth0", now, 4)+forgiven(b, "fe80::1%eth1", now, 1) != 3 {
		t.Error("a zone is a source of its own")
	}
}

func TestNoLimit(t *testing.T) {
	b := New(Config{})
	if forgiven(b, "192.0.2.1", time.Now(), 1000) != 1000 || b.Refused() != 0 {
		t.Error("limited without a limit")
	}
	if !New(Config{PerSecond: 1}).Fail(netip.Addr{}, time.Now()) {
		t.Error("not even one failure without a burst")
	}
}

// Many sources take no more memory than few, and do not push out the one that
// fails all the time.
func TestManySources(t *testing.T) {
	b, now := New(Config{PerSecond: 1e-3, Burst: 10, Sources: 1024}), time.Now()
	forgiven(b, "192.0.2.1", now, 10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 1_000_000 {
		a := [4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}
		b.Fail(netip.AddrFrom4(a), now)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 1<<20 {
		t.Errorf("%d bytes for a million sources", grown)
	}
	if forgiven(b, "192.0.2.1", now, 1) != 0 {
		t.Error("the source was forgotten")
	}
}

func TestFailDoesNotAllocate(t *testing.T) {
	b, now := New(Config{PerSecond: 1, Burst: 1}), time.Now()
	from := addr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() { b.Fail(from, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
