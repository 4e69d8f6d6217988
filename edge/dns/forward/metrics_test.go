package forward

import (
	"testing"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

func TestMetricsAreRegistered(t *testing.T) {
	reg := prometheus.NewRegistry()
	up := upstreamOf(t, func(a *asked) { a.give(a.reply(dns.RcodeSuccess, www("60"))) })
	r := resolver(t, Config{Registerer: reg}, up)
	for range 3 {
		resolve(t, r, "www.example.", dns.TypeA)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() != "upstream" {
					name += " " + l.GetValue()
				}
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"cairn_dns_forward_questions_total cached":   2,
		"cairn_dns_forward_exchanges_total ok udp":   1,
		"cairn_dns_forward_cache_entries":            1,
		"cairn_dns_forward_in_flight":                0,
		"cairn_dns_forward_unrelated_total":          0,
		"cairn_dns_forward_questions_total rejected": 0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (there: %v), want %v", name, v, ok, want)
		}
	}
	if _, err := New(Config{Upstreams: r.cfg.Upstreams, Registerer: reg}); err == nil {
		t.Error("the same metrics were registered twice")
	}
}
