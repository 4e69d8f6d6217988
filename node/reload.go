package node

import (
	"errors"
	"net/netip"
	"reflect"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

// Reload takes over what can change while the node runs: accounts, VPCs, who is
// trusted, EC2 instances, shares, quotas, rates, the default TTL and the log level;
// and it reads the files of the certificate again and opens the audit file anew. It changes nothing if the
// configuration is wrong. Other keys that differ from those the node was
// started with need a restart; Reload logs them.
func (n *Node) Reload(cfg Config) error {
	if err := cfg.Check(); err != nil {
		return errors.Join(errors.New("reload: the configuration is wrong; the one before it stays"), err)
	}
	n.adopt(&cfg)
	if n.audit != nil {
		n.audit.Reopen()
	}
	if err := n.renew(); err != nil {
		n.log.Warn("the certificate stays as it was", "error", err)
	}
	n.log.Info("configuration reloaded")
	if keys := fixedChanges(n.cfg, cfg); len(keys) > 0 {
		n.log.Warn("these changes need a restart", "keys", keys)
	}
	return nil
}

// adopt makes c's reloadable values the ones in use.
func (n *Node) adopt(c *Config) {
	n.level.Set(levelOf(c.LogLevel))
	// Region and compatibility are what the registry was written with so far,
	// so they stay as they were at the start.
	fixed := *c
	fixed.Region, fixed.Compatibility = n.cfg.Region, n.cfg.Compatibility
	n.rules.Store(new(rulesOf(&fixed)))
	n.accounts.Store(new(accountsOf(c)))
	n.directory.adopt(c)
	n.limits.adopt(c)
	if views, err := viewsOf(c); err == nil { // Check has seen to it
		n.views.Store(views)
	}
}

// currentRules gives every part that decides the rules of the moment.
func (n *Node) currentRules() *state.Rules { return n.rules.Load() }

// accountOf says whose an access key is. Keys that are not listed belong to
// the default account, which open mode is for.
func (n *Node) accountOf(accessKeyID string) (accountID string, listed bool) {
	accountID, listed = (*n.accounts.Load())[accessKeyID]
	return accountID, listed
}

func rulesOf(c *Config) state.Rules {
	return state.Rules{Quotas: quotasOf(c), Registry: registryRulesOf(c)}
}

func registryRulesOf(c *Config) registry.Rules {
	rules := registry.Rules{
		Region:       c.Region,
		Strict:       c.Compatibility == compatStrict,
		DefaultTTL:   c.DNS.DefaultTTL,
		Shares:       sharesOf(c),
		EC2Instances: make(map[string]netip.Addr, len(c.EC2Instances)),
	}
	for id, addr := range c.EC2Instances {
		rules.EC2Instances[id] = addr.Addr
	}
	if c.VPCs != nil {
		rules.VPCs = make(map[string]bool, len(c.VPCs))
		for _, v := range c.VPCs {
			rules.VPCs[v.ID] = true
		}
	}
	return rules
}

// accountsOf maps access key ids to account ids.
func accountsOf(c *Config) map[string]string {
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

// fixedChanges names the keys that differ and cannot be reloaded.
func fixedChanges(before, after Config) []string {
	reloadable := map[string]bool{
		"accounts": true, "shares": true, "vpcs": true, "ec2_instances": true, "quotas": true, "rates": true, "log_level": true,
	}
	before.DNS.DefaultTTL, after.DNS.DefaultTTL = 0, 0
	before.DNS.Trusted, after.DNS.Trusted = nil, nil
	var keys []string
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		key := b.Type().Field(i).Tag.Get("yaml")
		if key == "-" || reloadable[key] {
			continue
		}
		if !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			keys = append(keys, key)
		}
	}
	return keys
}
