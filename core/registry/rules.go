package registry

import (
	"net/netip"

	"github.com/cairn-discovery/cairn/core/domain"
)

// Rules are the settings that decide what the registry accepts. They never influence
// how a change is applied, so nodes with different rules keep the same State.
type Rules struct {
	// Region is part of ARNs and of error messages.
	Region string
	// Strict selects the behaviour of AWS where the default differs; see
	// docs/divergences/cloudmap.md.
	Strict bool
	// Shares are the shares of the configuration.
	Shares []Share
	// Names decides which account may own which DNS name.
	Names domain.Rules
	// DefaultTTL is the TTL in seconds of a DNS record that is given without one.
	// Strict mode requires a TTL.
	DefaultTTL int64
	// EC2Instances maps the ids that AWS_EC2_INSTANCE_ID may have to addresses.
	EC2Instances map[string]netip.Addr
}

// Limits of AWS that cannot be configured.
const (
	maxTags              = 50
	maxServiceAttributes = 30
	maxCustomAttributes  = 30
	maxAttributeTotal    = 5000 // characters of all keys and values
)

const (
	// defaultSOATTL and strictSOATTL are the TTL, in seconds, of the SOA record
	// of a DNS namespace created without one.
	defaultSOATTL = 5
	strictSOATTL  = 900

	// customHealthDelay is the delay of a custom health change in strict mode, in
	// milliseconds.
	customHealthDelay = 30_000
)

func (r *Rules) defaultSOATTL() int64 {
	if r.Strict {
		return strictSOATTL
	}
	return defaultSOATTL
}
