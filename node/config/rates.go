package config

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
)

// Rate is a token bucket.
type Rate struct {
	// PerSecond is how many calls a second are allowed. 0 is no limit.
	PerSecond float64 `yaml:"per_second"`
	// Burst is how many calls can be made at once; 0 means as many as in a second.
	Burst int `yaml:"burst"`
}

// checkRates checks the rates of everybody, or of the account at a path.
func checkRates(k *checker, path string, rates map[string]Rate) {
	for class, r := range rates {
		if _, ok := command.ParseRateClass(class); !ok {
			k.fail(path+"rates", class, fmt.Sprintf("must be one of %v", command.RateClassNames()))
		}
		if !command.Rate(r).Valid() {
			k.failHidden(path+"rates."+class, "must have per_second from 0 to 1e9, and a burst of 0 or more")
		}
	}
}

// RequestRates returns the rates of all accounts.
func (c *Config) RequestRates() *throttle.Rates {
	r := &throttle.Rates{Accounts: map[command.AccountID]throttle.Set{}}
	if c.Strict() {
		r.Default = throttle.Strict()
	}
	r.Default = overrideRates(r.Default, c.Rates)
	for _, a := range c.Accounts {
		if len(a.Rates) > 0 {
			r.Accounts[command.AccountID(a.ID)] = overrideRates(r.Default, a.Rates)
		}
	}
	return r
}

// overrideRates returns set with the given rates in place of its own. The names
// must have passed Check.
func overrideRates(set throttle.Set, rates map[string]Rate) throttle.Set {
	for name, rate := range rates {
		if class, ok := command.ParseRateClass(name); ok {
			set[class] = command.Rate(rate)
		}
	}
	return set
}
