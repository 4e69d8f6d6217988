package dns

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Who a client is, for metrics.
const (
	viewPublic = iota
	viewVPC
	viewTrusted
	viewCount
)

// Why a query gets no answer.
const (
	dropShort    = iota // no header
	dropResponse        // not a query but a response
	dropLimited         // response rate limiting
	dropBusy            // too many wait for upstream resolvers
	dropSend            // the system did not take the answer
	dropCount
)

// Types are counted by name where they are common.
const (
	countA = iota
	countAAAA
	countSRV
	countCNAME
	countSOA
	countNS
	countTXT
	countPTR
	countHTTPS
	countANY
	countNone // no question, or none that could be read
	countOther
	countTypes
)

func countOf(qtype uint16) int {
	switch qtype {
	case typeA:
		return countA
	case typeAAAA:
		return countAAAA
	case typeSRV:
		return countSRV
	case typeCNAME:
		return countCNAME
	case typeSOA:
		return countSOA
	case typeNS:
		return countNS
	case typeTXT:
		return countTXT
	case 12:
		return countPTR
	case 65:
		return countHTTPS
	case typeANY:
		return countANY
	}
	return countOther
}

// counts are kept by one answerer without any synchronization, and handed over
// to its shard by flush, for many queries at once.
type counts struct {
	queries [viewCount][countTypes]uint32
	rcodes  [rcodes]uint32
	drops   [dropCount]uint32
	octets  uint64
	// zones is indexed by zone.Zone.Index; touched lists what is not zero.
	zones   []zoneCount
	touched []uint32
	toLog   int // queries until the next one that is logged
}

type zoneCount struct {
	zone *zone.Zone
	n    uint64
}

// shard takes the counts of one socket, or of all queries that come one by one
// over a transport. Others read it at any time.
type shard struct {
	transport Transport
	queries   [viewCount][countTypes]atomic.Uint64
	rcodes    [rcodes]atomic.Uint64
	drops     [dropCount]atomic.Uint64
	octets    atomic.Uint64
	seconds   [len(latencyBounds) + 1]atomic.Uint64
	nanos     atomic.Uint64
}

func (a *answerer) dropped(why int) verdict {
	a.counts.drops[why]++
	return drop
}

// answered counts an answer.
func (a *answerer) answered(octets int) {
	c, view := a.counts, viewPublic
	switch {
	case a.client.Trusted:
		view = viewTrusted
	case a.client.Recursion:
		view = viewVPC
	}
	qtype := countNone
	if a.req.end != 0 {
		qtype = countOf(a.req.qtype)
	}
	c.queries[view][qtype]++
	c.rcodes[a.rcode%rcodes]++
	c.octets += uint64(octets)
	if a.zone != nil {
		c.zone(a.zone)
	}
	if n := a.server.cfg.LogSample; n > 0 {
		if c.toLog--; c.toLog < 0 {
			c.toLog = n - 1
			a.log(octets)
		}
	}
}

func (c *counts) zone(z *zone.Zone) {
	for int(z.Index) >= len(c.zones) {
		c.zones = append(c.zones, zoneCount{})
	}
	e := &c.zones[z.Index]
	if e.n == 0 {
		e.zone = z
		c.touched = append(c.touched, z.Index)
	}
	e.n++
}

// log writes one line about the query in work.
func (a *answerer) log(octets int) {
	zoneName := ""
	if a.zone != nil {
		zoneName = a.zone.Name
	}
	name := ""
	if a.req.end != 0 {
		name = dnswire.Text(a.req.name)
	}
	a.server.cfg.Logger.LogAttrs(context.Background(), slog.LevelInfo, "query",
		slog.String("client", a.from.String()), slog.String("transport", a.transport.String()),
		slog.String("name", name), slog.Int("type", int(a.req.qtype)), slog.Int("rcode", int(a.rcode)),
		slog.String("zone", zoneName), slog.Int("answers", int(a.answers)), slog.Int("octets", octets))
}

// flush hands the counts over to the shard and starts them anew.
func (a *answerer) flush() {
	c, s := a.counts, a.shard
	for v := range c.queries {
		for t := range c.queries[v] {
			move(&c.queries[v][t], &s.queries[v][t])
		}
	}
	for i := range c.rcodes {
		move(&c.rcodes[i], &s.rcodes[i])
	}
	for i := range c.drops {
		move(&c.drops[i], &s.drops[i])
	}
	if c.octets != 0 {
		s.octets.Add(c.octets)
		c.octets = 0
	}
	if len(c.touched) > 0 {
		a.server.metrics.addZones(c)
	}
}

func move(from *uint32, to *atomic.Uint64) {
	if *from != 0 {
		to.Add(uint64(*from))
		*from = 0
	}
}

// took records how long n queries took from their arrival to their answer.
func (s *shard) took(d time.Duration, n int) {
	i := 0
	for i < len(latencyBounds) && d > latencyBounds[i] {
		i++
	}
	s.seconds[i].Add(uint64(n))
	s.nanos.Add(uint64(d) * uint64(n))
}

// zoneTotal is what is known of a zone's queries.
type zoneTotal struct {
	name    string
	account command.AccountID
	n       uint64
}
