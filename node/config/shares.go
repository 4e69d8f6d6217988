package config

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Share is a namespace that other accounts may use.
type Share struct {
	// Namespace is the namespace's name, or its id.
	Namespace string `yaml:"namespace"`
	// Owner is the account that owns it.
	Owner string `yaml:"owner"`
	// With are the accounts that may use it.
	With []string `yaml:"with"`
}

func checkShares(k *checker, shares []Share) {
	for i, s := range shares {
		key := fmt.Sprintf("shares[%d]", i)
		if s.Namespace == "" {
			k.failHidden(key, "has no namespace")
		}
		if !command.AccountID(s.Owner).Valid() {
			k.fail(key+".owner", s.Owner, "must be twelve digits, in quotes")
		}
		if len(s.With) == 0 {
			k.failHidden(key, "has no accounts in with")
		}
		for _, with := range s.With {
			if !command.AccountID(with).Valid() || with == s.Owner {
				k.fail(key+".with", with, "must be the twelve digits of another account, in quotes")
			}
		}
	}
}

// sharesOf returns the shares as the registry knows them.
func sharesOf(c *Config) []registry.Share {
	var shares []registry.Share
	for _, s := range c.Shares {
		share := registry.Share{Owner: command.AccountID(s.Owner), Namespace: s.Namespace}
		for _, with := range s.With {
			share.With = append(share.With, command.AccountID(with))
		}
		shares = append(shares, share)
	}
	return shares
}
