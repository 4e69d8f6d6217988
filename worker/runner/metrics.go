package runner

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of a runner.
type metrics struct {
	seconds  *prometheus.HistogramVec
	errors   prometheus.Counter
	failures prometheus.Counter
}

func newMetrics(r *Runner, to prometheus.Registerer) *metrics {
	m := &metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cairn_runner_step_seconds", Help: "Time that the driver took for a step of a task.",
			Buckets: []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120},
		}, []string{"step"}),
		errors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cairn_runner_errors_total", Help: "Steps and reports of tasks that failed and are tried again.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cairn_runner_task_failures_total", Help: "Tasks of this node that could not be started.",
		}),
	}
	if to == nil {
		return m
	}
	to.MustRegister(m.seconds, m.errors, m.failures, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cairn_runner_tasks", Help: "Tasks that exist on this node.",
	}, func() float64 {
		r.mu.Lock()
		defer r.mu.Unlock()
		return float64(len(r.workers))
	}))
	return m
}

func (m *metrics) observe(a action, begin time.Time) {
	m.seconds.WithLabelValues(a.String()).Observe(time.Since(begin).Seconds())
}
