package aws

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/cloudmap"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
)

type metrics struct {
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	throttled *throttledCalls
	// Children for the usual case are found without hashing labels.
	ok      map[string]prometheus.Counter
	latency map[string]prometheus.Observer
}

// throttledCalls counts what was refused for its rate.
type throttledCalls struct {
	mu    sync.Mutex
	seen  map[command.AccountID]bool
	calls *prometheus.CounterVec
}

func (t *throttledCalls) inc(account command.AccountID, class command.RateClass) {
	t.mu.Lock()
	label := t.labelOf(account)
	t.mu.Unlock()
	t.calls.WithLabelValues(label, class.String()).Inc()
}

func newMetrics(cfg *Config) *metrics {
	f := promauto.With(cfg.Registerer)
	f.NewCounterFunc(prometheus.CounterOpts{Name: "cairn_api_auth_failures_refused_total",
		Help: "Calls that did not prove who they were from, of sources that had used up their failures."},
		func() float64 { return float64(cfg.Failures.Refused()) })
	m := &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{Name: "cairn_api_requests_total",
			Help: "Requests to the AWS APIs, by operation and outcome: ok or the code of the error."}, []string{"operation", "outcome"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{Name: "cairn_api_request_seconds",
			Help: "Time from the end of a request's header to the end of its answer.", Buckets: prometheus.ExponentialBuckets(0.000025, 2, 18)}, []string{"operation"}),
		throttled: &throttledCalls{seen: map[command.AccountID]bool{}, calls: f.NewCounterVec(prometheus.CounterOpts{Name: "cairn_api_throttled_total",
			Help: "Calls over the rate of their account, by account (the first 100, and other) and class of operation."}, []string{"account", "class"})},
		ok:      map[string]prometheus.Counter{},
		latency: map[string]prometheus.Observer{},
	}
	for _, name := range slices.Concat(cloudmap.ActionNames(), sts.Actions(), []string{"unknown"}) {
		m.ok[name] = m.requests.WithLabelValues(name, "ok")
		m.latency[name] = m.seconds.WithLabelValues(name)
	}
	return m
}

// knows reports whether there is an operation of that name.
func (m *metrics) knows(name string) bool { return m.ok[name] != nil && name != "unknown" }

func (m *metrics) observe(x *exchange) {
	name := x.operation()
	m.latency[name].Observe(time.Since(x.start).Seconds())
	if x.err == nil {
		m.ok[name].Inc()
		return
	}
	m.requests.WithLabelValues(name, x.err.Code).Inc()
}
