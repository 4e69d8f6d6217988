package registry_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/registry"
)

// follower keeps a table of all services and instances by what Diff tells it.
type follower struct {
	services  map[registry.ServiceID]*registry.Service
	instances map[string]*registry.Instance
	// onlyHealth means that instances are followed only if they have a status of health.
	onlyHealth bool
}

func newFollower() *follower {
	return &follower{services: map[registry.ServiceID]*registry.Service{}, instances: map[string]*registry.Instance{}}
}

func (f *follower) NamespaceChanged(_, _ *registry.Namespace) {}

func (f *follower) ServiceChanged(_ *registry.Namespace, old, new *registry.Service) {
	if new == nil {
		delete(f.services, old.ID)
		return
	}
	f.services[new.ID] = new
}

func (f *follower) InstanceChanged(_ *registry.Namespace, svc *registry.Service, old, new *registry.Instance) {
	if new == nil {
		delete(f.instances, string(svc.ID)+"/"+string(old.ID()))
		return
	}
	f.instances[string(svc.ID)+"/"+string(new.ID())] = new
}

func (f *follower) FollowsInstances(old, new *registry.Service) bool {
	shows := func(svc *registry.Service) bool { return svc != nil && svc.ShowsHealth() }
	return !f.onlyHealth || shows(old) || shows(new)
}

// TestDiffFollows: who is told what differs between two States, however many
// commands lie between, has what is in the second.
func TestDiffFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{fixture: newFixture(t, false), revisions: map[string]uint64{}}
		f, partly := newFollower(), newFollower()
		partly.onlyHealth = true
		seen := new(registry.State)
		t.Repeat(map[string]func(*rapid.T){
			"create namespace": m.createNamespace,
			"create service":   m.createService,
			"register":         m.registerAny,
			"deregister":       m.deregisterAny,
			"set health":       m.setAnyHealth,
			"delete service":   m.deleteService,
			"delete namespace": m.deleteNamespace,
			"follow": func(t *rapid.T) {
				registry.Diff(seen, m.state, f)
				registry.Diff(seen, m.state, partly)
				seen = m.state
				want, withHealth := map[string]*registry.Instance{}, map[string]*registry.Instance{}
				services := map[registry.ServiceID]*registry.Service{}
				for id, svc := range m.state.Services(testAccount, "") {
					services[id] = svc
					for _, inst := range svc.Instances("") {
						want[string(id)+"/"+string(inst.ID())] = inst
						if svc.HasHealth() {
							withHealth[string(id)+"/"+string(inst.ID())] = inst
						}
					}
				}
				if !maps.Equal(f.instances, want) || !maps.Equal(f.services, services) {
					t.Fatalf("followed to %v %v, want %v %v", f.services, f.instances, services, want)
				}
				if !maps.Equal(partly.instances, withHealth) || !maps.Equal(partly.services, services) {
					t.Fatalf("followed services with health to %v %v, want %v %v", partly.services, partly.instances, services, withHealth)
				}
			},
		})
	})
}
