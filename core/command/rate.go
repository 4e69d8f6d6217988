package command

import "math"

// RateClass is a kind of operation with a request rate of its own.
type RateClass int

// The rate classes; see docs/adr/0023-throttle-classes.md.
const (
	RateDiscover RateClass = iota // DiscoverInstances
	RateRevision                  // DiscoverInstancesRevision
	RateRead                      // other operations that change nothing
	RateWrite                     // operations that change something
	RateSTS                       // the operations of STS
	NumRateClasses
)

// rateClasses is the table of rate classes: the key in the configuration, and
// the rate in strict mode. AWS publishes rates for two of them, per account and
// region; see "AWS Cloud Map quotas" in the developer guide.
var rateClasses = [NumRateClasses]struct {
	name   string
	strict Rate
}{
	RateDiscover: {"discover", Rate{1000, 2000}},
	RateRevision: {"revision", Rate{3000, 3000}},
	RateRead:     {name: "read"},
	RateWrite:    {name: "write"},
	RateSTS:      {name: "sts"},
}

// String returns the name of the class in the configuration.
func (c RateClass) String() string { return rateClasses[c].name }

// Strict returns the rate of the class in strict mode.
func (c RateClass) Strict() Rate { return rateClasses[c].strict }

// ParseRateClass returns the class of that name.
func ParseRateClass(name string) (RateClass, bool) {
	for c := range NumRateClasses {
		if rateClasses[c].name == name {
			return c, true
		}
	}
	return 0, false
}

// RateClassNames returns the names of all classes.
func RateClassNames() []string {
	var names []string
	for _, c := range rateClasses {
		names = append(names, c.name)
	}
	return names
}

// Rate is a token bucket: it holds Burst requests and is refilled at PerSecond.
// The zero Rate is no limit. Burst 0 means the requests of one second, at least
// one.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limited reports whether there is a limit.
func (r Rate) Limited() bool { return r.PerSecond > 0 }

// Valid reports whether the rate can be used.
func (r Rate) Valid() bool {
	return r.PerSecond >= 0 && r.PerSecond <= 1e9 && !math.IsNaN(r.PerSecond) && r.Burst >= 0
}
