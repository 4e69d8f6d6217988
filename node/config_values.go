package node

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Secret is a text that must not be shown: it prints as [redacted] by every
// way of formatting. string(s) gives the text itself.
type Secret string

const redacted = "[redacted]"

// String hides the secret.
func (Secret) String() string { return redacted }

// Format hides the secret from all verbs, %q, %x and %#v among them.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalJSON hides the secret; slog's JSON handler goes this way.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalYAML hides the secret.
func (Secret) MarshalYAML() (any, error) { return redacted, nil }

// Duration is a time.Duration written with its unit, as in 30s.
type Duration struct{ time.Duration }

func seconds(n int) Duration { return Duration{time.Duration(n) * time.Second} }

// UnmarshalYAML reads a duration. A number without a unit is refused, because
// nobody can tell what it means.
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

// UnmarshalYAML reads a CIDR. Host bits must be zero, since a range given by an
// address in it is more often a slip than meant.
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

// badScalar refuses a value in the way yaml's own type errors do, so that the
// decoder goes on and reports every one. The reader of the file adds the key.
func badScalar(n *yaml.Node, rule string) error {
	return &yaml.TypeError{Errors: []string{
		fmt.Sprintf("line %d: %s: %s", n.Line, strconv.Quote(n.Value), rule),
	}}
}
