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
	// Waits for the revision of cairn-min-revision, by whether it was reached.
	waited, waitedInVain prometheus.Observer
	staleAnswers         prometheus.Counter
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

func newMetrics(cfg *Config, apis []*service.API) *metrics {
	f := promauto.With(cfg.Registerer)
	f.NewCounterFunc(prometheus.CounterOpts{Name: "cairn_api_auth_failures_refused_total",
		Help: "Calls that did not prove who they were from, of sources that had used up their failures."},
		func() float64 { return float64(cfg.Failures.Refused()) })
	m := &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{Name: "cairn_api_requests_total",
			Help: "Requests to the AWS APIs, by API (its name in policies), operation and outcome: ok or the code of the error."},
			[]string{"service", "operation", "outcome"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{Name: "cairn_api_request_seconds",
			Help: "Time from the end of a request's header to the end of its answer.", Buckets: prometheus.ExponentialBuckets(0.000025, 2, 18)},
			[]string{"service", "operation"}),
		throttled: &throttledCalls{seen: map[command.AccountID]bool{}, calls: f.NewCounterVec(prometheus.CounterOpts{Name: "cairn_api_throttled_total",
			Help: "Calls over the rate of their account, by account (the first 100, and other) and class of operation."}, []string{"account", "class"})},
		ok:      map[*service.Operation]prometheus.Counter{},
		latency: map[*service.Operation]prometheus.Observer{},
	}
	waits := f.NewHistogramVec(prometheus.HistogramOpts{Name: "cairn_api_revision_wait_seconds",
		Help:    "Time that requests waited for the revision in cairn-min-revision, by outcome: reached or timeout. Those that found it are not counted.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}, []string{"outcome"})
	m.waited, m.waitedInVain = waits.WithLabelValues("reached"), waits.WithLabelValues("timeout")
	m.staleAnswers = f.NewCounter(prometheus.CounterOpts{Name: "cairn_api_stale_answers_total",
		Help: "Answers that were marked with cairn-stale, since the node had not reached its store for some time."})
	m.prepare(nil, "unknown", "unknown")
	for _, api := range apis {
		for _, op := range api.All() {
			m.prepare(op, api.Name, op.Name)
		}
	}
	return m
}

func (m *metrics) prepare(op *service.Operation, api, name string) {
	m.ok[op] = m.requests.WithLabelValues(api, name, "ok")
	m.latency[op] = m.seconds.WithLabelValues(api, name)
}

// observe counts a request whose answer was written at a time.
func (m *metrics) observe(x *request, now time.Time) {
	m.latency[x.op].Observe(now.Sub(x.start).Seconds())
	if x.err == nil {
		m.ok[x.op].Inc()
		return
	}
	m.requests.WithLabelValues(x.service(), x.operation(), x.err.Code).Inc()
}
