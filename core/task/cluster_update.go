package task

import "github.com/cairn-discovery/cairn/core/command"

// UpdateCluster changes what is given of a cluster. The reply has the *Cluster.
type UpdateCluster struct {
	Name string
	ClusterInput
}

// Decide implements command.Command.
func (c *UpdateCluster) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	old, err := s.ActiveCluster(m.Account, c.Name)
	if err != nil {
		return command.Decision{}, err
	}
	cluster := *old
	decision := command.Decision{Reads: []command.Read{clusters.Read(&cluster, true)}, Reply: command.Reply{Value: &cluster}}
	if err := c.ClusterInput.apply(v, m, &cluster, &decision); err != nil {
		return command.Decision{}, err
	}
	if err := s.checkProviderUse(&cluster); err != nil {
		return command.Decision{}, err
	}
	decision.Changes = append(decision.Changes, clusters.Put(&cluster))
	return decision, nil
}

// checkProviderUse checks that a cluster keeps the capacity providers that its services
// use.
func (s *State) checkProviderUse(c *Cluster) error {
	has := map[string]bool{}
	for _, p := range c.CapacityProviders {
		has[p] = true
	}
	for svc := range s.Services(c.Account, c.Name, "") {
		if svc.Status == Inactive || len(svc.Deployments) == 0 {
			continue
		}
		for _, item := range svc.Primary().CapacityProviderStrategy {
			if !has[item.CapacityProvider] {
				return NewError(ResourceInUse, "The specified capacity provider is in use and cannot be removed: %s is used by service %s", item.CapacityProvider, svc.Name)
			}
		}
	}
	return nil
}
