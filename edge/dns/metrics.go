package dns

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// latencyBounds are the upper bounds of the buckets of the latency histogram.
var latencyBounds = [...]time.Duration{
	5 * time.Microsecond, 10 * time.Microsecond, 20 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond, time.Millisecond,
	5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, time.Second,
}

// maxZoneSeries bounds the series by zone: the busiest have their own, the rest
// are summed up.
const maxZoneSeries = 500

// Sizes of the counters.
const (
	views   = len(answer.Counts{}.Queries)
	types   = len(answer.Counts{}.Queries[0])
	rcodes  = len(answer.Counts{}.Rcodes)
	reasons = len(answer.Counts{}.Drops)
)

// metrics collects the counts of all shards. The cost is the collector's, not the
// query's.
type metrics struct {
	server *Server

	mu     sync.Mutex // guards what follows; held for moments
	shards []*shard
	zones  map[zone.ID]*zoneTotal
	others uint64 // of zones that are gone

	queries, responses, octets, drops, byZone, seconds *prometheus.Desc
	connections                                        *prometheus.GaugeVec
	refused, replaced                                  *prometheus.CounterVec
}

func newMetrics(s *Server, r prometheus.Registerer) *metrics {
	m := &metrics{
		server: s,
		zones:  map[zone.ID]*zoneTotal{},
		queries: prometheus.NewDesc("cairn_dns_queries_total",
			"DNS queries that were answered, by transport, by what the client may see, and by type.", []string{"transport", "view", "type"}, nil),
		responses: prometheus.NewDesc("cairn_dns_responses_total",
			"DNS answers, by transport and response code.", []string{"transport", "rcode"}, nil),
		octets: prometheus.NewDesc("cairn_dns_response_octets_total",
			"Octets of DNS answers.", []string{"transport"}, nil),
		drops: prometheus.NewDesc("cairn_dns_dropped_total",
			"DNS queries without an answer, by reason.", []string{"transport", "reason"}, nil),
		byZone: prometheus.NewDesc("cairn_dns_zone_queries_total",
			"DNS queries by zone; those of the least busy zones and of deleted ones are counted as other.", []string{"zone", "namespace_id", "account"}, nil),
		seconds: prometheus.NewDesc("cairn_dns_response_seconds",
			"Time from when a query was read to when its answer was handed to the system; over UDP, that of the batch it came in.", []string{"transport"}, nil),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "cairn_dns_connections",
			Help: "Open connections, by transport."}, []string{"transport"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cairn_dns_connections_refused_total",
			Help: "Connections refused because a limit was reached and every connection had a query in progress, by limit: all, client."},
			[]string{"transport", "limit"}),
		replaced: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cairn_dns_connections_replaced_total",
			Help: "Idle connections closed for a new one because a limit was reached, by limit: all, client."}, []string{"transport", "limit"}),
	}
	if r != nil {
		r.MustRegister(m, m.connections, m.refused, m.replaced)
	}
	return m
}

func (m *metrics) newShard(t answer.Transport) *shard {
	s := &shard{metrics: m, transport: t}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shards = append(m.shards, s)
	return s
}

// addZones adds the counts by zone and resets them.
func (m *metrics) addZones(c *answer.Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.DrainZones(func(z *zone.Zone, n uint64) {
		total := m.zones[z.ID]
		if total == nil {
			total = &zoneTotal{name: z.Name, account: z.Account}
			m.zones[z.ID] = total
		}
		total.n += n
	})
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.queries, m.responses, m.octets, m.drops, m.byZone, m.seconds} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for t := range answer.Transports {
		var sum sums
		for _, s := range m.shards {
			if s.transport == t {
				sum.add(s)
			}
		}
		if sum.used {
			m.collectTransport(ch, t, &sum)
		}
	}
	m.collectZones(ch)
}

// sums adds up shards.
type sums struct {
	used    bool
	queries [views][types]uint64
	rcodes  [rcodes]uint64
	drops   [reasons]uint64
	octets  uint64
	seconds [len(latencyBounds) + 1]uint64
	nanos   uint64
}

func (t *sums) add(s *shard) {
	t.used = true
	for v := range s.queries {
		for q := range s.queries[v] {
			t.queries[v][q] += s.queries[v][q].Load()
		}
	}
	for i := range s.rcodes {
		t.rcodes[i] += s.rcodes[i].Load()
	}
	for i := range s.drops {
		t.drops[i] += s.drops[i].Load()
	}
	for i := range s.seconds {
		t.seconds[i] += s.seconds[i].Load()
	}
	t.octets += s.octets.Load()
	t.nanos += s.nanos.Load()
}

func (m *metrics) collectTransport(ch chan<- prometheus.Metric, t answer.Transport, s *sums) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		if n > 0 {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), append([]string{t.String()}, labels...)...)
		}
	}
	views, types, reasons := answer.Views(), answer.Types(), answer.Reasons()
	for v := range s.queries {
		for q, n := range s.queries[v] {
			counter(m.queries, n, views[v], types[q])
		}
	}
	for code, n := range s.rcodes {
		counter(m.responses, n, rcodeName(code))
	}
	for why, n := range s.drops {
		counter(m.drops, n, reasons[why])
	}
	counter(m.octets, s.octets)
	m.collectSeconds(ch, t, s)
}

func (m *metrics) collectSeconds(ch chan<- prometheus.Metric, t answer.Transport, s *sums) {
	buckets, sum := map[float64]uint64{}, uint64(0)
	for i, bound := range latencyBounds {
		sum += s.seconds[i]
		buckets[bound.Seconds()] = sum
	}
	sum += s.seconds[len(latencyBounds)]
	if sum > 0 {
		ch <- prometheus.MustNewConstHistogram(m.seconds, sum, float64(s.nanos)/1e9, buckets, t.String())
	}
}

// collectZones forgets zones that are gone, so that what is remembered is
// bounded by the zones that are there.
func (m *metrics) collectZones(ch chan<- prometheus.Metric) {
	zones := &m.server.cfg.Source.Current().Zones
	var ids []zone.ID
	for id, total := range m.zones {
		if _, ok := zones.Zone(id); ok {
			ids = append(ids, id)
			continue
		}
		m.others += total.n
		delete(m.zones, id)
	}
	slices.SortFunc(ids, func(a, b zone.ID) int {
		return cmp.Or(cmp.Compare(m.zones[b].n, m.zones[a].n), cmp.Compare(a, b))
	})
	others := m.others
	for i, id := range ids {
		total := m.zones[id]
		if i >= maxZoneSeries {
			others += total.n
			continue
		}
		ch <- prometheus.MustNewConstMetric(m.byZone, prometheus.CounterValue, float64(total.n), total.name, string(id), string(total.account))
	}
	if others > 0 {
		ch <- prometheus.MustNewConstMetric(m.byZone, prometheus.CounterValue, float64(others), "other", "", "")
	}
}

func rcodeName(code int) string {
	names := map[int]string{
		dnswire.RcodeNoError: "NOERROR", dnswire.RcodeFormErr: "FORMERR", dnswire.RcodeServFail: "SERVFAIL", dnswire.RcodeNXDomain: "NXDOMAIN",
		dnswire.RcodeNotImp: "NOTIMP", dnswire.RcodeRefused: "REFUSED", dnswire.RcodeNotAuth: "NOTAUTH", dnswire.RcodeBadVers: "BADVERS", dnswire.RcodeBadCookie: "BADCOOKIE",
	}
	if name, ok := names[code]; ok {
		return name
	}
	return "RCODE" + strconv.Itoa(code)
}
