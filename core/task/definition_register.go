package task

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// RegisterTaskDefinition adds a revision to a family. The definition has the members of
// the request, and RegisteredBy. The reply has the new *Definition.
type RegisterTaskDefinition struct{ Definition Definition }

// Decide implements command.Command.
func (c *RegisterTaskDefinition) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, rules := stateOf(v)
	d := c.Definition
	d.Account, d.Registered, d.Status = m.Account, m.Now, Active
	d.normalize()
	if err := d.validate(v.Quota(m.Account, &quotaContainers)); err != nil {
		return command.Decision{}, err
	}
	if err := d.checkCompatibilities(); err != nil {
		return command.Decision{}, err
	}
	if err := checkTags(d.Tags); err != nil {
		return command.Decision{}, err
	}
	if err := d.checkDiscovery(v, rules); err != nil {
		return command.Decision{}, err
	}
	d.setCompatibilities()
	family := Family{Account: m.Account, Name: d.Family}
	old, exists := s.family(m.Account, d.Family)
	if exists {
		family = *old
	}
	if limit := v.Quota(m.Account, &quotaRevisions); limit > 0 && family.Last >= limit {
		return command.Decision{}, &command.LimitExceeded{What: quotaRevisions.What, Limit: limit}
	}
	family.Last++
	d.Revision, family.Latest = family.Last, family.Last
	return command.Decision{
		Changes: []command.Change{families.Put(&family), definitions.Put(&d)},
		Reads:   []command.Read{families.Read(&family, exists)},
		Reply:   command.Reply{Value: &d},
	}, nil
}

// checkCompatibilities checks the launch types that are asked for, Fargate apart.
func (d *Definition) checkCompatibilities() error {
	if slices.Contains(d.RequiresCompatibilities, "MANAGED_INSTANCES") {
		return invalid("requiresCompatibilities MANAGED_INSTANCES is not supported by cairn")
	}
	if slices.Contains(d.RequiresCompatibilities, LaunchExternal) && d.NetworkMode == "awsvpc" {
		return invalid("EXTERNAL does not support network mode 'awsvpc'.")
	}
	return nil
}

// FindDefinition returns a revision of a family. Revision 0 is the latest active one.
func (s *State) FindDefinition(account command.AccountID, family string, revision int) (*Definition, bool) {
	if revision == 0 {
		f, ok := s.family(account, family)
		if !ok || f.Latest == 0 {
			return nil, false
		}
		revision = f.Latest
	}
	return s.Definition(account, family, revision)
}

// ErrDefinitionNotFound returns the error of a task definition that does not exist.
func ErrDefinitionNotFound() error {
	return NewError(ClientError, "Unable to describe task definition.")
}
