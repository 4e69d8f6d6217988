package node

import (
	"sync"
	"sync/atomic"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
	"github.com/cairn-discovery/cairn/internal/authlimit"
)

// named gives the quotas by their keys.
func (q *Quotas) named() map[string]**int {
	return map[string]**int{
		registry.QuotaNamespaces:         &q.NamespacesPerAccount,
		registry.QuotaServices:           &q.ServicesPerNamespace,
		registry.QuotaInstances:          &q.InstancesPerService,
		registry.QuotaNamespaceInstances: &q.InstancesPerNamespace,
		registry.QuotaOperations:         &q.OperationsPerAccount,
	}
}

// over puts the quotas that were given over others.
func (q *Quotas) over(others registry.Quotas) registry.Quotas {
	for name, n := range q.named() {
		if *n != nil {
			others.Set(name, **n)
		}
	}
	return others
}

// quotasOf are everybody's.
func quotasOf(c *Config) registry.Quotas {
	quotas := registry.Quotas{
		NamespacesPerAccount: 50, ServicesPerNamespace: 50, InstancesPerService: 1000, OperationsPerAccount: 100_000,
	}
	if c.Compatibility == compatStrict { // AWS bounds instances per namespace, not services
		quotas.ServicesPerNamespace, quotas.InstancesPerNamespace = 0, 2000
	}
	return c.Quotas.over(quotas)
}

func accountQuotas(c *Config, everybody registry.Quotas) map[command.AccountID]registry.Quotas {
	own := map[command.AccountID]registry.Quotas{}
	for _, a := range c.Accounts {
		if a.Quotas != (Quotas{}) {
			own[command.AccountID(a.ID)] = a.Quotas.over(everybody)
		}
	}
	return own
}

// requestRates are those of the configuration and the store together, put
// together when either changes.
type requestRates struct {
	file    atomic.Pointer[throttle.Rates]
	mu      sync.Mutex
	current atomic.Pointer[currentRates]
}

type currentRates struct {
	file   *throttle.Rates
	stored identity.State
	rates  *throttle.Rates
}

func (r *requestRates) adopt(c *Config) { r.file.Store(ratesOf(c)) }

// ratesOf are the rates that a configuration gives.
func ratesOf(c *Config) *throttle.Rates {
	r := &throttle.Rates{Accounts: map[command.AccountID]throttle.Set{}}
	if c.Compatibility == compatStrict {
		r.Default = throttle.Published()
	}
	r.Default = withRates(r.Default, c.Rates)
	for _, a := range c.Accounts {
		if len(a.Rates) > 0 {
			r.Accounts[command.AccountID(a.ID)] = withRates(r.Default, a.Rates)
		}
	}
	return r
}

// withRates puts rates over others. Check has seen to the names.
func withRates[R Rate | identity.Rate](set throttle.Set, rates map[string]R) throttle.Set {
	for name, rate := range rates {
		if class, ok := throttle.ClassOf(name); ok {
			set[class] = throttle.Rate(rate)
		}
	}
	return set
}

// with returns the rates that are in force when the store says what it says.
func (r *requestRates) with(stored identity.State) *throttle.Rates {
	file := r.file.Load()
	if !stored.HasSettings() {
		return file
	}
	if c := r.current.Load(); c != nil && c.file == file && c.stored == stored {
		return c.rates
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.current.Load(); c != nil && c.file == file && c.stored == stored {
		return c.rates
	}
	rates := &throttle.Rates{Default: file.Default, Accounts: map[command.AccountID]throttle.Set{}}
	for id, set := range file.Accounts {
		rates.Accounts[id] = set
	}
	for id, a := range stored.Accounts() {
		if len(a.Rates) > 0 {
			rates.Accounts[command.AccountID(id)] = withRates(file.Of(command.AccountID(id)), a.Rates)
		}
	}
	r.current.Store(&currentRates{file, stored, rates})
	return rates
}

// failureBudget is what callers may fail to prove who they are; nil for no limit.
func (c *Config) failureBudget() *authlimit.Budget {
	return authlimit.New(authlimit.Config{PerSecond: c.Auth.FailuresPerSecond, Burst: c.Auth.FailureBurst})
}
