package node

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/internal/oidc"
	"github.com/cairn-discovery/cairn/internal/seal"
)

// sealKeyVariable is the environment variable that can give the seal key.
const sealKeyVariable = "CAIRN_SEAL_KEY"

// sealKey returns the key, or nil where none is given.
func (c *Config) sealKey() (*seal.Key, error) {
	text := string(c.SealKey)
	if c.Auth.SealKeyFile != "" {
		var err error
		if text, err = readSecretFile(c.Auth.SealKeyFile); err != nil {
			return nil, err
		}
	}
	if text == "" {
		return nil, nil
	}
	return seal.ParseKey(text)
}

// adminTokenVariable is the environment variable that can give the admin token.
const adminTokenVariable = "CAIRN_ADMIN_TOKEN"

// minAdminToken is short enough to be typed and too long to be guessed.
const minAdminToken = 16

// adminToken returns the token, or nothing where none is given.
func (c *Config) adminToken() (string, error) {
	token := string(c.AdminToken)
	if c.AdminTokenFile != "" {
		var err error
		if token, err = readSecretFile(c.AdminTokenFile); err != nil {
			return "", err
		}
	}
	if token != "" && len(token) < minAdminToken || c.AdminTokenFile != "" && token == "" {
		return "", fmt.Errorf("the admin token must have %d characters or more", minAdminToken)
	}
	return token, nil
}

// maxSecretFile bounds a file with a secret.
const maxSecretFile = 4096

// readSecretFile reads a secret. Errors name the file and nothing in it.
func readSecretFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, errors.Unwrap(err))
	}
	if len(b) > maxSecretFile {
		return "", fmt.Errorf("%s is too long to be a secret", name)
	}
	return strings.TrimSpace(string(b)), nil
}

// identities are what the configuration file says about who there is.
func (c *Config) identities() (*identity.Source, error) {
	s := new(identity.Source)
	var errs []error
	for _, a := range c.Accounts {
		for _, p := range a.Policies {
			s.Policies = append(s.Policies, identity.Policy{Account: a.ID, Name: p.Name, Text: string(p.Document)})
		}
		for _, g := range a.Groups {
			s.Groups = append(s.Groups, identity.Group{Account: a.ID, Name: g.Name, Attached: attached(g.Name, g.Policies, g.ManagedPolicies, "")})
		}
		for _, r := range a.Roles {
			s.Roles = append(s.Roles, identity.Role{
				Account: a.ID, Name: r.Name, Trust: string(r.TrustPolicy), MaxSession: int64(r.MaxSessionDuration.Seconds()),
				Attached: attached(r.Name, r.Policies, r.ManagedPolicies, r.PermissionsBoundary), Tags: r.Tags,
			})
		}
		for _, u := range a.Users {
			s.Users = append(s.Users, identity.User{
				Account: a.ID, Name: u.Name, Groups: u.Groups, Tags: u.Tags,
				Attached: attached(u.Name, u.Policies, u.ManagedPolicies, u.PermissionsBoundary),
			})
			errs = append(errs, c.addKeys(s, a.ID, u))
		}
	}
	return s, errors.Join(errs...)
}

func attached(owner string, policies []Policy, managed []string, boundary string) identity.Attached {
	a := identity.Attached{Managed: managed, Boundary: boundary}
	for i, p := range policies {
		a.Inline = append(a.Inline, identity.Inline{Name: fmt.Sprintf("%s.policies[%d]", owner, i), Text: string(p)})
	}
	return a
}

// addKeys reads the files of secrets too, unless nobody has to sign.
func (c *Config) addKeys(s *identity.Source, account string, u User) error {
	var errs []error
	for _, k := range u.AccessKeys {
		secret := string(k.Secret)
		if k.SecretFile != "" && c.Auth.Mode == authSigV4 {
			var err error
			if secret, err = readSecretFile(k.SecretFile); err != nil {
				errs = append(errs, fmt.Errorf("secret_file of access key %s: %w", k.ID, err))
			}
		}
		s.Keys = append(s.Keys, identity.AccessKey{ID: k.ID, Account: account, User: u.Name, Secret: secret, Inactive: k.Inactive})
	}
	return errors.Join(errs...)
}

// providers are the issuers whose tokens are accepted.
func (c *Config) providers(log *slog.Logger) []sts.Provider {
	var all []sts.Provider
	for _, a := range c.Accounts {
		for _, p := range a.OIDCProviders {
			audiences := p.Audiences
			if len(audiences) == 0 {
				audiences = []string{"sts.amazonaws.com"}
			}
			all = append(all, sts.Provider{
				ARN: identity.ProviderARN(a.ID, p.Issuer),
				Verifier: &oidc.Verifier{
					Issuer: p.Issuer, Audiences: audiences, Keys: oidc.NewKeys(oidc.Location{File: p.JWKSFile, URL: p.JWKSURL, Logger: log}),
				},
			})
		}
	}
	return all
}

// sharesOf are the shares that the configuration makes.
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
