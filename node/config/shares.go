package config

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Share is a namespace or a mesh that other accounts may use.
type Share struct {
	// Namespace is the namespace's name, or its id.
	Namespace string `yaml:"namespace"`
	// Mesh is the name of a mesh of App Mesh, instead of a namespace.
	Mesh string `yaml:"mesh"`
	// Owner is the account that owns it.
	Owner string `yaml:"owner"`
	// With are the accounts that may use it.
	With []string `yaml:"with"`
}

func checkShares(k *checker, shares []Share) {
	for i, s := range shares {
		key := fmt.Sprintf("shares[%d]", i)
		if (s.Namespace == "") == (s.Mesh == "") {
			k.failHidden(key, "must have one of namespace and mesh")
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
		if s.Namespace != "" {
			shares = append(shares, registry.Share{Owner: command.AccountID(s.Owner), Namespace: s.Namespace, With: s.accounts()})
		}
	}
	return shares
}

// meshRules returns the rules of App Mesh.
func meshRules(c *Config) mesh.Rules {
	var rules mesh.Rules
	for _, s := range c.Shares {
		if s.Mesh != "" {
			rules.Shares = append(rules.Shares, mesh.Share{Owner: command.AccountID(s.Owner), Mesh: s.Mesh, With: s.accounts()})
		}
	}
	rules.Authority = mesh.AuthorityRules{
		Meshes:   c.XDS.Authority.Meshes,
		LeafLife: c.XDS.Authority.LeafLife.Milliseconds(), RootLife: c.XDS.Authority.RootLife.Milliseconds(),
	}
	return rules
}

// accounts returns the accounts that may use what is shared.
func (s *Share) accounts() []command.AccountID {
	var all []command.AccountID
	for _, with := range s.With {
		all = append(all, command.AccountID(with))
	}
	return all
}
