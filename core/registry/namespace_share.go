package registry

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"unique"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// A namespace can be shared with other accounts, its consumers, as AWS does it
// through Resource Access Manager; see "Sharing AWS Cloud Map namespaces" in the
// developer guide. A consumer names what is shared by its ARN, or by OwnerAccount.
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
// A service in a shared namespace belongs to the namespace's owner, whoever
// created it, so a namespace that is shared no longer is as good as gone for
// its consumers, with all that they had in it.

// Share is a sharing that a setting makes, beside those in the State.
type Share struct {
	Owner     command.AccountID
	Namespace string // name or id
	With      []command.AccountID
}

// NotPermitted means that the account sees the resource and may not do this
// with it.
type NotPermitted struct {
	Account command.AccountID
	ARN     string
	Why     string
}

func (e *NotPermitted) Error() string {
	return "Account " + string(e.Account) + " is not authorized to do this on resource: " + e.ARN + " because " + e.Why
}

// SharedWith lists the accounts that the State shares the namespace with.
func (ns *Namespace) SharedWith() []command.AccountID { return slices.Clone(ns.sharedWith) }

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

// visible returns the namespace if it is the account's or shared with it.
func (s *State) visible(r *Rules, account, owner command.AccountID, id NamespaceID) (*Namespace, bool) {
	ns, ok := s.Namespace(owner, id)
	if !ok || owner != account && !r.shares(ns, account) {
		return nil, false
	}
	return ns, true
}

// owned refuses what only the owner of a namespace may do.
func (r *Rules) owned(m *command.Meta, ns *Namespace) error {
	if ns.Account == m.Account {
		return nil
	}
	return &NotPermitted{m.Account, r.NamespaceARN(ns.Account, ns.ID), "only the owner of a shared namespace may change it"}
}

// creator is the account that created the service.
func (svc *Service) creator() command.AccountID { return cmp.Or(svc.CreatedBy, svc.Account) }

// Registrar is the account that registered an instance of the service.
func (svc *Service) Registrar(inst *Instance) command.AccountID {
	if inst.createdBy == (unique.Handle[command.AccountID]{}) {
		return svc.creator()
	}
	return inst.createdBy.Value()
}

// mayChange refuses what only the owner and the creator of a service may do.
func (r *Rules) mayChange(m *command.Meta, svc *Service) error {
	if svc.Account == m.Account || svc.creator() == m.Account {
		return nil
	}
	return &NotPermitted{m.Account, r.ServiceARN(svc.Account, svc.ID), "another account created this service in the shared namespace"}
}

// mayChangeInstance lets in who may change the service, and who registered the
// instance.
func (r *Rules) mayChangeInstance(m *command.Meta, svc *Service, inst *Instance) error {
	if r.mayChange(m, svc) == nil || svc.Registrar(inst) == m.Account {
		return nil
	}
	return r.notRegistrar(m, svc)
}

func (r *Rules) notRegistrar(m *command.Meta, svc *Service) error {
	return &NotPermitted{m.Account, r.ServiceARN(svc.Account, svc.ID), "another account registered this instance"}
}

// mayUpdate refuses UpdateService where it would change what other accounts
// have registered.
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

// isShared reports whether the namespace is shared with anybody.
func (r *Rules) isShared(ns *Namespace) bool {
	return len(ns.sharedWith) > 0 || slices.ContainsFunc(r.Shares, func(s Share) bool { return len(s.With) > 0 && s.covers(ns) })
}

// covers reports whether the share is one of the namespace.
func (s *Share) covers(ns *Namespace) bool {
	return s.Owner == ns.Account && (s.Namespace == ns.Name || s.Namespace == string(ns.ID))
}

// NamespaceForDiscovery returns the namespace that a name means to
// DiscoverInstances, among those of owner that the account sees.
func (s *State) NamespaceForDiscovery(r *Rules, account, owner command.AccountID, name string) (*Namespace, bool) {
	ns, ok := s.account(owner).namespaceNamed(r, name)
	if !ok || owner != account && !r.shares(ns, account) {
		return nil, false
	}
	return ns, true
}

// OwnerAccount is the account that owns the namespace of the operation.
func (op *Operation) OwnerAccount() command.AccountID { return cmp.Or(op.owner, op.Account) }

// own notes that an operation is on a namespace of another account.
func (op *Operation) own(owner command.AccountID) {
	if owner != op.Account {
		op.owner = owner
	}
}

// FindOperation returns an operation that the account began on a namespace of
// owner. It is gone for an account that the namespace is not shared with any more.
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

// reshare keeps the index of shares in step with a namespace.
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

// sharedNamespaces returns the namespaces of others that the account sees, in
// order of their ids.
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

// VisibleNamespaces yields the namespaces after the given id that are the
// account's or shared with it, in order of their ids.
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
// account sees, in order of their ids.
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

// merged yields two listings in order as one.
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

// ShareNamespace shares a namespace of the account with others, or ends that.
type ShareNamespace struct {
	Ref  string // id or ARN
	With []command.AccountID
	// Stop ends the sharing instead of beginning it.
	Stop bool
}

// maxConsumers bounds the accounts that one namespace is shared with.
const maxConsumers = 1000

func (c *ShareNamespace) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
	ns, err := s.FindNamespace(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.owned(m, ns); err != nil {
		return command.Decision{}, err
	}
	with := slices.Clone(ns.sharedWith)
	for _, account := range c.With {
		if len(account) != 12 || strings.Trim(string(account), "0123456789") != "" || account == m.Account {
			return command.Decision{}, command.Invalid("%q is not the id of another account", account)
		}
		with = slices.DeleteFunc(with, func(a command.AccountID) bool { return a == account })
		if !c.Stop {
			with = append(with, account)
		}
	}
	if len(with) > maxConsumers {
		return command.Decision{}, &command.LimitExceeded{What: "accounts that a namespace is shared with", Limit: maxConsumers}
	}
	slices.Sort(with)
	if slices.Equal(with, ns.sharedWith) {
		return command.Decision{}, nil
	}
	next := *ns
	next.sharedWith = with
	return command.Decision{Changes: []command.Change{putNamespace{&next}}, Reads: []command.Read{ns.read()}}, nil
}

// NamespaceShares yields the shares of an account's namespaces.
func (s *State) NamespaceShares(owner command.AccountID) iter.Seq2[*Namespace, []command.AccountID] {
	return func(yield func(*Namespace, []command.AccountID) bool) {
		for _, ns := range s.account(owner).namespaces.All() {
			if len(ns.sharedWith) > 0 && !yield(ns, ns.SharedWith()) {
				return
			}
		}
	}
}

type sharesIndex = ptree.Map[string, command.AccountID]
