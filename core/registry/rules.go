package registry

import (
	"net/netip"
)

// Rules are the settings that decide what is accepted. They never influence
// how a change is applied, so nodes with different rules keep the same State.
type Rules struct {
	// Region stands in ARNs and in error texts.
	Region string
	// Strict makes cairn behave as AWS does where it otherwise does better;
	// see docs/divergences/cloudmap.md.
	Strict bool
	// Shares are namespaces shared by a setting.
	Shares []Share
	// VPCs are the ids that a private namespace may be bound to. Nil means any.
	VPCs map[string]bool
	// DefaultTTL is the TTL, in seconds, of a DNS record that is given without
	// one. Not used in strict mode, where a TTL is required.
	DefaultTTL int64
	// EC2Instances gives the addresses of the ids that may be used as
	// AWS_EC2_INSTANCE_ID.
	EC2Instances map[string]netip.Addr
}

// Limits of AWS that no setting changes.
const (
	maxTags              = 50
	maxServiceAttributes = 30
	maxCustomAttributes  = 30
	maxAttributeTotal    = 5000 // characters of all keys and values
)

const (
	// DefaultSOATTL and StrictSOATTL are the TTL, in seconds, of the SOA record
	// of a DNS namespace created without one.
	DefaultSOATTL = 5
	StrictSOATTL  = 900

	// customHealthDelay is how long a custom health change waits in strict
	// mode, in milliseconds.
	customHealthDelay = 30_000
)

func (r *Rules) defaultSOATTL() int64 {
	if r.Strict {
		return StrictSOATTL
	}
	return DefaultSOATTL
}
