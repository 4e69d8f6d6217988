package config

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// Tasks are in the VPC of their subnet, whether the CIDRs of the VPC say so or not.
func TestTasksAreInTheVPCOfTheirSubnet(t *testing.T) {
	const text = `
vpcs:
  - {id: vpc-a, cidrs: [10.20.0.0/16]}
  - {id: vpc-b}
runner:
  driver: DRIVER
  subnets:
    - {id: s-1, cidr: 10.30.1.0/24, cidr_ipv6: "fd30::/64", vpc: vpc-b}
    - {id: s-2, cidr: 10.20.0.0/16, vpc: vpc-a}
    - {id: s-3, cidr: 10.40.0.0/24}
  default_subnet: {cidr: 10.50.0.0/16, vpc: vpc-a}
`
	for driver, want := range map[string]map[string][]string{
		"process": {"10.30.1.9": {"vpc-b"}, "fd30::9": {"vpc-b"}, "10.20.3.4": {"vpc-a"}, "10.50.0.9": {"vpc-a"}, "10.40.0.9": nil, "10.30.2.9": nil},
		"none":    {"10.30.1.9": nil, "10.20.3.4": {"vpc-a"}, "10.50.0.9": nil},
	} {
		c, err := load(t, strings.Replace(text, "DRIVER", driver, 1))
		if err != nil {
			t.Fatal(err)
		}
		views, err := c.Views()
		if err != nil {
			t.Fatal(err)
		}
		for address, vpcs := range want {
			if got := views.Lookup(netip.MustParseAddr(address)); !slices.Equal(got.VPCs, vpcs) || got.Trusted {
				t.Errorf("driver %s: %s is in %q, want %q", driver, address, got.VPCs, vpcs)
			}
		}
	}
}
