package zone_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/registry/records"
	"github.com/cairn-discovery/cairn/core/zone"
)

// chiSquare fails unless counts could have come from equal shares, or from the
// given ones. The seed is fixed, so a failure is a bug and not bad luck: the
// bound is passed by chance once in a million.
func chiSquare[K comparable](t *testing.T, what string, counts map[K]int, want map[K]float64) {
	t.Helper()
	total := 0
	for k, n := range counts {
		if want[k] == 0 {
			t.Errorf("%s: %v came %d times, want never", what, k, n)
		}
		total += n
	}
	sum, chi := 0.0, 0.0
	for _, share := range want {
		sum += share
	}
	for k, share := range want {
		expected := share / sum * float64(total)
		chi += (float64(counts[k]) - expected) * (float64(counts[k]) - expected) / expected
	}
	// Wilson and Hilferty: the cube root of chi square by its degrees of
	// freedom is nearly normal.
	df := float64(len(want) - 1)
	z := (math.Cbrt(chi/df) - (1 - 2/(9*df))) / math.Sqrt(2/(9*df))
	if z > 4.75 {
		t.Errorf("%s: chi square %.1f with %.0f degrees of freedom: %.1f standard deviations off", what, chi, df, z)
	}
}

func equalShares[K comparable](keys ...K) map[K]float64 {
	want := map[K]float64{}
	for _, k := range keys {
		want[k] = 1
	}
	return want
}

// Every number is chosen equally often at every place, and every pair too; sizes
// on both sides of each way to draw.
func TestChoiceIsUniform(t *testing.T) {
	for _, n := range []int{9, 16, 63, 64, 65, 100, 1000} {
		r := zone.NewRand(1, uint64(n))
		places := make([]map[uint32]int, zone.MaxAnswer)
		for i := range places {
			places[i] = map[uint32]int{}
		}
		pairs := map[[2]uint32]int{}
		for range max(10_000, 20*n) {
			got := zone.Choose(r, n)
			seen := map[uint32]bool{}
			for i, x := range got {
				if int(x) >= n || seen[x] {
					t.Fatalf("n = %d: %v", n, got)
				}
				seen[x] = true
				places[i][x]++
			}
			pairs[[2]uint32{got[2] % 3, got[7] % 5}]++
		}
		var keys []uint32
		for x := range uint32(n) {
			keys = append(keys, x)
		}
		for i := range places {
			chiSquare(t, fmt.Sprintf("n = %d, place %d", n, i), places[i], equalShares(keys...))
		}
		if n == 1000 { // 3 and 5 divide nothing else so well
			want := map[[2]uint32]float64{}
			for a := range uint32(n) {
				for _, b := range []uint32{0, 1, 2, 3, 4} {
					want[[2]uint32{a % 3, b}]++
				}
			}
			chiSquare(t, "n = 1000, pairs", pairs, want)
		}
	}
}

// Beyond 65,535 instances the numbers are drawn one by one.
func TestChoiceOfVeryMany(t *testing.T) {
	r := zone.NewRand(1, 2)
	counts := map[uint32]int{}
	for range 5000 {
		for _, x := range zone.Choose(r, 1<<20) {
			counts[x>>16]++
		}
	}
	chiSquare(t, "n = 2^20", counts, equalShares[uint32](0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
}

func TestOrderIsUniform(t *testing.T) {
	r := zone.NewRand(7, 7)
	counts := map[string]int{}
	for range 48_000 {
		counts[fmt.Sprint(zone.Shuffle(r, 4))]++
	}
	if len(counts) != 24 {
		t.Fatalf("%d orders of 4, want 24", len(counts))
	}
	want := map[string]float64{}
	for k := range counts {
		want[k] = 1
	}
	chiSquare(t, "orders of 4", counts, want)
	first := map[int]int{}
	for range 40_000 {
		first[zone.Shuffle(r, 8)[0]]++
	}
	chiSquare(t, "first of 8", first, equalShares(0, 1, 2, 3, 4, 5, 6, 7))
}

// addresses makes a service with one instance for each health and attributes,
// the i-th at 10.0.0.i.
func addresses(t *testing.T, w *fixture, policy registry.RoutingPolicy, instances ...[]string) *zone.Set {
	t.Helper()
	ns := w.namespace("example.com", "")
	svc := w.service(ns, "web", policy, registry.RecordA)
	for i, attrs := range instances {
		addr := []string{registry.AttrIPv4, fmt.Sprintf("10.0.%d.%d", i/250, i%250)}
		w.register(svc, fmt.Sprintf("i-%d", i), append(addr, attrs...)...)
	}
	return look(&w.state.Zones, "web.example.com", false, everything).Node.Set()
}

var unhealthy = []string{registry.AttrInitHealthStatus, "UNHEALTHY"}

// draw counts which addresses are answered, by their last octet; an address
// twice in one answer is a failure.
func draw(t *testing.T, s *zone.Set, p *zone.Picker, rounds, size int) map[byte]int {
	t.Helper()
	counts := map[byte]int{}
	var out [zone.MaxAnswer][4]byte
	for range rounds {
		n, _, alias := s.PickA(p, &out)
		if n != size || alias != nil {
			t.Fatalf("%d addresses, alias %v; want %d", n, alias, size)
		}
		seen := map[[4]byte]bool{}
		for _, addr := range out[:n] {
			if seen[addr] {
				t.Fatalf("%v twice", addr)
			}
			seen[addr] = true
			counts[addr[3]]++
		}
	}
	return counts
}

func picker(strict bool, regions ...string) *zone.Picker {
	return &zone.Picker{Rand: zone.NewRand(3, 4), Strict: strict, Regions: regions}
}

// facts §3: all when there are up to eight, else eight of them; the unhealthy
// only when there is nothing else.
func TestMultivalue(t *testing.T) {
	none := []string{}
	s := addresses(t, newFixture(t, false), registry.Multivalue, none, none, unhealthy, none)
	chiSquare(t, "3 healthy of 4", draw(t, s, picker(false), 100, 3), equalShares[byte](0, 1, 3))
	s = addresses(t, newFixture(t, false), registry.Multivalue, unhealthy, unhealthy, unhealthy)
	chiSquare(t, "fail open", draw(t, s, picker(false), 100, 3), equalShares[byte](0, 1, 2))
	var many [][]string
	for range 11 {
		many = append(many, none)
	}
	s = addresses(t, newFixture(t, false), registry.Multivalue, append(many, unhealthy)...)
	chiSquare(t, "8 of 11", draw(t, s, picker(false), 20_000, 8), equalShares[byte](0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
}

// decisions rows 5 and 9.
func TestWeighted(t *testing.T) {
	weight := func(n string) []string { return []string{registry.AttrWeight, n} }
	s := addresses(t, newFixture(t, false), registry.Weighted, weight("1"), weight("3"), weight("0"), weight("200"), append(weight("255"), unhealthy...), nil)
	chiSquare(t, "weights", draw(t, s, picker(false), 60_000, 1), map[byte]float64{0: 1, 1: 3, 3: 200, 5: 1})
	chiSquare(t, "strict", draw(t, s, picker(true), 50_000, 1), equalShares[byte](0, 1, 2, 3, 5))
	s = addresses(t, newFixture(t, false), registry.Weighted, weight("0"), weight("0"))
	chiSquare(t, "all weights 0", draw(t, s, picker(false), 10_000, 1), equalShares[byte](0, 1))
	s = addresses(t, newFixture(t, false), registry.Weighted, append(weight("1"), unhealthy...), append(weight("2"), unhealthy...))
	chiSquare(t, "fail open", draw(t, s, picker(false), 30_000, 1), map[byte]float64{0: 1, 1: 2})
}

// decisions row 4.
func TestLatency(t *testing.T) {
	in := func(region string) []string { return []string{records.AttrRegion, region} }
	down := func(region string) []string { return append(in(region), unhealthy...) }
	s := addresses(t, newFixture(t, false), registry.Latency, in("eu"), in("eu"), in("us"), in("ap"), in("sa"), down("af"), nil)
	for _, c := range []struct {
		regions []string
		want    []byte
	}{
		{[]string{"eu", "us"}, []byte{0, 1}},
		{[]string{"us", "eu"}, []byte{2}},
		{[]string{"af", "us"}, []byte{2}}, // none healthy: the next nearest
		{[]string{"me"}, []byte{0, 1, 2, 3, 4, 6}},
		{nil, []byte{0, 1, 2, 3, 4, 6}},
	} {
		chiSquare(t, fmt.Sprint(c.regions), draw(t, s, picker(false, c.regions...), 1000, len(c.want)), equalShares(c.want...))
	}
	s = addresses(t, newFixture(t, false), registry.Latency, down("eu"), down("us"))
	chiSquare(t, "fail open", draw(t, s, picker(false, "us", "eu"), 100, 1), equalShares[byte](1))
}

// An alias and an address share the traffic.
func TestWeightedAliases(t *testing.T) {
	w := newFixture(t, false)
	svc := w.service(w.namespace("example.com", ""), "web", registry.Weighted, registry.RecordA)
	w.register(svc, "a", registry.AttrIPv4, "10.0.0.1", registry.AttrWeight, "3")
	w.register(svc, "b", registry.AttrAliasDNSName, "lb.example.net")
	s := look(&w.state.Zones, "web.example.com", false, everything).Node.Set()
	counts, p := map[string]int{}, picker(false)
	var out [zone.MaxAnswer][4]byte
	for range 20_000 {
		n, _, alias := s.PickA(p, &out)
		if alias != nil {
			counts[dnswire.Text(alias.Data)]++
		} else if n == 1 {
			counts["address"]++
		}
	}
	chiSquare(t, "alias", counts, map[string]float64{"address": 3, "lb.example.net.": 1})
}

// decisions row 2: before the first verdict an instance is not answered, and
// nothing fails open to it.
func TestWaitingForAVerdict(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace("example.com", "")
	dns := &registry.DNSConfig{Records: []registry.DNSRecord{{Type: registry.RecordSRV, TTL: 60}}}
	svc := string(w.do(&registry.CreateService{Name: "web", NamespaceRef: string(ns.ID), DNS: dns,
		HealthCheck: &registry.HealthCheck{Type: registry.CheckTCP}}).Value.(*registry.Service).ID)
	w.register(svc, "i", registry.AttrIPv4, "10.0.0.1", registry.AttrPort, "80")
	n := look(&w.state.Zones, "web.example.com", false, everything).Node
	var out [zone.MaxAnswer]*zone.Record
	if got := n.Set().RRset(33).Pick(picker(false), &out); got != 0 || n.Set().Members() != 1 {
		t.Errorf("%d records of %d instances", got, n.Set().Members())
	}
	if h := look(&w.state.Zones, "i.web.example.com", false, everything).Node.Host(); h == nil || !h.Pending {
		t.Errorf("host %+v", h)
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	var many [][]string
	for range 300 {
		many = append(many, nil)
	}
	w := newFixture(t, false)
	w.rules.Quotas = command.Quotas{}
	s := addresses(t, w, registry.Multivalue, many...)
	p := picker(false)
	var out [zone.MaxAnswer][4]byte
	if n := testing.AllocsPerRun(1000, func() { s.PickA(p, &out) }); n != 0 {
		t.Error(n, "allocations")
	}
}

// Ids that differ only in the case of letters give one target, RFC 4343: an answer has
// eight different ones, each as often as any other.
func TestTargetsThatDifferByCase(t *testing.T) {
	for _, c := range []struct {
		targets int
		policy  registry.RoutingPolicy
		strict  bool
	}{
		{6, registry.Multivalue, false}, {12, registry.Multivalue, false}, {200, registry.Multivalue, false},
		{12, registry.Latency, false}, {12, registry.Multivalue, true},
	} {
		w := newFixture(t, c.strict)
		svc := w.service(w.namespace("example.com", ""), "web", c.policy, registry.RecordSRV)
		want := map[string]float64{}
		for i := range c.targets {
			id := fmt.Sprintf("node-%d", i)
			want[id] = 1
			attrs := []string{registry.AttrIPv4, "10.0.0.1", registry.AttrPort, "80"}
			for j, id := range []string{id, strings.ToUpper(id), strings.ToUpper(id[:1]) + id[1:]} {
				if c.policy == registry.Latency {
					attrs = append(attrs, records.AttrRegion, fmt.Sprint("r", j))
				}
				if c.strict { // weights are ignored, so these are one record too
					attrs = append(attrs, registry.AttrWeight, fmt.Sprint(j+1))
				}
				if i%3 != 0 || j == 0 { // not all targets have the same number of ids
					w.register(svc, id, attrs...)
				}
			}
		}
		r := look(&w.state.Zones, "web.example.com", c.strict, everything).Node.Set().RRset(dnswire.TypeSRV)
		p := picker(c.strict)
		p.Twins = w.state.Zones.HasAmbiguousHosts()
		counts := map[string]int{}
		var out [zone.MaxAnswer]*zone.Record
		for range 400 * c.targets {
			n := r.Pick(p, &out)
			if n != min(c.targets, zone.MaxAnswer) {
				t.Fatalf("%+v: %d records", c, n)
			}
			seen := map[string]bool{}
			for _, rec := range out[:n] {
				id := strings.ToLower(strings.TrimSuffix(dnswire.Text(rec.Data[6:]+"\x00"), "."))
				if seen[id] {
					t.Fatalf("%+v: %s twice", c, id)
				}
				seen[id] = true
				counts[id]++
			}
		}
		chiSquare(t, fmt.Sprintf("%+v", c), counts, want)
	}
}
