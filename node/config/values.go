package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Duration is a time.Duration written with its unit, as in 30s.
type Duration struct{ time.Duration }

func seconds(n int) Duration { return Duration{time.Duration(n) * time.Second} }

// UnmarshalYAML reads a duration. A number without a unit is refused, because
// its meaning is not clear.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		return badScalar(n, "must be a duration with its unit, such as 500ms, 30s or 24h")
	}
	d.Duration = parsed
	return nil
}

// Prefix is a range of addresses in CIDR form.
type Prefix struct{ netip.Prefix }

func mustPrefix(text string) Prefix { return Prefix{netip.MustParsePrefix(text)} }

// UnmarshalYAML reads a CIDR. Host bits must be zero: a range with host bits is
// more often a mistake than intended.
func (p *Prefix) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := netip.ParsePrefix(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		return badScalar(n, "must be a CIDR, such as 10.0.0.0/16 or fd00::/8")
	}
	if masked := parsed.Masked(); masked != parsed {
		return badScalar(n, fmt.Sprintf("has bits set outside its mask; write %v", masked))
	}
	p.Prefix = parsed
	return nil
}

// Prefixes returns the values of a list; nil for nil.
func Prefixes(in []Prefix) []netip.Prefix {
	if in == nil {
		return nil
	}
	out := make([]netip.Prefix, 0, len(in))
	for _, p := range in {
		out = append(out, p.Prefix)
	}
	return slices.Clip(out)
}

// Addr is an IP address.
type Addr struct{ netip.Addr }

// UnmarshalYAML reads an IP address.
func (a *Addr) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := netip.ParseAddr(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		return badScalar(n, "must be an IP address")
	}
	a.Addr = parsed
	return nil
}

// badScalar returns an error in the form of yaml's own type errors, so that the
// decoder goes on and reports all of them. The reader of the file adds the key.
func badScalar(n *yaml.Node, rule string) error {
	return &yaml.TypeError{Errors: []string{
		fmt.Sprintf("line %d: %s: %s", n.Line, strconv.Quote(n.Value), rule),
	}}
}
