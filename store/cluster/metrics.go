package cluster

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Metrics returns the metrics of the server, which are the same for all servers of a
// process: etcd_* and grpc_server_*.
func (s *Store) Metrics() prometheus.Gatherer { return serverMetrics{} }

type serverMetrics struct{}

// Gather implements prometheus.Gatherer. The server registers its metrics in the default
// registry, which has others too.
func (serverMetrics) Gather() ([]*dto.MetricFamily, error) {
	all, err := prometheus.DefaultGatherer.Gather()
	return slices.DeleteFunc(all, func(f *dto.MetricFamily) bool {
		return !strings.HasPrefix(f.GetName(), "etcd_") && !strings.HasPrefix(f.GetName(), "grpc_server_")
	}), err
}
