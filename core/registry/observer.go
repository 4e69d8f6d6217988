package registry

import (
	"cmp"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Observer receives each change of a Draft, so that data derived from the registry
// (the DNS zones) can be updated at the cost of the change alone. Values are
// immutable; nil means none.
type Observer interface {
	// NamespaceChanged is called after a namespace was stored or deleted.
	NamespaceChanged(old, new *Namespace)
	// ServiceChanged is called after a service was stored or deleted. A service
	// that is stored keeps its instances.
	ServiceChanged(ns *Namespace, old, new *Service)
	// InstanceChanged is called after an instance of svc was stored or deleted;
	// svc includes the change.
	InstanceChanged(ns *Namespace, svc *Service, old, new *Instance)
}

// Observe sets the observer of all later changes.
func (d *Draft) Observe(o Observer) { d.observer = o }

func (d *Draft) namespaceChanged(old, new *Namespace) {
	if d.observer != nil {
		d.observer.NamespaceChanged(old, new)
	}
}

func (d *Draft) serviceChanged(ns *Namespace, old, new *Service) {
	if d.observer != nil {
		d.observer.ServiceChanged(ns, old, new)
	}
}

// instanceChanged skips services without records, which saves a look-up.
func (d *Draft) instanceChanged(svc *Service, old, new *Instance) {
	if d.observer == nil || svc.DNS == nil {
		return
	}
	if ns, ok := d.state.Namespace(svc.Account, svc.Namespace); ok {
		d.observer.InstanceChanged(ns, svc, old, new)
	}
}

// Follower receives what differs between two States.
type Follower interface {
	Observer
	// FollowsInstances reports whether it is to be told of the instances that differ between
	// two versions of a service. Nil means none, before a new service and after a deleted
	// one. Most changes of a busy registry are instances, so not to need them saves much.
	FollowsInstances(old, new *Service) bool
}

// Diff calls a Follower for each difference between two versions of the registry. Its
// cost depends on the number of changes. It is for readers that follow published
// States and may skip some; the observer of a Draft sees every step.
//
// A namespace or service is also reported if only its content has changed. A deleted
// service is reported after its instances, a new one before them. Services without
// records are reported with their instances.
func Diff(old, new *State, f Follower) {
	ptree.Diff(old.accounts, new.accounts, func(_ command.AccountID, a, b *accountState) {
		diffAccounts(orNone(a), orNone(b), f)
	})
}

func orNone(a *accountState) *accountState {
	if a == nil {
		return noAccount
	}
	return a
}

func diffAccounts(a, b *accountState, f Follower) {
	ptree.Diff(a.namespaces, b.namespaces, func(_ NamespaceID, old, new *Namespace) {
		switch {
		case old == nil:
			f.NamespaceChanged(nil, new)
			diffServices(&Namespace{}, new, f)
		case new == nil:
			diffServices(old, &Namespace{}, f)
			f.NamespaceChanged(old, nil)
		default:
			f.NamespaceChanged(old, new)
			diffServices(old, new, f)
		}
	})
}

func diffServices(a, b *Namespace, f Follower) {
	ptree.Diff(a.services, b.services, func(_ string, old, new *Service) {
		if old != nil && (new == nil || old.ID != new.ID) {
			diffInstances(a, old, nil, f)
			f.ServiceChanged(a, old, nil)
			old = nil
		}
		if new == nil {
			return
		}
		f.ServiceChanged(b, old, new)
		diffInstances(b, old, new, f)
	})
}

func diffInstances(ns *Namespace, a, b *Service, f Follower) {
	if !f.FollowsInstances(a, b) {
		return
	}
	owner := cmp.Or(b, a)
	ptree.Diff(a.allInstances(), b.allInstances(), func(_ InstanceID, old, new *Instance) {
		f.InstanceChanged(ns, owner, old, new)
	})
}

// allInstances returns the instances of a service, none of a nil one.
func (svc *Service) allInstances() ptree.Map[InstanceID, *Instance] {
	if svc == nil {
		return ptree.Map[InstanceID, *Instance]{}
	}
	return svc.instances
}
