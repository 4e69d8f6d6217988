package aws

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

type metrics struct {
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	throttled *throttledCalls
	// Children for the usual case are found without hashing labels. Nil is the key of
	// requests whose operation is not known.
	ok      map[*service.Operation]prometheus.Counter
	latency map[*service.Operation]prometheus.Observer
}

// throttledCalls counts what was refused for its rate.
type throttledCalls struct {
	mu    sync.Mutex
	seen  map[command.AccountID]bool
	calls *prometheus.CounterVec
}

func (t *throttledCalls) inc(account command.AccountID, class command.RateClass) {
	t.mu.Lock()
	label := t.accountLabel(account)
	t.mu.Unlock()
	t.calls.WithLabelValues(label, class.String()).Inc()
}

// metricName is the label of an operation: its name, or API:NAME if an API before
// it in the list has an operation of that name.
func metricName(apis []*service.API, op *service.Operation) string {
	for _, api := range apis {
		if api == op.API() {
			return op.Name
		}
		if api.Operation(op.Name) != nil {
			break
		}
	}
	return op.Action
}

func newMetrics(cfg *Config, apis []*service.API) *metrics {
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
		ok:      map[*service.Operation]prometheus.Counter{},
		latency: map[*service.Operation]prometheus.Observer{},
	}
	m.prepare(nil, "unknown")
	for _, api := range apis {
		for _, op := range api.All() {
			m.prepare(op, metricName(apis, op))
		}
	}
	return m
}

func (m *metrics) prepare(op *service.Operation, name string) {
	m.ok[op] = m.requests.WithLabelValues(name, "ok")
	m.latency[op] = m.seconds.WithLabelValues(name)
}

func (m *metrics) observe(x *request) {
	m.latency[x.op].Observe(time.Since(x.start).Seconds())
	if x.err == nil {
		m.ok[x.op].Inc()
		return
	}
	m.requests.WithLabelValues(x.operation(), x.err.Code).Inc()
}
