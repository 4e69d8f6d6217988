package task

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// planStrays removes instances of tasks that do not exist from the Cloud Map services in
// which services register. Transactions leave none; a restored backup may.
func (p *plan) planStrays() {
	var found []*removeStrays
	for key, v := range p.cloudCache {
		if v.Service == nil || v.InstanceCount() <= v.registered {
			continue
		}
		if ids := strays(p.state, v.Service); len(ids) > 0 {
			found = append(found, &removeStrays{command.AccountID(key.account), v.ID})
		}
	}
	slices.SortFunc(found, func(a, b *removeStrays) int { return strings.Compare(string(a.service), string(b.service)) })
	for _, c := range found {
		p.act(c.account, c)
	}
}

// strays returns the instances of a service that say that they belong to a task of an
// ECS service, while there is no such task. Instances without ECS_SERVICE_NAME are not
// looked at.
func strays(s *State, svc *registry.Service) []registry.InstanceID {
	const idLength = 32
	var ids []registry.InstanceID
	for id, inst := range svc.Instances("") {
		attributes := inst.Attributes()
		cluster, ok := attributes.Get(attrCluster)
		if _, member := attributes.Get(attrService); !ok || !member || len(id) != idLength || svc.Registrar(inst) != svc.Account {
			continue
		}
		_, known := s.Cluster(svc.Account, cluster)
		x, exists := s.Task(svc.Account, cluster, string(id))
		if known && (!exists || !x.RegisteredIn(string(svc.ID))) && !(exists && x.held(svc)) {
			ids = append(ids, id)
		}
	}
	return ids
}

// held reports whether the task leaves its registration to somebody else.
func (x *Task) held(svc *registry.Service) bool {
	return slices.ContainsFunc(x.Registrations, func(r Registration) bool { return r.Service == string(svc.ID) && r.Held })
}

// removeStrays removes the strays of a Cloud Map service.
type removeStrays struct {
	account command.AccountID
	service registry.ServiceID
}

// Decide implements command.Command.
func (c *removeStrays) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t := begin(v, m)
	svc, ok := t.registry().Service(c.account, c.service)
	if !ok {
		return command.Decision{}, nil
	}
	for _, id := range strays(t.state(), svc) {
		if _, err := t.call(c.account, &registry.DeregisterInstance{ServiceRef: string(c.service), ID: id}); err != nil {
			return command.Decision{}, err
		}
	}
	return t.reply(nil)
}
