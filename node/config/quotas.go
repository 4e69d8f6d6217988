package config

import (
	"fmt"
	"maps"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
)

// Quotas are limits by name. A name that is missing has the general limit, or its
// default. The names and the defaults are those of the table in core/state.
type Quotas map[string]int

// keys returns the names that a file can use.
func (Quotas) keys() []string {
	var names []string
	for _, q := range state.Quotas() {
		names = append(names, q.Name)
	}
	return names
}

// checkQuotas checks the quotas of everybody, or of the account at a path.
func checkQuotas(k *checker, path string, quotas Quotas) {
	for name, n := range quotas {
		if n < 0 {
			k.fail(path+"quotas."+name, fmt.Sprint(n), "must be 0 or more")
		}
	}
}

// quotasOf returns the quotas of all accounts.
func quotasOf(c *Config) command.Quotas {
	q := command.Quotas{Limits: state.DefaultLimits(c.Strict()), Accounts: map[command.AccountID]command.Limits{}}
	maps.Copy(q.Limits, c.Quotas)
	for _, a := range c.Accounts {
		if len(a.Quotas) > 0 {
			q.Accounts[command.AccountID(a.ID)] = command.Limits(a.Quotas)
		}
	}
	return q
}
