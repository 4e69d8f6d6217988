package prober

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/cairn-discovery/cairn/core/health"
)

type metrics struct {
	probes     [health.Kinds]prometheus.Counter
	checks     [3]prometheus.Gauge // by health.Verdict
	verdicts   [3]prometheus.Counter
	visibility prometheus.Histogram
	detection  prometheus.Histogram
	lateness   prometheus.Histogram
	running    prometheus.Gauge
	overdue    prometheus.Gauge
	deferred   prometheus.Counter
	distrusted prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		visibility: f.NewHistogram(prometheus.HistogramOpts{Name: "cairn_health_visible_seconds",
			Help:    "Time from the end of the probe that changed a verdict until all answers show it.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}),
		detection: f.NewHistogram(prometheus.HistogramOpts{Name: "cairn_health_failure_to_visible_seconds",
			Help:    "Time from the first failed probe until all answers show the instance as unhealthy.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 18)}),
		lateness: f.NewHistogram(prometheus.HistogramOpts{Name: "cairn_health_lateness_seconds",
			Help:    "How long after its time a probe began.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 18)}),
		running: f.NewGauge(prometheus.GaugeOpts{Name: "cairn_health_probes_running", Help: "Probes that run now."}),
		overdue: f.NewGauge(prometheus.GaugeOpts{Name: "cairn_health_overdue_seconds",
			Help: "How long the check has waited for a probe that waits longest; 0 if none waits."}),
		deferred: f.NewCounter(prometheus.CounterOpts{Name: "cairn_health_deferred_total",
			Help: "Probes that were put off because their account probes that address too often."}),
		distrusted: f.NewGauge(prometheus.GaugeOpts{Name: "cairn_health_distrusted",
			Help: "1 while nearly all checks and the control probe fail, so that no verdict becomes worse."}),
	}
	probes := f.NewCounterVec(prometheus.CounterOpts{Name: "cairn_health_probes_total", Help: "Probes by outcome."}, []string{"outcome"})
	for k := range m.probes {
		m.probes[k] = probes.WithLabelValues(health.Kind(k).Label())
	}
	checks := f.NewGaugeVec(prometheus.GaugeOpts{Name: "cairn_health_checks", Help: "Checks by the health of their instance."}, []string{"status"})
	verdicts := f.NewCounterVec(prometheus.CounterOpts{Name: "cairn_health_verdicts_total", Help: "Changes of verdict, by the new one."}, []string{"status"})
	for v := range m.checks {
		m.checks[v] = checks.WithLabelValues(health.Verdict(v).String())
		m.verdicts[v] = verdicts.WithLabelValues(health.Verdict(v).String())
	}
	return m
}

// visible counts a verdict that the registry has stored.
func (m *metrics) visible(c *check, was health.Verdict, now int64) {
	m.verdicts[c.published].Inc()
	m.visibility.Observe(time.Duration(now - c.decidedAt).Seconds())
	if was == health.Healthy && c.published == health.Unhealthy {
		m.detection.Observe(time.Duration(now - c.failedAt).Seconds())
	}
}
