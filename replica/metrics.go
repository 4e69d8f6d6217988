package replica

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/cairn-discovery/cairn/store"
)

type metrics struct {
	refused    prometheus.Counter
	commits    *prometheus.CounterVec
	commitTime prometheus.Histogram
	batchSizes prometheus.Histogram
	snapshots  prometheus.Histogram
}

func newMetrics(r *Replica) *metrics {
	f := promauto.With(r.cfg.Registerer)
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "cairn_queue_length", Help: "Commands that wait to be decided."},
		func() float64 { return float64(len(r.queue)) })
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "cairn_revision", Help: "Revision of the state that is being served."},
		func() float64 { return float64(r.Current().Revision) })
	if r.cfg.Registerer != nil {
		r.cfg.Registerer.MustRegister(objects{r}, quotas{r})
	}
	return &metrics{
		refused: f.NewCounter(prometheus.CounterOpts{Name: "cairn_queue_refused_total", Help: "Commands refused because the queue was full."}),
		commits: f.NewCounterVec(prometheus.CounterOpts{Name: "cairn_commits_total", Help: "Commits to the store, by outcome."}, []string{"outcome"}),
		commitTime: f.NewHistogram(prometheus.HistogramOpts{Name: "cairn_commit_seconds", Help: "Time of a commit to the store.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16)}),
		batchSizes: f.NewHistogram(prometheus.HistogramOpts{Name: "cairn_batch_commands", Help: "Commands decided in one batch.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11)}),
		snapshots: f.NewHistogram(prometheus.HistogramOpts{Name: "cairn_snapshot_seconds", Help: "Time to write a snapshot and cut the log.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14)}),
	}
}

func (m *metrics) commit(took time.Duration, err error) {
	m.commitTime.Observe(took.Seconds())
	m.commits.WithLabelValues(commitOutcome(err)).Inc()
}

func commitOutcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrConflict):
		return "conflict"
	case errors.Is(err, store.ErrUncertain):
		return "uncertain"
	case errors.Is(err, store.ErrFull):
		return "full"
	}
	return "error"
}

// objects collects the numbers of objects in the state.
type objects struct{ replica *Replica }

var objectsDesc = prometheus.NewDesc("cairn_objects", "Objects in the state, by kind.", []string{"kind"}, nil)

func (o objects) Describe(ch chan<- *prometheus.Desc) { ch <- objectsDesc }

func (o objects) Collect(ch chan<- prometheus.Metric) {
	c := o.replica.Current().Registry.Counts()
	for kind, n := range map[string]int{
		"namespace": c.Namespaces, "service": c.Services, "instance": c.Instances, "operation": c.Operations,
	} {
		ch <- prometheus.MustNewConstMetric(objectsDesc, prometheus.GaugeValue, float64(n), kind)
	}
}

// quotas collects the use of quotas by account. It leaves out accounts beyond
// maxQuotaAccounts, to limit the number of metrics.
type quotas struct{ replica *Replica }

const maxQuotaAccounts = 100

var (
	quotaLabels    = []string{"account", "quota"}
	quotaUsedDesc  = prometheus.NewDesc("cairn_quota_used", "What an account uses of a quota; of those for each namespace or service, the fullest. The 100 accounts closest to a limit.", quotaLabels, nil)
	quotaLimitDesc = prometheus.NewDesc("cairn_quota_limit", "The quota of an account; 0 is none.", quotaLabels, nil)
)

func (q quotas) Describe(ch chan<- *prometheus.Desc) { ch <- quotaUsedDesc; ch <- quotaLimitDesc }

func (q quotas) Collect(ch chan<- prometheus.Metric) {
	s := q.replica.Current()
	for _, u := range s.QuotaUses(q.replica.cfg.Rules(), maxQuotaAccounts) {
		ch <- prometheus.MustNewConstMetric(quotaUsedDesc, prometheus.GaugeValue, float64(u.Used), string(u.Account), u.Quota)
		ch <- prometheus.MustNewConstMetric(quotaLimitDesc, prometheus.GaugeValue, float64(u.Limit), string(u.Account), u.Quota)
	}
}
