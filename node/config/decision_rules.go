package config

import (
	"net/netip"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/domain"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

// Rules returns the rules by which commands are decided.
func (c *Config) Rules() state.Rules {
	return state.Rules{Quotas: quotasOf(c), Registry: registryRules(c), Task: taskRules(c), HostedZones: hostedZoneRules(c), Mesh: meshRules(c)}
}

func hostedZoneRules(c *Config) hostedzone.Rules {
	rules := hostedzone.Rules{Hostmaster: c.DNS.Hostmaster, Strict: c.Strict()}
	for _, s := range c.DNS.NameServers {
		rules.NameServers = append(rules.NameServers, s.Name)
	}
	rules.Regions = append(rules.Regions, c.Region)
	for i := range c.DNS.Regions {
		rules.Regions = append(rules.Regions, c.DNS.Regions[i].Name)
	}
	return rules
}

func registryRules(c *Config) registry.Rules {
	rules := registry.Rules{
		Region:       c.Region,
		Strict:       c.Strict(),
		DefaultTTL:   c.DNS.DefaultTTL,
		Shares:       sharesOf(c),
		EC2Instances: make(map[string]netip.Addr, len(c.EC2Instances)),
	}
	for id, addr := range c.EC2Instances {
		rules.EC2Instances[id] = addr.Addr
	}
	rules.Names = nameRules(c)
	return rules
}

// nameRules returns the rules of DNS names and VPCs of accounts.
func nameRules(c *Config) domain.Rules {
	var rules domain.Rules
	for _, d := range c.DNS.Delegate {
		rules.Delegations = append(rules.Delegations, domain.Delegation{Name: strings.TrimSuffix(d.Name, "."), Account: command.AccountID(d.Account)})
	}
	if c.VPCs == nil {
		return rules
	}
	rules.VPCs = make(map[string][]command.AccountID, len(c.VPCs))
	for _, v := range c.VPCs {
		accounts := make([]command.AccountID, len(v.Accounts))
		for i, id := range v.Accounts {
			accounts[i] = command.AccountID(id)
		}
		rules.VPCs[v.ID] = accounts
	}
	return rules
}
