package ratelimit

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// counters count limited responses only: the common case must cost nothing, and other
// metrics count all responses.
type counters struct {
	truncated, dropped prometheus.Counter
}

func newCounters(reg prometheus.Registerer) (counters, error) {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cairn_dns_rate_limited_total",
		Help: "Responses over the rate of their client network, by what was done.",
	}, []string{"action"})
	c := counters{
		truncated: vec.WithLabelValues("truncated"),
		dropped:   vec.WithLabelValues("dropped"),
	}
	if reg == nil {
		return c, nil
	}
	if err := reg.Register(vec); err != nil {
		return c, fmt.Errorf("ratelimit: metrics: %w", err)
	}
	return c, nil
}

func (c counters) count(v Action) {
	switch v {
	case Send:
	case Truncate:
		c.truncated.Inc()
	case Drop:
		c.dropped.Inc()
	}
}
