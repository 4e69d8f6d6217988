package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReloaded(t *testing.T) {
	started, next := Default(), Default()
	next.Region = "eu-west-1"
	next.LogLevel = "debug"
	next.DNS.DefaultTTL = 5
	next.DNS.Forward = []string{"192.0.2.53"}
	next.DNS.RateLimit.Slip = 3
	next.Quotas = Quotas{"services_per_namespace": 1}
	c := Reloaded(started, next)
	if c.LogLevel != "debug" || c.DNS.DefaultTTL != 5 || c.Quotas["services_per_namespace"] != 1 {
		t.Errorf("not reloaded: %+v", c)
	}
	if c.Region != started.Region || c.DNS.Forward != nil || c.DNS.RateLimit.Slip != 2 {
		t.Errorf("reloaded: %+v", c)
	}
	if started.LogLevel != "info" {
		t.Error("the configuration of the start has changed")
	}
	if diff := cmp.Diff([]string{"region", "dns.forward", "dns.rate_limit.slip"}, NeedRestart(started, next)); diff != "" {
		t.Error(diff)
	}
	if keys := NeedRestart(started, started); keys != nil {
		t.Errorf("no change needs a restart: %v", keys)
	}
}

// Every rule in a tag is one that violation knows; an unknown one would panic.
func TestRulesOfTags(t *testing.T) {
	c := Default()
	c.Accounts = []Account{{Users: []User{{AccessKeys: []AccessKey{{}}}}, Roles: []Role{{}}, OIDCProviders: []OIDCProvider{{}}}}
	c.DNS.NameServers, c.DNS.Regions = []NameServer{{}}, []Region{{}}
	c.DNS.TSIGKeys, c.DNS.Transfer = []TSIGKey{{}}, []Transfer{{}}
	c.EtcdEndpoints, c.Join, c.AdminHosts = []string{""}, []string{""}, []string{""}
	c.DNS.APINames, c.DNS.Forward, c.Health.Control = []string{""}, []string{""}, []string{""}
	if err := c.Check(); err == nil {
		t.Error("empty values are accepted")
	}
}
