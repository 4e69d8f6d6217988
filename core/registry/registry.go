// Package registry is the slice of namespaces, services, instances and operations:
// their state, the commands that change it, and the search of DiscoverInstances.
//
// It is pure. Deciding a command gives changes or a typed error; applying changes to
// a State gives the next State. Time, ids and randomness come with the command, so
// replaying the same changes gives the same State everywhere.
//
// Listings are in a fixed order and continue after any key. A page token is the last
// key of a page, so additions and removals between two pages neither repeat nor skip
// other entries.
//
// The rules are those of the AWS Cloud Map API, version 2017-03-14, with the
// choices of docs/divergences/cloudmap.md.
package registry

import (
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// NamespaceID is "ns-" and 16 characters of lower-case base 32.
type NamespaceID string

// ServiceID is "srv-" and 16 characters of lower-case base 32.
type ServiceID string

// InstanceID is chosen by the client and unique within its service.
type InstanceID string

// OperationID is 32 characters of base 32 naming the target, a hyphen, and the
// time of creation in milliseconds in base 36.
type OperationID string

// State is one immutable version of the registry. The zero value is empty.
type State struct {
	accounts ptree.Map[command.AccountID, *accountState]
	// shares maps a shared namespace to its owner, see shareKey.
	shares sharesIndex
	// pending holds the delayed custom health changes (strict mode), keyed by time
	// and instance.
	pending ptree.Map[string, instanceRef]
	// leases are the leases of instances with a TTL, by service and instance.
	// leasesByDue orders their keys by Lease.Due.
	leases      ptree.Map[string, *Lease]
	leasesByDue ptree.Map[string, string]
}

// accountState has the resources of one account. An account that never had any is not in
// the State.
type accountState struct {
	id         command.AccountID
	owner      *ptree.Owner // the Draft that may change it in place
	namespaces ptree.Map[NamespaceID, *Namespace]
	services   ptree.Map[ServiceID, serviceRef]
	// byHTTPName maps the name that DiscoverInstances uses to the namespace.
	byHTTPName ptree.Map[string, NamespaceID]
	// byRequest maps the CreatorRequestId to the namespace.
	byRequest ptree.Map[string, NamespaceID]
	// byZone maps the id of a hosted zone to its namespace.
	byZone ptree.Map[string, NamespaceID]

	// lastRevision is the highest InstancesRevision of the account's deleted
	// services. New services start above it.
	lastRevision uint64

	// operations is ordered by time, see operationKey.
	operations ptree.Map[string, storedOperation]
	// operationByRequest maps a requestKey and the time of an operation to its key.
	operationByRequest ptree.Map[string, string]
}

// serviceRef is the place of a service.
type serviceRef struct {
	namespace NamespaceID
	key       string // of Namespace.services
}

// instanceRef is the place of an instance.
type instanceRef struct {
	account  command.AccountID
	service  ServiceID
	instance InstanceID
}

// Counts are the numbers of objects in a State, by kind.
type Counts struct {
	Namespaces, Services, Instances, Operations int
}

// Counts returns the numbers of all accounts. Its cost grows with the number of
// services.
func (s *State) Counts() Counts {
	var c Counts
	for _, a := range s.accounts.All() {
		c.Namespaces += a.namespaces.Len()
		c.Services += a.services.Len()
		c.Operations += a.operations.Len()
		for _, ns := range a.namespaces.All() {
			for _, svc := range ns.services.All() {
				c.Instances += svc.instances.Len()
			}
		}
	}
	return c
}

var noAccount = &accountState{}

// Accounts yields the accounts that have or had resources.
func (s *State) Accounts() iter.Seq[command.AccountID] {
	return func(yield func(command.AccountID) bool) {
		for id := range s.accounts.All() {
			if !yield(id) {
				return
			}
		}
	}
}

// account returns the resources of an account, never nil.
func (s *State) account(id command.AccountID) *accountState {
	if a, ok := s.accounts.Get(id); ok {
		return a
	}
	return noAccount
}

// Namespace returns a namespace of the account.
func (s *State) Namespace(account command.AccountID, id NamespaceID) (*Namespace, bool) {
	return s.account(account).namespaces.Get(id)
}

// Service returns a service of the account.
func (s *State) Service(account command.AccountID, id ServiceID) (*Service, bool) {
	return s.account(account).service(id)
}

func (a *accountState) service(id ServiceID) (*Service, bool) {
	ref, ok := a.services.Get(id)
	if !ok {
		return nil, false
	}
	ns, ok := a.namespaces.Get(ref.namespace)
	if !ok {
		return nil, false
	}
	return ns.services.Get(ref.key)
}
