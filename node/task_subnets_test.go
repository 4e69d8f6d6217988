package node

import (
	"net/netip"
	"testing"

	"github.com/cairn-discovery/cairn/node/config"
)

// Tasks of a subnet without a VPC are in the VPC whose CIDRs contain them.
func TestTaskSubnets(t *testing.T) {
	prefix := func(s string) config.Prefix { return config.Prefix{Prefix: netip.MustParsePrefix(s)} }
	w := &wiring{Node: &Node{}}
	w.cfg.VPCs = []config.VPC{
		{ID: "vpc-wide", CIDRs: []config.Prefix{prefix("10.0.0.0/8")}},
		{ID: "vpc-narrow", CIDRs: []config.Prefix{prefix("10.2.0.0/16")}},
	}
	w.cfg.Runner.Subnets = []config.RunnerSubnet{
		{ID: "a", CIDR: prefix("10.2.0.0/24"), VPC: "vpc-wide"}, {ID: "b", CIDR: prefix("10.2.1.0/24")}, {ID: "c", CIDR: prefix("10.3.0.0/24")},
	}
	w.cfg.Runner.DefaultSubnet = config.RunnerSubnet{CIDR: prefix("192.0.2.0/24")}
	all := w.taskSubnets()
	want := []string{"vpc-wide", "vpc-narrow", "vpc-wide", ""}
	if len(all) != len(want) {
		t.Fatalf("%d subnets", len(all))
	}
	for i, s := range all {
		if s.VPC != want[i] || len(s.DNS) != 1 || s.DNS[0] != s.Gateway || !s.IPv4.Contains(s.Gateway) {
			t.Errorf("%+v, want %q", s, want[i])
		}
	}
}
