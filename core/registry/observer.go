package registry

import (
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

// Diff calls an Observer for each difference between two versions of the registry. Its
// cost depends on the number of changes. It is for readers that follow published
// States and may skip some; the observer of a Draft sees every step.
//
// A namespace or service is also reported if only its content has changed. A deleted
// service is reported after its instances, a new one before them. Services without
// records are reported with their instances.
func Diff(old, new *State, o Observer) {
	ptree.Diff(old.accounts, new.accounts, func(_ command.AccountID, a, b *accountState) {
		diffAccounts(orNone(a), orNone(b), o)
	})
}

func orNone(a *accountState) *accountState {
	if a == nil {
		return noAccount
	}
	return a
}

func diffAccounts(a, b *accountState, o Observer) {
	ptree.Diff(a.namespaces, b.namespaces, func(_ NamespaceID, old, new *Namespace) {
		switch {
		case old == nil:
			o.NamespaceChanged(nil, new)
			diffServices(&Namespace{}, new, o)
		case new == nil:
			diffServices(old, &Namespace{}, o)
			o.NamespaceChanged(old, nil)
		default:
			o.NamespaceChanged(old, new)
			diffServices(old, new, o)
		}
	})
}

func diffServices(a, b *Namespace, o Observer) {
	ptree.Diff(a.services, b.services, func(_ string, old, new *Service) {
		if old != nil && (new == nil || old.ID != new.ID) {
			diffInstances(a, old, &Service{}, old, o)
			o.ServiceChanged(a, old, nil)
			old = nil
		}
		if new == nil {
			return
		}
		o.ServiceChanged(b, old, new)
		if old == nil {
			old = &Service{}
		}
		diffInstances(b, old, new, new, o)
	})
}

func diffInstances(ns *Namespace, a, b, owner *Service, o Observer) {
	ptree.Diff(a.instances, b.instances, func(_ InstanceID, old, new *Instance) {
		o.InstanceChanged(ns, owner, old, new)
	})
}
