package registry

import (
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
)

// The listings below are in a fixed order and go on after any key, so a page
// token is the last key of a page, and neither additions nor removals between
// two pages repeat or skip anything else.

// Namespaces yields the namespaces of the account after the given id, in order
// of their ids.
func (s *State) Namespaces(account command.AccountID, after NamespaceID) iter.Seq2[NamespaceID, *Namespace] {
	return s.account(account).namespaces.After(after)
}

// Services yields the services of the account after the given id, in order of
// their ids.
func (s *State) Services(account command.AccountID, after ServiceID) iter.Seq2[ServiceID, *Service] {
	a := s.account(account)
	return func(yield func(ServiceID, *Service) bool) {
		for id := range a.services.After(after) {
			if svc, ok := a.service(id); ok && !yield(id, svc) {
				return
			}
		}
	}
}

// Instances yields the instances of the service after the given id, in order of
// their ids.
func (svc *Service) Instances(after InstanceID) iter.Seq2[InstanceID, *Instance] {
	return svc.instances.After(after)
}

// Operations yields the operations of the account, newest first, from the one
// before the given id; the empty id means all. Operations of namespaces that
// are gone are left out, as AWS does, but not the failed attempts to create one;
// so are those of namespaces that are not shared with the account any more.
func (s *State) Operations(r *Rules, account command.AccountID, before OperationID) iter.Seq2[OperationID, *Operation] {
	a := s.account(account)
	all := a.operations.Backward()
	if key, ok := operationKey(before); ok {
		all = a.operations.Before(key)
	}
	return func(yield func(OperationID, *Operation) bool) {
		for key, stored := range all {
			op := stored.operation(account, key)
			if op.listed(s, r) && !yield(op.ID, op) {
				return
			}
		}
	}
}

func (op *Operation) listed(s *State, r *Rules) bool {
	if op.Type == CreateNamespaceOperation && op.Failed {
		return true
	}
	_, ok := s.visible(r, op.Account, op.OwnerAccount(), op.Namespace)
	return ok
}

// ServicesNamed yields the services of one namespace after the given name, in
// order of their names.
func (ns *Namespace) ServicesNamed(after string) iter.Seq2[string, *Service] {
	return ns.services.After(after)
}

// AllNamespaces yields the namespaces of all accounts.
func (s *State) AllNamespaces() iter.Seq[*Namespace] {
	return func(yield func(*Namespace) bool) {
		for _, a := range s.accounts.All() {
			for _, ns := range a.namespaces.All() {
				if !yield(ns) {
					return
				}
			}
		}
	}
}
