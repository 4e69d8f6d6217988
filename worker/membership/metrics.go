package membership

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct{ propagation prometheus.Histogram }

func newMetrics(r prometheus.Registerer, m *Membership) *metrics {
	if r != nil {
		r.MustRegister(nodes{m})
	}
	return &metrics{promauto.With(r).NewHistogram(prometheus.HistogramOpts{Name: "cairn_propagation_seconds",
		Help: "Time from when another node sent a renewal to when this node has its revision: " +
			"the commit and the way here, and the difference of the two clocks.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)})}
}

func (m *metrics) propagated(d time.Duration) { m.propagation.Observe(max(d, 0).Seconds()) }

// nodes collects what is known of the live nodes.
type nodes struct{ *Membership }

var (
	infoDesc = prometheus.NewDesc("cairn_node_info", "1 for each live node, with its version and addresses.",
		[]string{"node", "version", "api", "dns", "admin", "self"}, nil)
	lagDesc = prometheus.NewDesc("cairn_node_lag_revisions",
		"How many revisions the state of a live node was behind when it sent its last renewal.", []string{"node"}, nil)
	silentDesc = prometheus.NewDesc("cairn_node_silent_seconds", "Time since the last renewal of a live node arrived here.", []string{"node"}, nil)
	memberDesc = prometheus.NewDesc("cairn_member", "1 if this node is a live node; else it does no shared work.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c nodes) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{infoDesc, lagDesc, silentDesc, memberDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c nodes) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	member := 0.0
	for _, n := range c.Nodes() {
		self := "false"
		if n.Self {
			self, member = "true", 1
		}
		gauge(infoDesc, 1, n.Name, n.Version, n.API, n.DNS, n.Admin, self)
		gauge(lagDesc, float64(n.Lag()), n.Name)
		gauge(silentDesc, n.Silent.Seconds(), n.Name)
	}
	gauge(memberDesc, member)
}
