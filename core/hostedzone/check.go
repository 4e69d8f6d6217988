package hostedzone

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/member"
)

// HealthCheck is immutable; a change makes a new one.
type HealthCheck struct {
	ID              string // a UUID
	Account         command.AccountID
	CallerReference string
	Version         int64 // 1, and one more with every update
	Created         int64 // milliseconds since 1970
	Config          CheckConfig
	// Verdict is what probes found. Unknown: there were too few yet. A calculated check
	// has none of its own, see State.healthy.
	Verdict health.Verdict
}

// Types of health checks.
const (
	CheckHTTP       = "HTTP"
	CheckHTTPS      = "HTTPS"
	CheckHTTPMatch  = "HTTP_STR_MATCH"
	CheckHTTPSMatch = "HTTPS_STR_MATCH"
	CheckTCP        = "TCP"
	CheckCalculated = "CALCULATED"
)

// CheckConfig is what a health check looks at.
type CheckConfig struct {
	Type      string
	IP        string // empty: Domain is resolved
	Port      int64
	Path      string
	Domain    string
	Search    string // what the body of an answer must have, with *_STR_MATCH
	Interval  int64  // seconds between probes
	Threshold int64  // like results in a row that change the verdict

	MeasureLatency, Inverted, Disabled, SNI bool

	Children        []string // CALCULATED
	HealthThreshold int64    // healthy children that make it healthy
	Regions         []string
}

// Probed reports whether the check is made by probes.
func (c *CheckConfig) Probed() bool { return c.Type != CheckCalculated }

// matches reports whether the body of the answer is searched.
func (c *CheckConfig) matches() bool { return c.Type == CheckHTTPMatch || c.Type == CheckHTTPSMatch }

// healthy reports the state of a health check: its verdict, or healthy if it is disabled,
// the other way round if it is inverted. A check without a verdict is healthy, as in
// Route 53, and so is one that does not exist.
func (s *State) healthy(id string) bool {
	c, ok := s.checks.Get(id)
	if !ok {
		return true
	}
	healthy := c.Verdict != health.Unhealthy
	switch {
	case c.Config.Disabled:
		healthy = true
	case !c.Config.Probed():
		healthy = s.healthyChildren(c) >= c.Config.HealthThreshold
	}
	return healthy != c.Config.Inverted
}

// healthyChildren returns how many children of a calculated check are healthy.
func (s *State) healthyChildren(c *HealthCheck) int64 {
	n := int64(0)
	for _, child := range c.Config.Children {
		if s.healthy(child) {
			n++
		}
	}
	return n
}

// Limits of health checks.
const (
	maxChildren   = 255
	maxSearch     = 255
	maxThreshold  = 10
	maxThreshold2 = 256
)

// complete fills in the defaults of AWS, and checks the configuration.
func (c *CheckConfig) complete(s *State, account command.AccountID, id string) error {
	switch c.Type {
	case CheckHTTP, CheckHTTPMatch:
		c.Port = orElse(c.Port, 80)
	case CheckHTTPS, CheckHTTPSMatch:
		c.Port = orElse(c.Port, 443)
	case CheckTCP:
		if c.Port == 0 {
			return refuse(InvalidInput, "Invalid parameter : Port is required for health checks of type TCP")
		}
	case CheckCalculated:
		return c.checkCalculated(s, account, id)
	default:
		return refuse(InvalidInput, "Health checks of type %s are not supported: there is nothing here that it could look at. Supported are HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH, TCP and CALCULATED.", c.Type)
	}
	c.Interval, c.Threshold = orElse(c.Interval, 30), orElse(c.Threshold, 3)
	return c.checkProbed()
}

func orElse(v, other int64) int64 {
	if v == 0 {
		return other
	}
	return v
}

func (c *CheckConfig) checkProbed() error {
	if c.IP != "" {
		if a, err := netip.ParseAddr(c.IP); err != nil || a.Zone() != "" {
			return refuse(InvalidInput, "Invalid parameter : IPAddress %q is not an IP address", c.IP)
		}
	}
	switch {
	case c.Domain != "" && !hostName(c.Domain):
		return refuse(InvalidInput, "Invalid parameter : FullyQualifiedDomainName %q is not a domain name of letters, digits, '-' and '_'", c.Domain)
	case c.IP == "" && c.Domain == "":
		return refuse(InvalidInput, "Invalid parameter : Either IPAddress or FullyQualifiedDomainName is required")
	case c.Interval != 10 && c.Interval != 30:
		return refuse(InvalidInput, "Invalid parameter : RequestInterval %d must be 10 or 30", c.Interval)
	case c.Threshold < 1 || c.Threshold > maxThreshold:
		return refuse(InvalidInput, "Invalid parameter : FailureThreshold %d must be 1 to %d", c.Threshold, maxThreshold)
	case c.Port < 1 || c.Port > 65535:
		return refuse(InvalidInput, "Invalid parameter : Port %d must be 1 to 65535", c.Port)
	case c.matches() && (c.Search == "" || len(c.Search) > maxSearch):
		return refuse(InvalidInput, "Invalid parameter : SearchString must have 1 to %d characters for health checks of type %s", maxSearch, c.Type)
	case !c.matches() && c.Search != "":
		return refuse(InvalidInput, "Invalid parameter : SearchString is not valid for health checks of type %s", c.Type)
	case c.Type == CheckTCP && c.Path != "":
		return refuse(InvalidInput, "Invalid parameter : ResourcePath is not valid for health checks of type TCP")
	case len(c.Children) > 0 || c.HealthThreshold != 0:
		return refuse(InvalidInput, "Invalid parameter : ChildHealthChecks and HealthThreshold are valid for health checks of type CALCULATED only")
	case len(c.Regions) > 0 && len(c.Regions) < 3:
		return refuse(InvalidInput, "Invalid parameter : Regions must have at least 3 regions")
	}
	return nil
}

// hostName reports whether a name can be looked up and sent as the host of a request.
func hostName(name string) bool {
	_, err := ParseName(name)
	return err == nil && !strings.ContainsFunc(name, func(c rune) bool {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("-_.", c)
	})
}

func (c *CheckConfig) checkCalculated(s *State, account command.AccountID, id string) error {
	switch {
	case c.IP != "" || c.Domain != "" || c.Port != 0 || c.Path != "" || c.Search != "" || c.Interval != 0 || c.Threshold != 0 || len(c.Regions) > 0:
		return refuse(InvalidInput, "Invalid parameter : health checks of type CALCULATED have ChildHealthChecks and HealthThreshold only")
	case len(c.Children) > maxChildren:
		return refuse(InvalidInput, "Invalid parameter : ChildHealthChecks must have at most %d health checks", maxChildren)
	case c.HealthThreshold < 0 || c.HealthThreshold > maxThreshold2:
		return refuse(InvalidInput, "Invalid parameter : HealthThreshold %d must be 0 to %d", c.HealthThreshold, maxThreshold2)
	}
	for i, child := range c.Children {
		other, ok := s.checks.Get(child)
		switch {
		case !ok || other.Account != account || child == id:
			return refuse(InvalidInput, "Invalid parameter : A health check with id %s does not exist.", child)
		case !other.Config.Probed():
			return refuse(InvalidInput, "Invalid parameter : the health check %s is calculated itself, so it cannot be a child", child)
		case slices.Contains(c.Children[:i], child):
			return refuse(InvalidInput, "Invalid parameter : ChildHealthChecks has %s twice", child)
		}
	}
	return nil
}

func (c *CheckConfig) same(other *CheckConfig) bool {
	a, b := *c, *other
	a.Children, a.Regions, b.Children, b.Regions = nil, nil, nil, nil
	return fmt.Sprint(a) == fmt.Sprint(b) && slices.Equal(c.Children, other.Children) && slices.Equal(c.Regions, other.Regions)
}

// CreateCheck makes a health check. Reply.Value is the *HealthCheck; Reply.Unchanged
// means that the same request had made it before.
type CreateCheck struct {
	CallerReference string
	Config          CheckConfig
}

// Decide implements command.Command.
func (c *CreateCheck) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	h := &HealthCheck{ID: command.UUID(m.Entropy[:16]), Account: m.Account, CallerReference: c.CallerReference, Version: 1, Created: m.Now, Config: c.Config}
	if err := h.Config.complete(s, m.Account, h.ID); err != nil {
		return none, err
	}
	if id, taken := s.checkByReference.Get(string(m.Account) + "\x00" + c.CallerReference); taken {
		old, _ := s.checks.Get(id)
		if old.Version == 1 && old.Config.same(&h.Config) {
			return command.Decision{Reply: command.Reply{Value: old, Unchanged: true}}, nil
		}
		return none, refuse(HealthCheckAlreadyExists, "A health check has already been created with the specified caller reference.")
	}
	if limit := v.Quota(m.Account, checksQuota); limit > 0 {
		n := 0
		for range s.Checks(m.Account, "") {
			n++
		}
		if n >= limit {
			return none, refuse(TooManyHealthChecks, "The limit of %d health checks per account has been reached.", limit)
		}
	}
	reads := append(h.childReads(), command.Read{Key: h.key()})
	return command.Decision{Changes: []command.Change{put{h}}, Reads: reads, Reply: command.Reply{Value: h}}, nil
}

func (c *HealthCheck) childReads() []command.Read {
	var reads []command.Read
	for _, child := range c.Config.Children {
		reads = append(reads, command.Read{Key: checkPrefix + child, Exists: true})
	}
	return reads
}

// myCheck returns a health check of the account.
func (s *State) myCheck(m *command.Meta, id string) (*HealthCheck, command.Read, error) {
	c, ok := s.checks.Get(id)
	if !ok || c.Account != m.Account {
		return nil, command.Read{}, NoCheck(id)
	}
	return c, command.Read{Key: c.key(), Exists: true}, nil
}

// UpdateCheck changes a health check. Reply.Value is the *HealthCheck.
type UpdateCheck struct {
	ID string
	// Version must be that of the check, unless it is 0.
	Version int64
	// Change changes a copy of the configuration.
	Change func(*CheckConfig)
}

// Decide implements command.Command.
func (c *UpdateCheck) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	old, read, err := s.myCheck(m, c.ID)
	if err != nil {
		return none, err
	}
	if c.Version != 0 && c.Version != old.Version {
		return none, refuse(HealthCheckVersionMismatch, "The value of HealthCheckVersion in the request (%d) does not match the value of HealthCheckVersion in the health check (%d).", c.Version, old.Version)
	}
	h := *old
	h.Config.Children, h.Config.Regions = slices.Clone(old.Config.Children), slices.Clone(old.Config.Regions)
	h.Version++
	c.Change(&h.Config)
	if (h.Config.IP == "") != (old.Config.IP == "") {
		return none, refuse(InvalidInput, "Invalid parameter : IPAddress can be changed, but not added or removed")
	}
	if err := h.Config.complete(s, m.Account, h.ID); err != nil {
		return none, err
	}
	return command.Decision{Changes: []command.Change{put{&h}}, Reads: append(h.childReads(), read), Reply: command.Reply{Value: &h}}, nil
}

// DeleteCheck deletes a health check, even if record sets or calculated checks use it.
// From then on it counts as healthy.
type DeleteCheck struct{ ID string }

// Decide implements command.Command.
func (c *DeleteCheck) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	h, read, err := s.myCheck(m, c.ID)
	if err != nil {
		return command.Decision{}, err
	}
	changes := []command.Change{remove{h}}
	if s.tags.Has(kindCheck + "\x00" + c.ID) {
		changes = append(changes, remove{&resourceTags{Kind: kindCheck, ID: c.ID}})
	}
	return command.Decision{Changes: changes, Reads: []command.Read{read}}, nil
}

// Verdict is what probes found of a health check of a version.
type Verdict struct {
	Check   string
	Version int64
	To      health.Verdict
}

// SetVerdicts stores verdicts. Those of checks that were changed or deleted since are
// left out.
//
// With By, so are those of checks that this node does not run, so that what a node found
// before it was cut off changes nothing afterwards.
type SetVerdicts struct {
	Verdicts []Verdict
	// By is the name of the node that probed. Empty: the store is of one node.
	By string
}

// CheckKey returns the key by which a health check is given to a node.
func CheckKey(id string) string { return "healthcheck/" + id }

// Decide implements command.Command.
func (c *SetVerdicts) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	var d command.Decision
	var ring *member.Ring
	if c.By != "" {
		ring = member.StateOf(v).Ring()
		d.Reads = append(d.Reads, member.Live(c.By))
	}
	for _, verdict := range c.Verdicts {
		old, ok := s.checks.Get(verdict.Check)
		if !ok || old.Version != verdict.Version || old.Verdict == verdict.To {
			continue
		}
		if c.By != "" && ring.Owner(CheckKey(verdict.Check)) != c.By {
			continue
		}
		h := *old
		h.Verdict = verdict.To
		d.Changes = append(d.Changes, put{&h})
		d.Reads = append(d.Reads, command.Read{Key: h.key(), Exists: true})
		d.Reply.Count++
	}
	return d, nil
}

// DiffChecks yields the changes of health checks between two states: added and changed ones,
// and deleted ones with now nil.
func DiffChecks(old, now *State, changed func(old, now *HealthCheck)) {
	diff(old.checks, now.checks, changed)
}
