package explain

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/zone"
)

// routings names the routing policies of record sets.
var routings = [...]string{
	zone.Simple: "simple", zone.MultivalueSets: "multivalue answer", zone.WeightedSets: "weighted",
	zone.LatencySets: "latency", zone.Failover: "failover", zone.Geolocation: "geolocation",
}

// groups explains a name of a hosted zone. It returns false for a name without record
// sets of Route 53.
func (e *explanation) groups(r zone.Result) bool {
	set := r.Node.Set()
	if set == nil || len(set.RRsets()) == 0 || set.RRsets()[0].Group() == nil {
		return false
	}
	e.Outcome = "NOERROR"
	if r.Wildcard {
		e.find("the name itself does not exist: the wildcard %s has its records (RFC 4592)", rdata.Decimal.Name(r.Node.Name()))
	}
	for i := range set.RRsets() {
		g := set.RRsets()[i].Group()
		e.find("type %s has the routing policy %s, with %d record sets", rdata.TypeName(g.Type), routings[g.Routing], len(g.Sets))
		for _, s := range g.Sets {
			e.find("  %s: %s", setName(s), e.recordSet(s, g))
		}
	}
	return true
}

func setName(s *zone.RecordSet) string {
	if s.ID == "" {
		return "the record set"
	}
	return "record set " + s.ID
}

// recordSet says what a record set answers with, and whether it is healthy.
func (e *explanation) recordSet(s *zone.RecordSet, g *zone.Group) string {
	var what string
	if s.Alias != nil {
		what = "an alias to " + rdata.Decimal.Name(s.Alias.Name)
	} else {
		var values []string
		for _, data := range s.Data {
			values = append(values, rdata.Decimal.Text(g.Type, data))
		}
		what = strings.Join(values, ", ")
	}
	switch {
	case s.Check != "" && e.zones.Down(s.Check):
		return what + "; unhealthy: health check " + s.Check + " failed"
	case !e.zones.Healthy(s, g.Type):
		return what + "; unhealthy: no record set of its target is healthy"
	case s.Check != "":
		return what + "; healthy by health check " + s.Check
	}
	return what + "; healthy"
}

// referral explains a name that a hosted zone delegates.
func (e *explanation) referral(r zone.Result) {
	e.Outcome = "REFERRAL"
	var servers []string
	for _, s := range r.Node.Set().RRset(dnswire.TypeNS).Group().Sets {
		for _, data := range s.Data {
			servers = append(servers, rdata.Decimal.Name(data))
		}
	}
	e.find("the zone delegates %s to %s: these servers answer", rdata.Decimal.Name(r.Node.Name()), strings.Join(servers, ", "))
}
