package sign

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts signatures by outcome.
type metrics struct{ made, hits, refused, failed atomic.Uint64 }

func newMetrics(s *Signer, r prometheus.Registerer) *metrics {
	m := new(metrics)
	if r == nil {
		return m
	}
	counter := func(name, help string, of *atomic.Uint64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(of.Load()) }))
	}
	counter("cairn_dns_signatures_total", "DNSSEC signatures made.", &m.made)
	counter("cairn_dns_signature_hits_total", "DNSSEC signatures found in the cache.", &m.hits)
	counter("cairn_dns_signatures_refused_total", "DNSSEC signatures not made because too many were needed at a time.", &m.refused)
	counter("cairn_dns_signatures_failed_total", "DNSSEC signatures not made because the key could not be used.", &m.failed)
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "cairn_dns_signature_bytes",
		Help: "Estimated memory of the cache of DNSSEC signatures."},
		func() float64 { return float64(s.cache.len() * entryBytes) }))
	return m
}
