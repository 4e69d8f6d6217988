package config

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/dns/view"
)

// VPC is a network whose clients see its private namespaces.
type VPC struct {
	// ID is the VPC's id.
	ID string `yaml:"id"`
	// CIDRs are the source addresses that belong to it. If the CIDRs of several
	// VPCs contain a client, the longest prefix decides; a client in a prefix that
	// several VPCs have is in all of these.
	CIDRs []Prefix `yaml:"cidrs"`
	// Accounts may have private namespaces in the VPC. None: every account may.
	Accounts []string `yaml:"accounts"`
}

func checkVPCs(k *checker, vpcs []VPC) {
	seen := map[string]bool{}
	for i, v := range vpcs {
		key := fmt.Sprintf("vpcs[%d].id", i)
		switch {
		case !matches(`^[!-~]{1,64}$`, v.ID):
			k.fail(key, v.ID, "must be 1 to 64 printable characters without spaces, such as vpc-12345678")
		case seen[v.ID]:
			k.fail(key, v.ID, "is listed twice")
		}
		seen[v.ID] = true
		for j, account := range v.Accounts {
			if !command.AccountID(account).Valid() {
				k.fail(fmt.Sprintf("vpcs[%d].accounts[%d]", i, j), account, "must be twelve digits, in quotes")
			}
		}
	}
}

func checkEC2Instances(k *checker, instances map[string]Addr) {
	for id, addr := range instances {
		if id == "" || !addr.Is4() {
			k.fail("ec2_instances", id, "must map an instance id to its private IPv4 address")
		}
	}
}

func checkViews(k *checker, c *Config) {
	if _, err := c.Views(); err != nil {
		k.failHidden("vpcs", err.Error())
	}
}

// Views returns what each client of DNS may see. Tasks are in the VPC of their subnet.
func (c *Config) Views() (*view.Table, error) {
	cfg := view.Config{Trusted: Prefixes(c.DNS.Trusted)}
	if c.VPCs != nil {
		cfg.VPCs = []view.VPC{}
	}
	for _, v := range c.VPCs {
		vpc := view.VPC{ID: v.ID, CIDRs: append(Prefixes(v.CIDRs), c.Runner.cidrs(v.ID)...)}
		if len(v.Accounts) == 1 {
			vpc.Owner = command.AccountID(v.Accounts[0])
		}
		cfg.VPCs = append(cfg.VPCs, vpc)
	}
	return view.New(cfg)
}
