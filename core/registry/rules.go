package registry

import (
	"net/netip"

	"github.com/cairn-discovery/cairn/core/command"
)

// Rules are the settings that decide what is accepted. They never influence
// how a change is applied, so nodes with different rules keep the same State.
type Rules struct {
	// Region stands in ARNs and in error texts.
	Region string
	// Strict makes cairn behave as AWS does where it otherwise does better;
	// see docs/divergences/cloudmap.md.
	Strict bool
	Quotas Quotas
	// AccountQuotas are those of accounts that have some of their own; they
	// stand in the place of Quotas as a whole.
	AccountQuotas map[command.AccountID]Quotas
	// StoredQuotas changes the quotas of an account at run time. Nil: it does not.
	StoredQuotas QuotaSource
	// Shares are namespaces shared by a setting.
	Shares []Share
	// VPCs are the ids that a private namespace may be bound to. Nil means any.
	VPCs map[string]bool
	// DefaultTTL is the TTL, in seconds, of a DNS record that is given without
	// one. Not used in strict mode, where a TTL is required.
	DefaultTTL int64
	// EC2Instances gives the addresses of the ids that may be used as
	// AWS_EC2_INSTANCE_ID.
	EC2Instances map[string]netip.Addr
}

// Quotas are limits per account; zero means no limit.
type Quotas struct {
	NamespacesPerAccount  int
	ServicesPerNamespace  int
	InstancesPerService   int
	InstancesPerNamespace int
	// OperationsPerAccount bounds how many ended operations are remembered;
	// beyond it the oldest are forgotten before their 24 hours are over.
	OperationsPerAccount int
}

// QuotaSource knows of quotas of single accounts.
type QuotaSource interface {
	// Adjust returns the quotas of an account, given those it has otherwise.
	Adjust(command.AccountID, Quotas) Quotas
}

// Set changes the quota of a name, that of its key in the configuration, and
// reports whether there is one.
func (q *Quotas) Set(name string, n int) bool {
	switch name {
	case QuotaNamespaces:
		q.NamespacesPerAccount = n
	case QuotaServices:
		q.ServicesPerNamespace = n
	case QuotaInstances:
		q.InstancesPerService = n
	case QuotaNamespaceInstances:
		q.InstancesPerNamespace = n
	case QuotaOperations:
		q.OperationsPerAccount = n
	default:
		return false
	}
	return true
}

// The names of the quotas.
const (
	QuotaNamespaces         = "namespaces_per_account"
	QuotaServices           = "services_per_namespace"
	QuotaInstances          = "instances_per_service"
	QuotaNamespaceInstances = "instances_per_namespace"
	QuotaOperations         = "operations_per_account"
)

// Limits of AWS that no setting changes.
const (
	maxTags              = 50
	maxServiceAttributes = 30
	maxCustomAttributes  = 30
	maxAttributeTotal    = 5000 // characters of all keys and values
)

const (
	// DefaultSOATTL and StrictSOATTL are the TTL, in seconds, of the SOA record
	// of a DNS namespace created without one.
	DefaultSOATTL = 5
	StrictSOATTL  = 900

	// customHealthDelay is how long a custom health change waits in strict
	// mode, in milliseconds.
	customHealthDelay = 30_000
)

// quotas are those of one account.
func (r *Rules) quotas(account command.AccountID) Quotas {
	q, ok := r.AccountQuotas[account]
	if !ok {
		q = r.Quotas
	}
	if r.StoredQuotas != nil {
		q = r.StoredQuotas.Adjust(account, q)
	}
	return q
}

func (r *Rules) defaultSOATTL() int64 {
	if r.Strict {
		return StrictSOATTL
	}
	return DefaultSOATTL
}
