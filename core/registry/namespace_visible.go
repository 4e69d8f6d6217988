package registry

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// sharedNamespaces returns the namespaces of other accounts that the account may
// see, in order of their ids.
func (s *State) sharedNamespaces(r *Rules, account command.AccountID) []*Namespace {
	var found []*Namespace
	prefix := string(account) + "/"
	for key, owner := range s.shares.After(prefix) {
		id, ok := strings.CutPrefix(key, prefix)
		if !ok {
			break
		}
		if ns, ok := s.Namespace(owner, NamespaceID(id)); ok && owner != account {
			found = append(found, ns)
		}
	}
	for _, share := range r.Shares {
		if share.Owner == account || !slices.Contains(share.With, account) {
			continue
		}
		for _, ns := range s.account(share.Owner).namespaces.All() {
			if share.covers(ns) && !slices.Contains(found, ns) {
				found = append(found, ns)
			}
		}
	}
	slices.SortFunc(found, func(a, b *Namespace) int { return cmp.Compare(a.ID, b.ID) })
	return found
}

// VisibleNamespaces yields the namespaces after the given id that the account may
// see, in order of their ids.
func (s *State) VisibleNamespaces(r *Rules, account command.AccountID, after NamespaceID) iter.Seq2[NamespaceID, *Namespace] {
	shared := s.sharedNamespaces(r, account)
	own := s.Namespaces(account, after)
	if len(shared) == 0 {
		return own
	}
	at, _ := slices.BinarySearchFunc(shared, after, func(ns *Namespace, id NamespaceID) int { return cmp.Compare(ns.ID, id) })
	shared = slices.DeleteFunc(slices.Clone(shared[at:]), func(ns *Namespace) bool { return ns.ID == after })
	return merged(own, shared, func(ns *Namespace) NamespaceID { return ns.ID })
}

// VisibleServices yields the services after the given id in namespaces that the
// account may see, in order of their ids.
func (s *State) VisibleServices(r *Rules, account command.AccountID, after ServiceID) iter.Seq2[ServiceID, *Service] {
	own := s.Services(account, after)
	var shared []*Service
	for _, ns := range s.sharedNamespaces(r, account) {
		for _, svc := range ns.services.All() {
			if svc.ID > after {
				shared = append(shared, svc)
			}
		}
	}
	if len(shared) == 0 {
		return own
	}
	slices.SortFunc(shared, func(a, b *Service) int { return cmp.Compare(a.ID, b.ID) })
	return merged(own, shared, func(svc *Service) ServiceID { return svc.ID })
}

// merged yields two ordered listings as one.
func merged[K cmp.Ordered, V any](own iter.Seq2[K, V], others []V, key func(V) K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		rest := others
		for k, v := range own {
			for len(rest) > 0 && key(rest[0]) < k {
				if !yield(key(rest[0]), rest[0]) {
					return
				}
				rest = rest[1:]
			}
			if !yield(k, v) {
				return
			}
		}
		for _, v := range rest {
			if !yield(key(v), v) {
				return
			}
		}
	}
}
