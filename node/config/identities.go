package config

import (
	"errors"
	"fmt"

	"github.com/cairn-discovery/cairn/core/identity"
)

// Identities returns the identities of the configuration. It reads the files of
// secrets too, unless calls need not be signed.
func (c *Config) Identities() (*identity.Source, error) {
	s := new(identity.Source)
	var errs []error
	for _, a := range c.Accounts {
		for _, p := range a.Policies {
			s.Policies = append(s.Policies, identity.Policy{Account: a.ID, Name: p.Name, Text: string(p.Document)})
		}
		for _, g := range a.Groups {
			s.Groups = append(s.Groups, identity.Group{Account: a.ID, Name: g.Name, PolicyAttachments: attached(g.Name, g.Policies, g.ManagedPolicies, "")})
		}
		for _, r := range a.Roles {
			s.Roles = append(s.Roles, identity.Role{
				Account: a.ID, Name: r.Name, Trust: string(r.TrustPolicy), MaxSession: int64(r.MaxSessionDuration.Seconds()),
				PolicyAttachments: attached(r.Name, r.Policies, r.ManagedPolicies, r.PermissionsBoundary), Tags: r.Tags,
			})
		}
		for _, u := range a.Users {
			s.Users = append(s.Users, identity.User{
				Account: a.ID, Name: u.Name, Groups: u.Groups, Tags: u.Tags,
				PolicyAttachments: attached(u.Name, u.Policies, u.ManagedPolicies, u.PermissionsBoundary),
			})
			errs = append(errs, c.addKeys(s, a.ID, u))
		}
	}
	return s, errors.Join(errs...)
}

func attached(owner string, policies []Policy, managed []string, boundary string) identity.PolicyAttachments {
	a := identity.PolicyAttachments{Managed: managed, Boundary: boundary}
	for i, p := range policies {
		a.Inline = append(a.Inline, identity.Inline{Name: fmt.Sprintf("%s.policies[%d]", owner, i), Text: string(p)})
	}
	return a
}

func (c *Config) addKeys(s *identity.Source, account string, u User) error {
	var errs []error
	for _, k := range u.AccessKeys {
		secret := string(k.Secret)
		if k.SecretFile != "" && c.Auth.Mode == AuthSigV4 {
			var err error
			if secret, err = readSecretFile(k.SecretFile); err != nil {
				errs = append(errs, fmt.Errorf("secret_file of access key %s: %w", k.ID, err))
			}
		}
		s.Keys = append(s.Keys, identity.AccessKey{ID: k.ID, Account: account, User: u.Name, Secret: secret, Inactive: k.Inactive})
	}
	return errors.Join(errs...)
}

// AccountsByKey maps access key ids to account ids.
func (c *Config) AccountsByKey() map[string]string {
	accounts := map[string]string{}
	for _, a := range c.Accounts {
		for _, u := range a.Users {
			for _, k := range u.AccessKeys {
				accounts[k.ID] = a.ID
			}
		}
	}
	return accounts
}
