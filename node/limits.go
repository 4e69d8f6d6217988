package node

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
	"github.com/cairn-discovery/cairn/internal/authlimit"
)

// byName returns the quotas that are set, by name.
func (q *Quotas) byName() command.Limits {
	limits := command.Limits{}
	for name, n := range map[string]*int{
		"namespaces_per_account":  q.NamespacesPerAccount,
		"services_per_namespace":  q.ServicesPerNamespace,
		"instances_per_service":   q.InstancesPerService,
		"instances_per_namespace": q.InstancesPerNamespace,
		"operations_per_account":  q.OperationsPerAccount,
	} {
		if n != nil {
			limits[name] = *n
		}
	}
	return limits
}

// quotasOf returns the quotas that a configuration gives.
func quotasOf(c *Config) command.Quotas {
	q := command.Quotas{Limits: state.DefaultLimits(c.Compatibility == compatStrict), Accounts: map[command.AccountID]command.Limits{}}
	maps.Copy(q.Limits, c.Quotas.byName())
	for _, a := range c.Accounts {
		if own := a.Quotas.byName(); len(own) > 0 {
			q.Accounts[command.AccountID(a.ID)] = own
		}
	}
	return q
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
		r.Default = throttle.Strict()
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
func withRates[R Rate | command.Rate](set throttle.Set, rates map[string]R) throttle.Set {
	for name, rate := range rates {
		if class, ok := command.ParseRateClass(name); ok {
			set[class] = command.Rate(rate)
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
