package connlimit

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// line is what there is to log about a limit; without a limit, nothing.
type line struct {
	limit             Limit
	most              int
	refused, replaced uint64
}

// count counts a connection for which a limit was reached. The caller holds l.mu.
func (l *Limiter) count(limit Limit, refused bool) line {
	if limit == None {
		return line{}
	}
	r := l.reached[limit]
	if refused {
		r.refused++
	} else {
		r.replaced++
	}
	now := time.Now()
	if !r.logged.IsZero() && now.Sub(r.logged) < logInterval {
		return line{}
	}
	r.logged = now
	most := map[Limit]int{PerClient: l.limits.PerClient, Unauthenticated: l.limits.Unauthenticated, Total: l.limits.Total}
	return line{limit, most[limit], r.refused, r.replaced}
}

func (m line) log(logger *slog.Logger, client netip.Addr) {
	if m.limit != None {
		logger.Warn("limit of connections reached", "limit", string(m.limit), "most", m.most, "client", client.String(),
			"refused_total", m.refused, "replaced_total", m.replaced)
	}
}

// Collector returns the metrics of a Limiter; prefix begins their names.
func (l *Limiter) Collector(prefix string) prometheus.Collector {
	return &collector{
		limiter: l,
		open: prometheus.NewDesc(prefix+"_connections",
			"Open connections, by whether a request on them was authenticated.", []string{"authenticated"}, nil),
		refused: prometheus.NewDesc(prefix+"_connections_refused_total",
			"Connections refused because a limit was reached and no connection could be replaced, by limit: all, client, unauthenticated.",
			[]string{"limit"}, nil),
		replaced: prometheus.NewDesc(prefix+"_connections_replaced_total",
			"Idle connections closed for a new one because a limit was reached, by limit: all, client, unauthenticated.",
			[]string{"limit"}, nil),
	}
}

type collector struct {
	limiter                 *Limiter
	open, refused, replaced *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.open
	ch <- c.refused
	ch <- c.replaced
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	l := c.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	gauge := func(n int, authenticated string) {
		ch <- prometheus.MustNewConstMetric(c.open, prometheus.GaugeValue, float64(n), authenticated)
	}
	gauge(l.open-l.unauthenticated, "true")
	gauge(l.unauthenticated, "false")
	for limit, r := range l.reached {
		ch <- prometheus.MustNewConstMetric(c.refused, prometheus.CounterValue, float64(r.refused), string(limit))
		ch <- prometheus.MustNewConstMetric(c.replaced, prometheus.CounterValue, float64(r.replaced), string(limit))
	}
}
