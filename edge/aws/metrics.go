package aws

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"cairn/edge/aws/cloudmap"
	"cairn/edge/aws/sts"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	// Children for the usual case are found without hashing labels.
	ok      map[string]prometheus.Counter
	latency map[string]prometheus.Observer
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{Name: "cairn_api_requests_total",
			Help: "Requests to the AWS APIs, by operation and outcome: ok or the code of the error."}, []string{"operation", "outcome"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{Name: "cairn_api_request_seconds",
			Help: "Time from the end of a request's header to the end of its answer.", Buckets: prometheus.ExponentialBuckets(0.000025, 2, 18)}, []string{"operation"}),
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
