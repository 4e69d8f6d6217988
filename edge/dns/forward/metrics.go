package forward

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the metrics of a Resolver.
type metrics struct {
	hits, coalesced, rejected, abandoned, failed prometheus.Counter

	unrelated prometheus.Counter
	exchanges *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer, r *Resolver) (*metrics, error) {
	questions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cairn_dns_forward_questions_total",
		Help: "Forwarded questions by outcome: cached, coalesced (shared the query of another client), " +
			"rejected (too many in flight), abandoned (the client gave up), failed (no upstream answered).",
	}, []string{"outcome"})
	m := &metrics{
		hits:      questions.WithLabelValues("cached"),
		coalesced: questions.WithLabelValues("coalesced"),
		rejected:  questions.WithLabelValues("rejected"),
		abandoned: questions.WithLabelValues("abandoned"),
		failed:    questions.WithLabelValues("failed"),
		unrelated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cairn_dns_forward_unrelated_total",
			Help: "Messages from upstream addresses that did not answer the query: late or forged.",
		}),
		exchanges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cairn_dns_forward_exchanges_total",
			Help: "Queries to upstreams by upstream, transport and result.",
		}, []string{"upstream", "transport", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cairn_dns_forward_exchange_seconds",
			Help:    "Time until upstreams answered.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 13),
		}, []string{"upstream"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range append(gauges(r), questions, m.unrelated, m.exchanges, m.seconds) {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("forward: metrics: %w", err)
		}
	}
	return m, nil
}

func gauges(r *Resolver) []prometheus.Collector {
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return float64(value()) })
	}
	return []prometheus.Collector{
		gauge("cairn_dns_forward_cache_entries", "Answers in the cache.",
			func() int { n, _ := r.cache.usage(); return n }),
		gauge("cairn_dns_forward_cache_bytes", "Estimated memory of the cache.",
			func() int { _, n := r.cache.usage(); return n }),
		gauge("cairn_dns_forward_in_flight", "Questions that are being resolved by upstreams.",
			func() int {
				r.mu.Lock()
				defer r.mu.Unlock()
				return r.resolving
			}),
		gauge("cairn_dns_forward_waiting", "Clients that wait for an answer of the upstreams.",
			func() int { return int(r.waiting.Load()) }),
	}
}

func (m *metrics) exchange(u *upstream, transport string, err error, took time.Duration) {
	m.exchanges.WithLabelValues(u.addr.String(), transport, result(err)).Inc()
	if err == nil {
		m.seconds.WithLabelValues(u.addr.String()).Observe(took.Seconds())
	}
}

func result(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, errForged):
		return "forged"
	default:
		return "error"
	}
}
