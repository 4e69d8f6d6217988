package task

// planPurge removes clusters and task definitions that were deleted.
func (p *plan) planPurge() {
	for _, c := range p.state.clusters.All() {
		if c.Status == Inactive && p.at(c.Deleted+p.rules.StoppedRetention) && p.state.checkEmpty(c) == nil {
			p.act(c.Account, &purgeCluster{c.Account, c.Name})
		}
	}
	if p.state.deleting.Len() == 0 {
		return
	}
	used := p.state.usedDefinitions()
	for _, d := range p.state.deleting.All() {
		if !used[definitionKey{d.Account, d.Family, d.Revision}] {
			p.act(d.Account, &purgeTaskDefinition{d.Account, d.Family, d.Revision})
		}
	}
}

// usedDefinitions returns the definitions to which a service or a task refers.
func (s *State) usedDefinitions() map[definitionKey]bool {
	used := map[definitionKey]bool{}
	for _, svc := range s.services.All() {
		for i := range svc.Deployments {
			if w := &svc.Deployments[i].Workload; svc.Status != Inactive {
				used[definitionKey{svc.Account, w.Family, w.Revision}] = true
			}
		}
	}
	for _, t := range s.tasks.All() {
		used[definitionKey{t.Account, t.Family, t.Revision}] = true
	}
	return used
}
