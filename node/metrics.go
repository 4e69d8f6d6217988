package node

import (
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// operation is how often something that an operator asks for has worked. The zero
// value has neither worked nor failed.
type operation struct {
	failed      atomic.Uint64
	lastSuccess atomic.Int64 // in milliseconds since 1970; 0 for never
}

// note counts an attempt that ended with err, and returns err.
func (o *operation) note(err error) error {
	if err != nil {
		o.failed.Add(1)
	} else {
		o.lastSuccess.Store(time.Now().UnixMilli())
	}
	return err
}

func (o *operation) failures() float64 { return float64(o.failed.Load()) }

// success returns the time of the last success as Prometheus writes times.
func (o *operation) success() float64 { return float64(o.lastSuccess.Load()) / 1000 }

// addMetrics registers what operators need to see of the node as a whole.
func (w *wiring) addMetrics() {
	f := promauto.With(w.metrics)
	gauge := func(name, help string, value func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	count := func(name, help string, value func() float64) {
		f.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value)
	}
	gauge("cairn_config_last_reload_success_timestamp_seconds", "Time of the last successful read of the configuration.", w.reloads.success)
	count("cairn_config_reload_failures_total", "Reloads that changed nothing because the configuration was wrong.", w.reloads.failures)
	gauge("cairn_backup_last_success_timestamp_seconds", "Time of the last complete backup since the start of the process; 0 if there was none.", w.backups.success)
	count("cairn_backup_failures_total", "Backups that ended early.", w.backups.failures)
	if w.apiCert != nil {
		gauge("cairn_tls_certificate_expiry_timestamp_seconds", "Time at which the certificate in use expires.", func() float64 {
			return float64(w.apiCert.NotAfter().Unix())
		})
	}
	w.metrics.MustRegister(&rootExpiry{w})
	if w.cfg.OpenStore == nil {
		gauge("cairn_data_dir_free_bytes", "Space that the node can still use on the disk of its data folder.", func() float64 {
			return freeBytes(w.cfg.DataDir)
		})
	}
}

// freeBytes returns the space for unprivileged processes on a folder's disk; -1 if
// it is not known.
func freeBytes(dir string) float64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return -1
	}
	return float64(s.Bavail) * float64(s.Bsize)
}

// rootExpiry shows when the roots of meshes expire.
type rootExpiry struct{ w *wiring }

var rootExpiryDesc = prometheus.NewDesc("cairn_mesh_root_expiry_timestamp_seconds",
	"Time at which the newest root certificate of the built-in authority of a mesh expires.", []string{"account", "mesh"}, nil)

// Describe implements prometheus.Collector.
func (*rootExpiry) Describe(all chan<- *prometheus.Desc) { all <- rootExpiryDesc }

// Collect implements prometheus.Collector.
func (e *rootExpiry) Collect(all chan<- prometheus.Metric) {
	for a := range e.w.rep.Current().Mesh.Authorities("") {
		if n := len(a.Roots); n > 0 {
			all <- prometheus.MustNewConstMetric(rootExpiryDesc, prometheus.GaugeValue, float64(a.Roots[n-1].Expires)/1000, string(a.Mesh.Owner), a.Mesh.Mesh)
		}
	}
}
