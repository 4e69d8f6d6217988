package xds

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// metrics counts what the server does.
type metrics struct {
	requests, accepted, encoded [resource.NumTypes]prometheus.Counter
	answers, bytes              [resource.NumTypes]prometheus.Counter
	rejected                    *prometheus.CounterVec
	refused, unauthenticated    prometheus.Counter
}

func newMetrics(r prometheus.Registerer, s *Server) *metrics {
	m := new(metrics)
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		if r != nil {
			r.MustRegister(v)
		}
		return v
	}
	requests := vec("cairn_xds_requests_total", "Requests of clients, by type of resource.", "type")
	accepted := vec("cairn_xds_accepted_total", "Answers that clients accepted (ACK), by type of resource.", "type")
	encoded := vec("cairn_xds_encoded_total", "Resources that were encoded, by type. Each is encoded once for all streams.", "type")
	answers := vec("cairn_xds_answers_total", "Answers sent, by type of resource.", "type")
	bytes := vec("cairn_xds_answer_bytes_total", "Bytes of resources in the answers sent, by type.", "type")
	m.rejected = vec("cairn_xds_rejected_total", "Answers that clients rejected (NACK), by type of resource.", "type")
	refused := vec("cairn_xds_refused_total", "Streams that were refused, by reason: limit or unauthenticated.", "reason")
	m.refused, m.unauthenticated = refused.WithLabelValues("limit"), refused.WithLabelValues("unauthenticated")
	for t := range resource.Type(resource.NumTypes) {
		m.requests[t], m.accepted[t], m.encoded[t] = requests.WithLabelValues(t.String()), accepted.WithLabelValues(t.String()), encoded.WithLabelValues(t.String())
		m.answers[t], m.bytes[t] = answers.WithLabelValues(t.String()), bytes.WithLabelValues(t.String())
		m.rejected.WithLabelValues(t.String())
	}
	if r != nil {
		r.MustRegister(&gauges{s}, s.conns.limiter.Collector("cairn_xds"))
	}
	return m
}

func (m *metrics) sent(t resource.Type, size int) {
	m.answers[t].Inc()
	m.bytes[t].Add(float64(size))
}

// gauges are counted when they are asked for.
type gauges struct{ server *Server }

var (
	streamsDesc       = prometheus.NewDesc("cairn_xds_streams", "Open streams.", nil, nil)
	subscriptionsDesc = prometheus.NewDesc("cairn_xds_subscriptions", "Resources that open streams have subscribed to, by type.", []string{"type"}, nil)
)

func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- streamsDesc
	ch <- subscriptionsDesc
}

func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	streams, subscriptions := g.server.counts()
	ch <- prometheus.MustNewConstMetric(streamsDesc, prometheus.GaugeValue, float64(streams))
	for t, n := range subscriptions {
		ch <- prometheus.MustNewConstMetric(subscriptionsDesc, prometheus.GaugeValue, float64(n), resource.Type(t).String())
	}
}
