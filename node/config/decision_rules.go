package config

import (
	"net/netip"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

// Rules returns the rules by which commands are decided.
func (c *Config) Rules() state.Rules {
	return state.Rules{Quotas: quotasOf(c), Registry: registryRules(c)}
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
	if c.VPCs != nil {
		rules.VPCs = make(map[string]bool, len(c.VPCs))
		for _, v := range c.VPCs {
			rules.VPCs[v.ID] = true
		}
	}
	return rules
}
