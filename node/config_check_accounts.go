package node

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/identity"
)

// accounts checks ids and names, that none is given twice, and the policies. It
// shows no value but ids and names, because secrets stand beside them.
func (k *checker) accounts(c *Config) {
	accountIDs, keyIDs := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		switch {
		case !matches(`^[0-9]{12}$`, a.ID):
			k.bad(key+".id", a.ID, "must be twelve digits, in quotes")
		case accountIDs[a.ID]:
			k.bad(key+".id", a.ID, "is listed twice")
		}
		accountIDs[a.ID] = true
		k.users(c, key, a.Users, keyIDs)
		k.roles(key, a.Roles)
		k.providers(key, a.OIDCProviders)
		var groups, policies []string
		for _, g := range a.Groups {
			groups = append(groups, g.Name)
		}
		for _, p := range a.Policies {
			policies = append(policies, p.Name)
		}
		k.entityNames(key+".groups", groups, 128)
		k.entityNames(key+".policies", policies, 128)
	}
	if len(k.errs) == 0 {
		k.identities(c) // says less well what the others say
	}
}

// identities makes sure that everything that is attached is there and can be
// read.
func (k *checker) identities(c *Config) {
	source, err := c.identities()
	if err != nil {
		k.badUnseen("accounts", err.Error())
		return
	}
	_, problems := identity.Compile(nil, source)
	for _, p := range problems {
		k.badUnseen("accounts", p.Error())
	}
	switch key, err := c.sealKey(); {
	case err != nil:
		k.badUnseen("auth.seal_key_file", err.Error())
	case key == nil && len(source.Roles) > 0 && c.Auth.Mode == authSigV4:
		k.badUnseen("accounts", "has roles, whose session tokens need a key: give auth.seal_key_file, or the key in "+
			sealKeyVariable+"; \"cairn key generate-seal-key\" makes one")
	}
}

// entityNames checks names of one kind.
func (k *checker) entityNames(key string, names []string, most int) {
	seen := map[string]bool{}
	for i, name := range names {
		at := fmt.Sprintf("%s[%d].name", key, i)
		if problem := identity.NameProblem(name, most); problem != "" {
			k.bad(at, name, problem)
		} else if seen[name] {
			k.bad(at, name, "is listed twice in its account")
		}
		seen[name] = true
	}
}

func (k *checker) users(c *Config, account string, users []User, keyIDs map[string]bool) {
	var names []string
	for i, u := range users {
		key := fmt.Sprintf("%s.users[%d]", account, i)
		names = append(names, u.Name)
		for j, ak := range u.AccessKeys {
			k.accessKey(c, fmt.Sprintf("%s.access_keys[%d]", key, j), ak, keyIDs)
		}
		k.tags(key+".tags", u.Tags)
	}
	k.entityNames(account+".users", names, 64)
}

func (k *checker) accessKey(c *Config, key string, ak AccessKey, seen map[string]bool) {
	switch {
	case !matches(`^[A-Za-z0-9_]{1,128}$`, ak.ID):
		// Not shown: somebody may have put the secret here.
		k.badUnseen(key+".id", "must be 1 to 128 letters, digits and underscores")
	case seen[ak.ID]:
		k.bad(key+".id", ak.ID, "is listed twice")
	}
	seen[ak.ID] = true
	if ak.Secret != "" && ak.SecretFile != "" {
		k.badUnseen(key, "has both secret and secret_file; give one")
	}
	if c.Auth.Mode == authSigV4 && ak.Secret == "" && ak.SecretFile == "" {
		k.badUnseen(key, "has neither secret nor secret_file, and auth.mode sigv4 needs one")
	}
}

func (k *checker) roles(account string, roles []Role) {
	var names []string
	for i, r := range roles {
		key := fmt.Sprintf("%s.roles[%d]", account, i)
		names = append(names, r.Name)
		if r.TrustPolicy == "" {
			k.badUnseen(key, "has no trust_policy")
		}
		if d := r.MaxSessionDuration.Duration; d != 0 && (d < identity.MinSession*time.Second || d > identity.MaxSession*time.Second) {
			k.bad(key+".max_session_duration", d.String(), "must be 1h to 12h")
		}
		k.tags(key+".tags", r.Tags)
	}
	k.entityNames(account+".roles", names, 64)
}

// tags refuses keys that policies could not tell apart.
func (k *checker) tags(key string, tags map[string]string) {
	seen := map[string]bool{}
	for name := range tags {
		lower := strings.ToLower(name)
		if name == "" || seen[lower] {
			k.bad(key, name, "must be there, and differ from the others by more than case")
		}
		seen[lower] = true
	}
}

func (k *checker) providers(account string, providers []OIDCProvider) {
	seen := map[string]bool{}
	for i, p := range providers {
		key := fmt.Sprintf("%s.oidc_providers[%d]", account, i)
		if u, err := url.Parse(p.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
			k.bad(key+".issuer", p.Issuer, "must be an https URL without a query")
		} else if seen[p.Issuer] {
			k.bad(key+".issuer", p.Issuer, "is listed twice in its account")
		}
		seen[p.Issuer] = true
		switch {
		case (p.JWKSFile == "") == (p.JWKSURL == ""):
			k.badUnseen(key, "needs one of jwks_file and jwks_url")
		case p.JWKSURL != "" && !safeURL(p.JWKSURL):
			k.bad(key+".jwks_url", p.JWKSURL, "must be an https URL, or http on a loopback address")
		}
	}
}

func safeURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && err == nil && addr.IsLoopback()
}

// shares checks that accounts are accounts.
func (k *checker) shares(shares []Share) {
	for i, s := range shares {
		key := fmt.Sprintf("shares[%d]", i)
		if s.Namespace == "" {
			k.badUnseen(key, "has no namespace")
		}
		if !identity.IsAccountID(s.Owner) {
			k.bad(key+".owner", s.Owner, "must be twelve digits, in quotes")
		}
		if len(s.With) == 0 {
			k.badUnseen(key, "has no accounts in with")
		}
		for _, with := range s.With {
			if !identity.IsAccountID(with) || with == s.Owner {
				k.bad(key+".with", with, "must be the twelve digits of another account, in quotes")
			}
		}
	}
}
