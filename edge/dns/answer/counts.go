package answer

import (
	"context"
	"log/slog"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// What a client may see, for metrics.
const (
	viewPublic = iota
	viewVPC
	viewTrusted
	viewCount
)

// Reasons for which a query gets no answer.
const (
	dropShort    = iota // no header
	dropResponse        // a response, not a query
	dropLimited         // response rate limiting
	dropBusy            // too many queries wait for upstream resolvers
	dropSend            // the system did not accept the answer
	dropCount
)

// Common types are counted by name.
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
	countNone // no question, or one that could not be read
	countOther
	countTypes
)

// rcodes is the number of response codes that are counted.
const rcodes = dnswire.RcodeBadCookie + 1

// countOf returns the counter of a type.
func countOf(qtype uint16) int {
	switch qtype {
	case dnswire.TypeA:
		return countA
	case dnswire.TypeAAAA:
		return countAAAA
	case dnswire.TypeSRV:
		return countSRV
	case dnswire.TypeCNAME:
		return countCNAME
	case dnswire.TypeSOA:
		return countSOA
	case dnswire.TypeNS:
		return countNS
	case dnswire.TypeTXT:
		return countTXT
	case dnswire.TypePTR:
		return countPTR
	case typeHTTPS:
		return countHTTPS
	case dnswire.TypeANY:
		return countANY
	}
	return countOther
}

const typeHTTPS = 65 // RFC 9460

// Views returns the names of the first index of Counts.Queries.
func Views() [viewCount]string { return [...]string{"public", "vpc", "trusted"} }

// Types returns the names of the second index of Counts.Queries.
func Types() [countTypes]string {
	return [...]string{"A", "AAAA", "SRV", "CNAME", "SOA", "NS", "TXT", "PTR", "HTTPS", "ANY", "none", "other"}
}

// Reasons returns the names of the index of Counts.Drops.
func Reasons() [dropCount]string {
	return [...]string{"short", "response", "rate_limit", "busy", "send"}
}

// Counts counts queries and answers, without synchronization. The owner of the Answerer
// reads and resets them.
type Counts struct {
	Queries [viewCount][countTypes]uint32
	Rcodes  [rcodes]uint32
	Drops   [dropCount]uint32
	Octets  uint64
	// zones is indexed by zone.Zone.Index; used lists those that are not zero.
	zones []zoneCount
	used  []uint32
	toLog int // queries until the next one that is logged
}

type zoneCount struct {
	zone *zone.Zone
	n    uint64
}

// DrainZones calls add with the number of queries for each zone since the last
// call.
func (c *Counts) DrainZones(add func(z *zone.Zone, n uint64)) {
	for _, i := range c.used {
		add(c.zones[i].zone, c.zones[i].n)
		c.zones[i] = zoneCount{}
	}
	c.used = c.used[:0]
}

// HasZones reports whether DrainZones will call add.
func (c *Counts) HasZones() bool { return len(c.used) > 0 }

// NotSent counts answers that the system did not accept.
func (c *Counts) NotSent(n int) { c.Drops[dropSend] += uint32(n) }

// Busy counts a query that got no answer because too many wait.
func (c *Counts) Busy() { c.Drops[dropBusy]++ }

func (a *Answerer) dropped(why int) Disposition {
	a.Counts.Drops[why]++
	return Drop
}

// answered counts an answer.
func (a *Answerer) answered(octets int) {
	c, view := &a.Counts, viewPublic
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
	c.Queries[view][qtype]++
	c.Rcodes[a.rcode%rcodes]++
	c.Octets += uint64(octets)
	if a.zone != nil && !a.zone.Fixed {
		c.addZone(a.zone)
	}
	if n := a.cfg.LogSample; n > 0 {
		if c.toLog--; c.toLog < 0 {
			c.toLog = n - 1
			a.log(octets)
		}
	}
}

func (c *Counts) addZone(z *zone.Zone) {
	for int(z.Index) >= len(c.zones) {
		c.zones = append(c.zones, zoneCount{})
	}
	e := &c.zones[z.Index]
	if e.n == 0 {
		e.zone = z
		c.used = append(c.used, z.Index)
	}
	e.n++
}

// log writes one line about the query.
func (a *Answerer) log(octets int) {
	zoneName := ""
	if a.zone != nil {
		zoneName = a.zone.Name
	}
	name := ""
	if a.req.end != 0 {
		name = dnswire.Text(a.req.name)
	}
	a.cfg.Logger.LogAttrs(context.Background(), slog.LevelInfo, "query",
		slog.String("client", a.from.String()), slog.String("transport", a.transport.String()),
		slog.String("name", name), slog.Int("type", int(a.req.qtype)), slog.Int("rcode", int(a.rcode)),
		slog.String("zone", zoneName), slog.Int("answers", int(a.counts[answerSection])), slog.Int("octets", octets))
}
