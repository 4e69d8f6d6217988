package task

import "github.com/cairn-discovery/cairn/core/command"

// deleteInProgress is the status of a task definition that is deleted when nothing refers to it any more.
const deleteInProgress = "DELETE_IN_PROGRESS"

// DeregisterTaskDefinition makes a revision INACTIVE. Its tasks go on running. The reply
// has the *Definition.
type DeregisterTaskDefinition struct {
	Family   string
	Revision int
}

// Decide implements command.Command.
func (c *DeregisterTaskDefinition) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	old, ok := s.Definition(m.Account, c.Family, c.Revision)
	if !ok {
		return command.Decision{}, ErrDefinitionNotFound()
	}
	d := *old
	decision := command.Decision{Reads: []command.Read{definitions.Read(&d, true)}, Reply: command.Reply{Value: &d}}
	if d.Status != Active {
		return decision, nil
	}
	d.Status, d.Deregistered = Inactive, m.Now
	decision.Changes = []command.Change{definitions.Put(&d)}
	if f, ok := s.family(m.Account, c.Family); ok && f.Latest == d.Revision {
		family := *f
		family.Latest = s.latestBefore(m.Account, c.Family, d.Revision)
		decision.Changes = append(decision.Changes, families.Put(&family))
		decision.Reads = append(decision.Reads, families.Read(&family, true))
	}
	return decision, nil
}

// latestBefore returns the latest active revision before another one, 0 without.
func (s *State) latestBefore(account command.AccountID, family string, revision int) int {
	for n := revision - 1; n > 0; n-- {
		if d, ok := s.Definition(account, family, n); ok && d.Status == Active {
			return n
		}
	}
	return 0
}

// DeleteTaskDefinition deletes an INACTIVE revision. It is DELETE_IN_PROGRESS as long as
// a service, a service revision or a task that can be described refers to it; the reply
// has the *Definition with that status. The number of the revision is not given again.
type DeleteTaskDefinition struct {
	Family   string
	Revision int
}

// Decide implements command.Command.
func (c *DeleteTaskDefinition) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	old, ok := s.Definition(m.Account, c.Family, c.Revision)
	if !ok {
		return command.Decision{}, invalid("The specified task definition does not exist. Specify a valid account, family, revision and try again.")
	}
	if old.Status == Active {
		return command.Decision{}, invalid("The specified task definition is still in ACTIVE status. Please deregister the target and try again.")
	}
	d := *old
	if d.Status = deleteInProgress; d.DeleteRequested == 0 {
		d.DeleteRequested = m.Now
	}
	change := definitions.Put(&d)
	if !s.refersTo(&d) {
		change = definitions.Delete(&d)
	}
	return command.Decision{
		Changes: []command.Change{change},
		Reads:   []command.Read{definitions.Read(&d, true)},
		Reply:   command.Reply{Value: &d},
	}, nil
}

// refersTo reports whether a service or a task of the account refers to a definition.
func (s *State) refersTo(d *Definition) bool {
	is := func(w *Workload) bool { return w.Family == d.Family && w.Revision == d.Revision }
	for svc := range s.AllServices(d.Account) {
		for i := range svc.Deployments {
			if svc.Status != Inactive && is(&svc.Deployments[i].Workload) {
				return true
			}
		}
	}
	for c := range s.Clusters(d.Account, "") {
		for t := range s.Tasks(d.Account, c.Name, "") {
			if t.Family == d.Family && t.Revision == d.Revision {
				return true
			}
		}
	}
	return false
}

// purgeTaskDefinition removes a definition in DELETE_IN_PROGRESS to which nothing refers
// any more. It does nothing for another one.
type purgeTaskDefinition struct {
	Account  command.AccountID
	Family   string
	Revision int
}

// Decide implements command.Command.
func (c *purgeTaskDefinition) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	d, ok := s.Definition(c.Account, c.Family, c.Revision)
	if !ok || d.Status != deleteInProgress || s.refersTo(d) {
		return command.Decision{}, nil
	}
	change := definitions.Delete(d)
	return command.Decision{Changes: []command.Change{change}, Reads: []command.Read{definitions.Read(d, true)}}, nil
}
