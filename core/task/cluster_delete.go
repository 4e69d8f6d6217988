package task

import "github.com/cairn-discovery/cairn/core/command"

// DeleteCluster makes a cluster INACTIVE. It must have no service, no task and no
// container instance beside those of the nodes. The reply has the *Cluster.
type DeleteCluster struct{ Name string }

// Decide implements command.Command.
func (c *DeleteCluster) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	old, err := s.ActiveCluster(m.Account, c.Name)
	if err != nil {
		return command.Decision{}, err
	}
	if err := s.checkEmpty(old); err != nil {
		return command.Decision{}, err
	}
	cluster := *old
	cluster.Status, cluster.Deleted = Inactive, m.Now
	decision := command.Decision{
		Changes: []command.Change{clusters.Put(&cluster)},
		Reads:   []command.Read{clusters.Read(&cluster, true)},
		Reply:   command.Reply{Value: &cluster},
	}
	for i := range s.Instances(m.Account, c.Name, "") {
		decision.Changes = append(decision.Changes, instances.Delete(i))
		decision.Reads = append(decision.Reads, instances.Read(i, true))
	}
	return decision, nil
}

// checkEmpty returns the error of a cluster that cannot be deleted.
func (s *State) checkEmpty(c *Cluster) error {
	for svc := range s.Services(c.Account, c.Name, "") {
		if svc.Status != Inactive {
			return NewError(ClusterContainsServices, "The Cluster cannot be deleted while Services are active.")
		}
	}
	for t := range s.Tasks(c.Account, c.Name, "") {
		if t.LastStatus != StatusStopped {
			return NewError(ClusterContainsTasks, "The Cluster cannot be deleted while Tasks are active.")
		}
	}
	for i := range s.Instances(c.Account, c.Name, "") {
		if !i.Managed {
			return NewError(ClusterContainsInstances, "The Cluster cannot be deleted while Container Instances are active.")
		}
	}
	return nil
}

// purgeCluster removes a deleted cluster that is described no more, with what is left of
// its services and tasks. It does nothing for another one.
type purgeCluster struct {
	Account command.AccountID
	Name    string
}

// Decide implements command.Command.
func (c *purgeCluster) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, rules := stateOf(v)
	old, ok := s.Cluster(c.Account, c.Name)
	if !ok || old.Status != Inactive || m.Now < old.Deleted+rules.StoppedRetention || s.checkEmpty(old) != nil {
		return command.Decision{}, nil
	}
	return command.Decision{Changes: []command.Change{clusters.Delete(old)}, Reads: []command.Read{clusters.Read(old, true)}}, nil
}
