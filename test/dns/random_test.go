package dns_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/miekg/dns"
)

// improbable is the level of a statistic that a fair server passes all but once
// in a thousand million runs, as a standard normal deviate.
const improbable = 6.0

// deviates says by how many standard deviations a value of the chi-square
// distribution is too large (Wilson and Hilferty).
func deviates(chi2 float64, freedom int) float64 {
	k := float64(freedom)
	return (math.Cbrt(chi2/k) - (1 - 2/(9*k))) / math.Sqrt(2/(9*k))
}

// Of twenty instances each is as likely as any other to be among the eight, and
// to be the first.
func TestMultivalueIsFair(t *testing.T) {
	w := start(t)
	w.shop(t)
	const instances, picked, rounds = 20, 8, 5000
	among, first := map[string]int{}, map[string]int{}
	conn := w.dial(t, "udp")
	q, err := new(dns.Msg).SetQuestion("many.shop.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for range rounds {
		conn.send(q)
		m := new(dns.Msg)
		if err := m.Unpack(conn.receive()); err != nil || len(m.Answer) != picked {
			t.Fatalf("%v\n%v", err, m)
		}
		distinct := map[string]bool{}
		for i, rr := range m.Answer {
			addr := rr.(*dns.A).A.String()
			distinct[addr] = true
			among[addr]++
			if i == 0 {
				first[addr]++
			}
		}
		if len(distinct) != picked {
			t.Fatalf("an instance twice:\n%v", m)
		}
	}
	// Drawing without replacement varies less than independent draws by this
	// factor.
	const finite = float64(instances-1) / (instances - picked)
	check := func(what string, counts map[string]int, expected, factor float64) {
		chi2 := 0.0
		for _, n := range counts {
			chi2 += (float64(n) - expected) * (float64(n) - expected) / expected
		}
		z := deviates(chi2*factor, instances-1)
		t.Logf("%s: chi-square %.1f with %d degrees of freedom, %.1f deviations", what, chi2*factor, instances-1, z)
		if len(counts) != instances || z > improbable {
			t.Errorf("%s: %v", what, counts)
		}
	}
	check("among the answers", among, rounds*picked/float64(instances), finite)
	check("first of the answers", first, rounds/float64(instances), 1)
}

// WEIGHTED answers with one instance, by its weight.
func TestWeightedIsFair(t *testing.T) {
	w := start(t)
	ns := w.namespace(t, "shop.example", false)
	service := w.service(t, ns, "web", "A", "WEIGHTED")
	weights := map[string]float64{"10.0.0.0": 0}
	total := 0.0
	w.register(t, service, "i-0", "IPV4=10.0.0.0", "weight=0")
	for i, weight := range []int{1, 2, 4, 8, 255} {
		addr := fmt.Sprintf("10.0.0.%d", i+1)
		w.register(t, service, fmt.Sprintf("i-%d", i+1), "IPV4="+addr, fmt.Sprintf("weight=%d", weight))
		weights[addr], total = float64(weight), total+float64(weight)
	}
	const rounds = 10_000
	counts := map[string]float64{}
	conn := w.dial(t, "udp")
	q, err := new(dns.Msg).SetQuestion("web.shop.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for range rounds {
		conn.send(q)
		m := new(dns.Msg)
		if err := m.Unpack(conn.receive()); err != nil || len(m.Answer) != 1 {
			t.Fatalf("%v\n%v", err, m)
		}
		counts[m.Answer[0].(*dns.A).A.String()]++
	}
	chi2 := 0.0
	for addr, weight := range weights {
		if weight == 0 {
			if counts[addr] > 0 {
				t.Errorf("weight 0 got %v answers", counts[addr])
			}
			continue
		}
		expected := rounds * weight / total
		chi2 += (counts[addr] - expected) * (counts[addr] - expected) / expected
	}
	z := deviates(chi2, 4)
	t.Logf("chi-square %.1f with 4 degrees of freedom, %.1f deviations", chi2, z)
	if z > improbable {
		t.Errorf("%v", counts)
	}
}
