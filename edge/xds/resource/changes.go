package resource

import (
	"cmp"
	"strings"

	"github.com/cairn-discovery/cairn/core/registry"
)

// RegistryChanges calls changed for every dependency on the registry that differs
// between two versions, and left for every instance that was deregistered. Some
// dependencies are reported more than once. Instances of a service are looked at only if
// needed reports true for the dependency on them.
func RegistryChanges(old, new *registry.State, needed func(Dep) bool, changed func(Dep), left func(*registry.Service, *registry.Instance)) {
	registry.Diff(old, new, &observer{needed, changed, left})
}

type observer struct {
	needed  func(Dep) bool
	changed func(Dep)
	left    func(*registry.Service, *registry.Instance)
}

// NamespaceNamed returns the dependency on the namespaces with a name.
func NamespaceNamed(name string) Dep { return Dep{DepNamespaceName, strings.ToLower(name)} }

// ServiceNamed returns the dependency on a service of a namespace.
func ServiceNamed(ns registry.NamespaceID, name string) Dep {
	return Dep{DepService, string(ns) + "/" + strings.ToLower(name)}
}

// InstancesOf returns the dependency on the instances of a service.
func InstancesOf(id registry.ServiceID) Dep { return Dep{DepInstances, string(id)} }

// ServicesOf returns the dependency on the list of services of a namespace.
func ServicesOf(id registry.NamespaceID) Dep { return Dep{DepServices, string(id)} }

// NamespaceChanged is also called when only a service of the namespace has changed.
func (o *observer) NamespaceChanged(old, new *registry.Namespace) {
	if old != nil && new != nil && old.SameAccess(new) {
		return
	}
	for _, ns := range []*registry.Namespace{old, new} {
		if ns != nil {
			o.changed(NamespaceNamed(ns.Name))
			o.changed(NamespaceNamed(ns.HTTPName))
		}
	}
}

// ServiceChanged is also called when only an instance of the service has changed.
func (o *observer) ServiceChanged(ns *registry.Namespace, old, new *registry.Service) {
	switch {
	case old == nil:
		o.changed(ServicesOf(ns.ID))
		o.changed(ServiceNamed(ns.ID, new.Name))
	case new == nil:
		o.changed(ServicesOf(ns.ID))
		o.changed(ServiceNamed(ns.ID, old.Name))
	case old.Name != new.Name || old.HealthCheck != new.HealthCheck || old.CustomHealth != new.CustomHealth ||
		old.DNS != new.DNS || old.Attributes != new.Attributes:
		o.changed(ServiceNamed(ns.ID, new.Name))
	}
}

// FollowsInstances implements registry.Follower.
func (o *observer) FollowsInstances(old, new *registry.Service) bool {
	return o.needed(InstancesOf(cmp.Or(new, old).ID))
}

func (o *observer) InstanceChanged(_ *registry.Namespace, svc *registry.Service, old, new *registry.Instance) {
	o.changed(InstancesOf(svc.ID))
	if new == nil && old != nil {
		o.left(svc, old)
	}
}
