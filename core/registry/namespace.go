package registry

import (
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// NamespaceType is how clients find the services of a namespace.
type NamespaceType string

// The namespace types of the API.
const (
	DNSPublic  NamespaceType = "DNS_PUBLIC"
	DNSPrivate NamespaceType = "DNS_PRIVATE"
	HTTP       NamespaceType = "HTTP"
)

// Namespace is immutable; a change makes a new one.
type Namespace struct {
	ID      NamespaceID
	Account command.AccountID
	Name    string
	Type    NamespaceType
	// HTTPName is unique in the account. It is Name, with a suffix if another
	// namespace of the account has that name.
	HTTPName     string
	VPC          string // DNS_PRIVATE only
	HostedZoneID string // empty for HTTP
	// SOATTL is in seconds. It is not used for HTTP.
	SOATTL           int64
	Description      string
	Tags             Attributes
	CreatorRequestID string
	CreateDate       int64 // milliseconds since 1970
	// Delegated means that an operator delegated the name, which another account
	// owns; see core/domain.
	Delegated bool
	// Keys sign the zone. A zone without keys is not signed. See TagDNSSEC.
	Keys dnssec.Keys

	owner           *ptree.Owner // the Draft that may change it in place
	createOperation OperationID
	sharedWith      []command.AccountID // in order; see namespace_share.go
	fingerprint     uint64
	services        ptree.Map[string, *Service] // by serviceKey
	// servicesByRequest finds a service by the request that made it, see
	// serviceRequest.
	servicesByRequest ptree.Map[string, string]
}

// CreateOperation returns the id of the operation that created the namespace.
func (ns *Namespace) CreateOperation() OperationID { return ns.createOperation }

// IsDNS reports whether the namespace has a hosted zone.
func (ns *Namespace) IsDNS() bool { return ns.Type != HTTP }

// ServiceCount returns the number of services in the namespace.
func (ns *Namespace) ServiceCount() int { return ns.services.Len() }

// Service returns the service of that name. A DNS namespace ignores case.
func (ns *Namespace) Service(name string) (*Service, bool) {
	if svc, ok := ns.services.Get(name); ok {
		return svc, true
	}
	if !ns.IsDNS() {
		return nil, false
	}
	return ns.services.Get(strings.ToLower(name))
}

// Read is what a change that depends on the namespace reads.
func (ns *Namespace) Read() command.Read {
	return command.Read{Key: namespaceKey(ns.Account, ns.HTTPName), Exists: true}
}

func (ns *Namespace) instanceCount() int {
	n := 0
	for _, svc := range ns.services.All() {
		n += svc.instances.Len()
	}
	return n
}

// Namespaces yields the namespaces of the account after the given id, in order
// of their ids.
func (s *State) Namespaces(account command.AccountID, after NamespaceID) iter.Seq2[NamespaceID, *Namespace] {
	return s.account(account).namespaces.After(after)
}

// NamespaceOfZone returns the namespace of an account that a hosted zone belongs to.
func (s *State) NamespaceOfZone(account command.AccountID, zone string) (*Namespace, bool) {
	a := s.account(account)
	id, ok := a.byZone.Get(zone)
	if !ok {
		return nil, false
	}
	return a.namespaces.Get(id)
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
