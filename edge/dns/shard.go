package dns

import (
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// shard has the counts of one socket, or of all queries that arrive one by one
// over a transport. It may be read at any time.
type shard struct {
	metrics   *metrics
	transport answer.Transport
	queries   [views][types]atomic.Uint64
	rcodes    [rcodes]atomic.Uint64
	drops     [reasons]atomic.Uint64
	octets    atomic.Uint64
	seconds   [len(latencyBounds) + 1]atomic.Uint64
	nanos     atomic.Uint64
}

// add adds counts and resets them.
func (s *shard) add(c *answer.Counts) {
	for v := range c.Queries {
		for t := range c.Queries[v] {
			flushCounter(&c.Queries[v][t], &s.queries[v][t])
		}
	}
	for i := range c.Rcodes {
		flushCounter(&c.Rcodes[i], &s.rcodes[i])
	}
	for i := range c.Drops {
		flushCounter(&c.Drops[i], &s.drops[i])
	}
	if c.Octets != 0 {
		s.octets.Add(c.Octets)
		c.Octets = 0
	}
	if c.HasZones() {
		s.metrics.addZones(c)
	}
}

func flushCounter(from *uint32, to *atomic.Uint64) {
	if *from != 0 {
		to.Add(uint64(*from))
		*from = 0
	}
}

// observe records how long n queries took from their arrival to their answer.
func (s *shard) observe(d time.Duration, n int) {
	i := 0
	for i < len(latencyBounds) && d > latencyBounds[i] {
		i++
	}
	s.seconds[i].Add(uint64(n))
	s.nanos.Add(uint64(d) * uint64(n))
}

// zoneTotal has the number of queries for a zone.
type zoneTotal struct {
	name    string
	account command.AccountID
	n       uint64
}
