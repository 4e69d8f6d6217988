package registry

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Diff tells an Observer what differs between two versions of the registry, at a
// cost that depends on the changes between them. It is for those who follow
// published States and may miss some in between; a Draft's observer sees every
// step.
//
// A namespace or service is also reported where only something inside it has
// changed. A service that is gone is reported after its instances, a new one
// before them. Services without records are reported with their instances.
func Diff(old, new *State, o Observer) {
	ptree.Diff(old.accounts, new.accounts, func(_ command.AccountID, a, b *Account) {
		diffAccounts(orNone(a), orNone(b), o)
	})
}

// DiffNamespace is Diff for what is in one namespace, of which both versions must
// be given. Where they are the same pointer, nothing in it has changed at any
// time between them.
func DiffNamespace(old, new *Namespace, o Observer) {
	if old != new {
		diffServices(old, new, o)
	}
}

func orNone(a *Account) *Account {
	if a == nil {
		return noAccount
	}
	return a
}

func diffAccounts(a, b *Account, o Observer) {
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
