package registry

import (
	"cmp"
	"iter"
	"slices"
	"unique"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// A namespace can be shared with other accounts, its consumers, as with AWS Resource
// Access Manager; see "Sharing AWS Cloud Map namespaces" in the developer guide. A
// consumer refers to it by its ARN or by OwnerAccount.
//
//	                              owner   consumer
//	namespace: read                 y        y
//	namespace: change, tag, delete  y        -
//	service: create                 y        y, without tags
//	service: read, discover         y        y
//	service: change, delete         y        those it created
//	instance: register              y        y
//	instance: register again        those it registered
//	instance: deregister, health    y        those it registered, and of services it created
//
// UpdateService is refused, in a namespace that is shared, while the service
// has instances of accounts other than the caller's.
//
// A service in a shared namespace belongs to the namespace owner, even if a consumer
// created it. When sharing ends, consumers lose access to the namespace and to
// everything they created in it.

// Share is a share from the configuration. Others are in the State.
type Share struct {
	Owner     command.AccountID
	Namespace string // name or id
	With      []command.AccountID
}

// NotPermitted means that the account sees the resource but may not change it.
type NotPermitted struct {
	Account command.AccountID
	ARN     string
	Why     string
}

func (e *NotPermitted) Error() string {
	return "Account " + string(e.Account) + " is not authorized to do this on resource: " + e.ARN + " because " + e.Why
}

// shares reports whether the namespace is shared with an account.
func (r *Rules) shares(ns *Namespace, with command.AccountID) bool {
	if slices.Contains(ns.sharedWith, with) {
		return true
	}
	for _, s := range r.Shares {
		if s.covers(ns) && slices.Contains(s.With, with) {
			return true
		}
	}
	return false
}

// visible returns the namespace if the account owns it or shares it.
func (s *State) visible(r *Rules, account, owner command.AccountID, id NamespaceID) (*Namespace, bool) {
	ns, ok := s.Namespace(owner, id)
	if !ok || owner != account && !r.shares(ns, account) {
		return nil, false
	}
	return ns, true
}

// owned returns an error if the account does not own the namespace.
func (r *Rules) owned(m *command.Meta, ns *Namespace) error {
	if ns.Account == m.Account {
		return nil
	}
	return &NotPermitted{m.Account, r.NamespaceARN(ns.Account, ns.ID), "only the owner of a shared namespace may change it"}
}

// creator returns the account that created the service.
func (svc *Service) creator() command.AccountID { return cmp.Or(svc.CreatedBy, svc.Account) }

// Registrar returns the account that registered an instance of the service.
func (svc *Service) Registrar(inst *Instance) command.AccountID {
	if inst.createdBy == (unique.Handle[command.AccountID]{}) {
		return svc.creator()
	}
	return inst.createdBy.Value()
}

// mayChange returns an error if the account neither owns nor created the service.
func (r *Rules) mayChange(m *command.Meta, svc *Service) error {
	if svc.Account == m.Account || svc.creator() == m.Account {
		return nil
	}
	return &NotPermitted{m.Account, r.ServiceARN(svc.Account, svc.ID), "another account created this service in the shared namespace"}
}

// mayChangeInstance returns an error if the account may not change the service and
// did not register the instance.
func (r *Rules) mayChangeInstance(m *command.Meta, svc *Service, inst *Instance) error {
	if r.mayChange(m, svc) == nil || svc.Registrar(inst) == m.Account {
		return nil
	}
	return r.notRegistrar(m, svc)
}

func (r *Rules) notRegistrar(m *command.Meta, svc *Service) error {
	return &NotPermitted{m.Account, r.ServiceARN(svc.Account, svc.ID), "another account registered this instance"}
}

// mayUpdate returns an error if UpdateService would change instances that other
// accounts have registered.
func (r *Rules) mayUpdate(m *command.Meta, ns *Namespace, svc *Service) error {
	if err := r.mayChange(m, svc); err != nil {
		return err
	}
	if !r.isShared(ns) {
		return nil
	}
	for _, inst := range svc.instances.All() {
		if svc.Registrar(inst) != m.Account {
			return command.Invalid("Service %s is in a shared namespace and has instances that were registered by other accounts: it cannot be updated", svc.ID)
		}
	}
	return nil
}

// isShared reports whether the namespace is shared with any account.
func (r *Rules) isShared(ns *Namespace) bool {
	return len(ns.sharedWith) > 0 || slices.ContainsFunc(r.Shares, func(s Share) bool { return len(s.With) > 0 && s.covers(ns) })
}

// covers reports whether the share is for the namespace.
func (s *Share) covers(ns *Namespace) bool {
	return s.Owner == ns.Account && (s.Namespace == ns.Name || s.Namespace == string(ns.ID))
}

// NamespaceForDiscovery returns the namespace of owner with the given name, if the
// account may see it.
func (s *State) NamespaceForDiscovery(r *Rules, account, owner command.AccountID, name string) (*Namespace, bool) {
	ns, ok := s.account(owner).namespaceNamed(r, name)
	if !ok || owner != account && !r.shares(ns, account) {
		return nil, false
	}
	return ns, true
}

// OwnerAccount returns the account that owns the namespace of the operation.
func (op *Operation) OwnerAccount() command.AccountID { return cmp.Or(op.owner, op.Account) }

// setOwner records the owner of the namespace, if it is another account.
func (op *Operation) setOwner(owner command.AccountID) {
	if owner != op.Account {
		op.owner = owner
	}
}

// FindOperation returns an operation that the account started on a namespace of
// owner. An account that lost access to the namespace does not find it.
func (s *State) FindOperation(r *Rules, account, owner command.AccountID, id OperationID) (*Operation, error) {
	op, err := s.Operation(account, id)
	if err != nil {
		return nil, err
	}
	if op.OwnerAccount() != owner {
		return nil, &OperationNotFound{ID: id}
	}
	if owner != account {
		if _, ok := s.visible(r, account, owner, op.Namespace); !ok {
			return nil, &OperationNotFound{ID: id}
		}
	}
	return op, nil
}

// shareKey orders the shares of a State by consumer.
func shareKey(with command.AccountID, id NamespaceID) string { return string(with) + "/" + string(id) }

// reshare updates the index of shares after a change of a namespace.
func (d *Draft) reshare(old, next *Namespace) {
	if old != nil {
		for _, with := range old.sharedWith {
			d.state.shares = d.state.shares.Delete(d.token, shareKey(with, old.ID))
		}
	}
	if next != nil {
		for _, with := range next.sharedWith {
			d.state.shares = d.state.shares.Put(d.token, shareKey(with, next.ID), next.Account)
		}
	}
}

// ShareNamespace starts or ends sharing a namespace of the account.
type ShareNamespace struct {
	Ref  string // id or ARN
	With []command.AccountID
	// Stop ends the sharing.
	Stop bool
}

func (c *ShareNamespace) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	ns, err := s.FindNamespace(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.owned(m, ns); err != nil {
		return command.Decision{}, err
	}
	with, err := command.Consumers("a namespace", ns.sharedWith, m.Account, c.With, c.Stop)
	if err != nil {
		return command.Decision{}, err
	}
	if slices.Equal(with, ns.sharedWith) {
		return command.Decision{}, nil
	}
	next := *ns
	next.sharedWith = with
	return command.Decision{Changes: []command.Change{putNamespace{&next}}, Reads: []command.Read{ns.Read()}}, nil
}

// NamespaceShares yields the shared namespaces of an account with their consumers.
func (s *State) NamespaceShares(owner command.AccountID) iter.Seq2[*Namespace, []command.AccountID] {
	return func(yield func(*Namespace, []command.AccountID) bool) {
		for _, ns := range s.account(owner).namespaces.All() {
			if len(ns.sharedWith) > 0 && !yield(ns, slices.Clone(ns.sharedWith)) {
				return
			}
		}
	}
}

type sharesIndex = ptree.Map[string, command.AccountID]

// SameAccess reports whether two versions of a namespace have the same names and are
// shared with the same accounts.
func (ns *Namespace) SameAccess(other *Namespace) bool {
	return ns.Name == other.Name && ns.HTTPName == other.HTTPName && slices.Equal(ns.sharedWith, other.sharedWith)
}
