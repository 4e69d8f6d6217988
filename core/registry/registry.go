// Package registry holds what cairn knows about namespaces, services,
// instances and operations, and the rules for changing it.
//
// It is pure: a Command is decided against a State and gives Changes or a typed
// error; Changes applied to a State give the next State. Time, ids and
// randomness arrive with the command. Nothing here reads a clock, a file or a
// socket, so replaying the same changes gives the same State everywhere.
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
	accounts ptree.Map[command.AccountID, *Account]
	// shares finds the owner of a namespace that is shared, see shareKey.
	shares sharesIndex
	// pending holds the custom health changes that wait (strict mode), keyed by
	// the time they fall due and the instance.
	pending ptree.Map[string, instanceRef]
	// leases are those of instances with a TTL, by service and instance;
	// leasesByDue orders their keys by the time they fall due.
	leases      ptree.Map[string, *Lease]
	leasesByDue ptree.Map[string, string]
}

// Account is everything that one account owns. Accounts exist implicitly: one
// that owns nothing is not in the State.
type Account struct {
	id         command.AccountID
	owner      *ptree.Token // the Draft that may change it in place
	namespaces ptree.Map[NamespaceID, *Namespace]
	services   ptree.Map[ServiceID, serviceRef]
	// byHTTPName finds a namespace by the name that DiscoverInstances takes.
	byHTTPName ptree.Map[string, NamespaceID]
	// byRequest finds a namespace by the CreatorRequestId that made it.
	byRequest ptree.Map[string, NamespaceID]

	// operations is ordered by time, see operationKey.
	operations ptree.Map[string, storedOperation]
	// operationByRequest finds the operation that a repeated request means.
	operationByRequest ptree.Map[string, string]
}

// serviceRef says where a service is kept.
type serviceRef struct {
	namespace NamespaceID
	key       string // of Namespace.services
}

// instanceRef says where an instance is kept.
type instanceRef struct {
	account  command.AccountID
	service  ServiceID
	instance InstanceID
}

// Counts are the numbers of objects in a State, by kind.
type Counts struct {
	Namespaces, Services, Instances, Operations int
}

// Counts adds up over all accounts. Its cost grows with the number of services.
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

var noAccount = &Account{}

// Accounts lists the accounts that own something, or once did.
func (s *State) Accounts() iter.Seq[command.AccountID] {
	return func(yield func(command.AccountID) bool) {
		for id := range s.accounts.All() {
			if !yield(id) {
				return
			}
		}
	}
}

// account returns what the account owns, never nil.
func (s *State) account(id command.AccountID) *Account {
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

func (a *Account) service(id ServiceID) (*Service, bool) {
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
