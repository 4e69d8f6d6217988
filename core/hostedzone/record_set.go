package hostedzone

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/rdata"
)

// RecordSet is a record set as its owner wrote it. It is immutable.
type RecordSet struct {
	Name  string // in wire form and lower case
	Type  uint16
	SetID string
	TTL   int64 // in seconds; of an alias it is 0

	Values []string // as written
	data   []string // Values in wire form
	Alias  *Alias

	Routing
	Check string // id of a health check, or empty
}

// Alias is the target of an alias record set.
type Alias struct {
	Zone     ID
	Name     string // in wire form and lower case
	Evaluate bool
}

// Routing has the field of the routing policy of a record set: at most one is set.
type Routing struct {
	Weight     *int64
	Region     string
	Failover   string // Primary or Secondary
	MultiValue *bool
	Geo        *Geo
}

// Values of Routing.Failover.
const (
	Primary   = "PRIMARY"
	Secondary = "SECONDARY"
)

// Geo is the location of a record set.
type Geo struct{ Continent, Country, Subdivision string }

// policy names the routing policy, as AWS's messages do. Empty: simple.
func (r *Routing) policy() string {
	switch {
	case r.Weight != nil:
		return "weighted"
	case r.Region != "":
		return "latency"
	case r.Failover != "":
		return "failover"
	case r.MultiValue != nil:
		return "multivalue answer"
	case r.Geo != nil:
		return "geolocation"
	}
	return ""
}

func (r *Routing) count() int {
	n := 0
	for _, set := range []bool{r.Weight != nil, r.Region != "", r.Failover != "", r.MultiValue != nil, r.Geo != nil} {
		if set {
			n++
		}
	}
	return n
}

// startKey is the key from which a list begins. Empty parts are not compared.
func startKey(name, rtype, id string) string {
	if name == "" {
		return ""
	}
	from := Reversed(name) + "\x00"
	if rtype != "" {
		from += rtype + "\x00"
	}
	return from + id
}

// Data returns the values in wire form. Read only.
func (s *RecordSet) Data() []string { return s.data }

// TypeName returns the name of the type.
func (s *RecordSet) TypeName() string { return rdata.TypeName(s.Type) }

// Text returns the name as in answers of the API.
func (s *RecordSet) Text() string { return rdata.Octal.Name(s.Name) }

// groupKey is what the keys of all sets of a name and type begin with.
func groupKey(name string, rtype uint16) string {
	return Reversed(name) + "\x00" + rdata.TypeName(rtype) + "\x00"
}

// setKey orders the record sets of a zone as lists do.
func (s *RecordSet) setKey() string { return groupKey(s.Name, s.Type) + s.SetID }

// parse fills in the wire form of the values.
func (s *RecordSet) parse() error {
	s.data = make([]string, len(s.Values))
	for i, v := range s.Values {
		data, err := rdata.Octal.Parse(s.Type, v)
		if err != nil {
			return err
		}
		s.data[i] = data
	}
	return nil
}

// check checks what parse has read, for a new record set.
func (s *RecordSet) check() error {
	for _, data := range s.data {
		if err := rdata.Check(s.Type, data); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether two record sets are equal: what a DELETE must give. Values are in
// any order, and names in any case.
func (s *RecordSet) same(other *RecordSet) bool {
	return s.TTL == other.TTL && s.Check == other.Check && s.Routing.same(&other.Routing) && s.sameAlias(other) &&
		slices.Equal(canonical(s.Type, s.data), canonical(s.Type, other.data))
}

func canonical(t uint16, data []string) []string {
	all := make([]string, len(data))
	for i, d := range data {
		all[i] = rdata.Canonical(t, d)
	}
	slices.Sort(all)
	return all
}

func (s *RecordSet) sameAlias(other *RecordSet) bool {
	if s.Alias == nil || other.Alias == nil {
		return s.Alias == other.Alias
	}
	return *s.Alias == *other.Alias
}

func (r *Routing) same(other *Routing) bool {
	return equal(r.Weight, other.Weight) && r.Region == other.Region && r.Failover == other.Failover &&
		equal(r.MultiValue, other.MultiValue) && equal(r.Geo, other.Geo)
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// in reports whether a name is in a zone. Both are in wire form and lower case.
func in(name, apex string) bool {
	for ; len(name) > len(apex); name = name[1+name[0]:] {
	}
	return name == apex
}

// isWildcard reports whether the first label is an asterisk.
func isWildcard(name string) bool { return strings.HasPrefix(name, "\x01*") }
