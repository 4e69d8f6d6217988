package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws"
)

// checkAccounts checks ids and names, and that none is given twice. It shows no
// value but ids and names, because secrets stand beside them.
func checkAccounts(k *checker, c *Config) {
	accountIDs, keyIDs := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		switch {
		case !matches(`^[0-9]{12}$`, a.ID):
			k.fail(key+".id", a.ID, "must be twelve digits, in quotes")
		case accountIDs[a.ID]:
			k.fail(key+".id", a.ID, "is listed twice")
		}
		accountIDs[a.ID] = true
		checkUsers(k, c, key, a.Users, keyIDs)
		checkRoles(k, key, a.Roles)
		checkProviders(k, key, a.OIDCProviders)
		var groups, policies []string
		for _, g := range a.Groups {
			groups = append(groups, g.Name)
		}
		for _, p := range a.Policies {
			policies = append(policies, p.Name)
		}
		checkNames(k, key+".groups", groups, 128)
		checkNames(k, key+".policies", policies, 128)
		checkQuotas(k, key+".", a.Quotas)
		checkRates(k, key+".", a.Rates)
	}
}

// checkIdentities checks that everything that is attached exists and can be
// read.
func checkIdentities(k *checker, c *Config) {
	source, err := c.Identities()
	if err != nil {
		k.failHidden("accounts", err.Error())
		return
	}
	catalog, err := aws.Catalog()
	if err != nil {
		k.failHidden("accounts", err.Error())
		return
	}
	_, problems := identity.Compile(catalog, nil, source)
	for _, p := range problems {
		k.failHidden("accounts", p.Error())
	}
	switch key, err := c.Auth.Key(); {
	case err != nil:
		k.failHidden("auth.seal_key_file", err.Error())
	case key == nil && len(source.Roles) > 0 && c.Auth.Mode == AuthSigV4:
		k.failHidden("accounts", "has roles, whose session tokens need a key: give auth.seal_key_file, or the key in "+
			"CAIRN_SEAL_KEY; \"cairn key generate-seal-key\" makes one")
	}
}

// checkNames checks the names of all entities of one kind in an account.
func checkNames(k *checker, key string, names []string, most int) {
	seen := map[string]bool{}
	for i, name := range names {
		at := fmt.Sprintf("%s[%d].name", key, i)
		if err := identity.ValidateName(name, most); err != nil {
			k.fail(at, name, err.Error())
		} else if seen[name] {
			k.fail(at, name, "is listed twice in its account")
		}
		seen[name] = true
	}
}

func checkUsers(k *checker, c *Config, account string, users []User, keyIDs map[string]bool) {
	var names []string
	for i, u := range users {
		key := fmt.Sprintf("%s.users[%d]", account, i)
		names = append(names, u.Name)
		for j, ak := range u.AccessKeys {
			checkAccessKey(k, c, fmt.Sprintf("%s.access_keys[%d]", key, j), ak, keyIDs)
		}
		checkTags(k, key+".tags", u.Tags)
	}
	checkNames(k, account+".users", names, 64)
}

func checkAccessKey(k *checker, c *Config, key string, ak AccessKey, seen map[string]bool) {
	switch {
	case !matches(`^[A-Za-z0-9_]{1,128}$`, ak.ID):
		// Not shown: it may be the secret, in the wrong place.
		k.failHidden(key+".id", "must be 1 to 128 letters, digits and underscores")
	case seen[ak.ID]:
		k.fail(key+".id", ak.ID, "is listed twice")
	}
	seen[ak.ID] = true
	if ak.Secret != "" && ak.SecretFile != "" {
		k.failHidden(key, "has both secret and secret_file; give one")
	}
	if c.Auth.Mode == AuthSigV4 && ak.Secret == "" && ak.SecretFile == "" {
		k.failHidden(key, "has neither secret nor secret_file, and auth.mode sigv4 needs one")
	}
}

func checkRoles(k *checker, account string, roles []Role) {
	var names []string
	for i, r := range roles {
		key := fmt.Sprintf("%s.roles[%d]", account, i)
		names = append(names, r.Name)
		if r.TrustPolicy == "" {
			k.failHidden(key, "has no trust_policy")
		}
		if d := r.MaxSessionDuration.Duration; d != 0 && (d < identity.MinSession*time.Second || d > identity.MaxSession*time.Second) {
			k.fail(key+".max_session_duration", d.String(), "must be 1h to 12h")
		}
		checkTags(k, key+".tags", r.Tags)
	}
	checkNames(k, account+".roles", names, 64)
}

// checkTags refuses keys that policies could not distinguish.
func checkTags(k *checker, key string, tags map[string]string) {
	seen := map[string]bool{}
	for name := range tags {
		lower := strings.ToLower(name)
		if name == "" || seen[lower] {
			k.fail(key, name, "must be there, and differ from the others by more than case")
		}
		seen[lower] = true
	}
}

func checkProviders(k *checker, account string, providers []OIDCProvider) {
	seen := map[string]bool{}
	for i, p := range providers {
		key := fmt.Sprintf("%s.oidc_providers[%d]", account, i)
		if u, err := url.Parse(p.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
			k.fail(key+".issuer", p.Issuer, "must be an https URL without a query")
		} else if seen[p.Issuer] {
			k.fail(key+".issuer", p.Issuer, "is listed twice in its account")
		}
		seen[p.Issuer] = true
		switch {
		case (p.JWKSFile == "") == (p.JWKSURL == ""):
			k.failHidden(key, "needs one of jwks_file and jwks_url")
		case p.JWKSURL != "" && !isSafeURL(p.JWKSURL):
			k.fail(key+".jwks_url", p.JWKSURL, "must be an https URL, or http on a loopback address")
		}
	}
}

func isSafeURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && err == nil && addr.IsLoopback()
}
