package node

import (
	"errors"
	"log/slog"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	adminidentity "github.com/cairn-discovery/cairn/edge/admin/identity"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
	"github.com/cairn-discovery/cairn/internal/oidc"
	"github.com/cairn-discovery/cairn/node/config"
)

// fileIdentities are those of the configuration. They never change; a reload
// makes new ones.
type fileIdentities struct {
	source    *identity.Source
	providers []sts.Provider
}

// setIdentities makes the identities of c, which Check has accepted, the current
// ones.
func (n *Node) setIdentities(c *config.Config) {
	source, err := c.Identities()
	if err != nil {
		n.log.Error("the identities of the configuration stay as they were", "error", err)
		return
	}
	n.directory.file.Store(&fileIdentities{source, providersOf(c, n.log.With("part", "identities"))})
}

// compileDirectory makes the directory of the identities of the configuration
// and the store.
func (n *Node) compileDirectory(file *fileIdentities, stored identity.State) *identity.Directory {
	compiled, problems := identity.Compile(n.catalog, n.openSecret, file.source, stored.Source())
	for _, problem := range problems {
		n.log.Warn("an identity cannot be used", "part", "identities", "about", problem.About, "problem", problem.Err)
	}
	return compiled
}

// storedIdentities returns the identities in the store: none until the node runs.
func (n *Node) storedIdentities() identity.State {
	if r := n.replica.Load(); r != nil {
		return r.Current().Identity
	}
	return identity.State{}
}

// openSecret returns the secret of a key in the store.
func (n *Node) openSecret(k *identity.AccessKey) (string, error) {
	if n.sealKey == nil {
		return "", errors.New("its secret is sealed, and there is no seal key: give auth.seal_key_file")
	}
	secret, err := n.sealKey.Open(k.Sealed, adminidentity.SealContext(k.ID))
	return string(secret), err
}

// identitySource returns the identities of the configuration.
func (n *Node) identitySource() *identity.Source { return n.directory.file.Load().source }

// identityProviders returns the issuers whose tokens are accepted.
func (n *Node) identityProviders() []sts.Provider { return n.directory.file.Load().providers }

func providersOf(c *config.Config, log *slog.Logger) []sts.Provider {
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

// mergeRates returns the request rates of the configuration with those that the
// store has for single accounts in their place.
func mergeRates(file *throttle.Rates, stored identity.State) *throttle.Rates {
	if !stored.HasSettings() {
		return file
	}
	rates := &throttle.Rates{Default: file.Default, Accounts: map[command.AccountID]throttle.Set{}}
	for id, set := range file.Accounts {
		rates.Accounts[id] = set
	}
	for id, a := range stored.Accounts() {
		if len(a.Rates) > 0 {
			rates.Accounts[command.AccountID(id)] = overrideRates(file.Of(command.AccountID(id)), a.Rates)
		}
	}
	return rates
}

func overrideRates(set throttle.Set, rates map[string]command.Rate) throttle.Set {
	for name, rate := range rates {
		if class, ok := command.ParseRateClass(name); ok {
			set[class] = command.Rate(rate)
		}
	}
	return set
}

// noUsers is the warning about a node that no one can call.
const noUsers = "auth.mode is sigv4 and there are no users, so every call is refused: add users with access keys to accounts in the" +
	" configuration, or make them on the running node with \"cairn user create\" and \"cairn key create\""

// warnWithoutUsers warns if neither the configuration nor the store has a user or
// a role.
func (n *Node) warnWithoutUsers() {
	if n.cfg.Auth.Mode == config.AuthSigV4 && len(n.directory.current().Principals()) == 0 {
		n.log.Warn(noUsers)
	}
}
