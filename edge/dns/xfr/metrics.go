package xfr

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	transfers *prometheus.CounterVec
	records   *prometheus.CounterVec
	octets    *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		transfers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cairn_dns_transfers_total",
			Help: "Zone transfers by type of the query (axfr, ixfr), what was sent (whole, changes, current: only the SOA record) and outcome (done, failed, busy)."},
			[]string{"type", "sent", "outcome"}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cairn_dns_transfer_records_total",
			Help: "Records sent in zone transfers, by type of the query."}, []string{"type"}),
		octets: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cairn_dns_transfer_octets_total",
			Help: "Octets sent in zone transfers, by type of the query."}, []string{"type"}),
	}
	if r != nil {
		r.MustRegister(m.transfers, m.records, m.octets)
	}
	return m
}

func (q *Query) kind() string {
	if q.Incremental {
		return "ixfr"
	}
	return "axfr"
}

func (m *metrics) count(q *Query, sent style, outcome string) {
	m.transfers.WithLabelValues(q.kind(), cmp.Or(string(sent), "nothing"), outcome).Inc()
}

// ended counts a transfer and logs it.
func (s *Server) ended(t *transfer, took time.Duration, err error) {
	q, sent := t.query, &t.messages.sent
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	s.metrics.count(q, t.style, outcome)
	s.metrics.records.WithLabelValues(q.kind()).Add(float64(sent.records))
	s.metrics.octets.WithLabelValues(q.kind()).Add(float64(sent.octets))
	attrs := []any{"zone", t.now.zone.Name, "client", q.From, "transport", q.Transport, "type", q.kind(), "sent", t.style,
		"serial", uint32(t.now.serial), "records", sent.records, "octets", sent.octets, "took", took}
	if q.Incremental {
		attrs = append(attrs, "from", q.Serial)
	}
	if q.Signed != nil && q.Signed.Key != nil {
		attrs = append(attrs, "key", q.Signed.Key.Name())
	}
	if err != nil {
		s.cfg.Logger.Warn("zone not transferred", append(attrs, "err", err)...)
		return
	}
	s.cfg.Logger.Info("zone transferred", attrs...)
}
