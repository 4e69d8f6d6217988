package hostedzone_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
)

// namespaceZone makes a namespace whose services are above, below and beside each other,
// and whose instances have names of hosts that are equal, and that are written in another
// order than they are stored.
func (w *fixture) namespaceZone() *registry.Namespace {
	w.do(&registry.CreateNamespace{Name: "Shop.test", Type: registry.DNSPrivate, VPC: "vpc-1"})
	var id registry.NamespaceID
	for ns := range w.state.Registry.AllNamespaces() {
		id = ns.ID
	}
	for _, s := range []struct {
		name    string
		records []registry.RecordType
	}{
		{".", []registry.RecordType{registry.RecordA}}, {"a", []registry.RecordType{registry.RecordSRV}}, {"x.a", []registry.RecordType{registry.RecordSRV}},
		{"a-b", []registry.RecordType{registry.RecordA, registry.RecordAAAA}}, {"B.a", []registry.RecordType{registry.RecordA}}, {"none", nil}, {"empty", []registry.RecordType{registry.RecordA}},
	} {
		c := &registry.CreateService{NamespaceRef: string(id), Name: s.name, HTTPOnly: s.records == nil}
		for _, t := range s.records {
			if c.DNS == nil {
				c.DNS = &registry.DNSConfig{}
			}
			c.DNS.Records = append(c.DNS.Records, registry.DNSRecord{Type: t, TTL: 60})
		}
		svc := w.do(c).Value.(*registry.Service)
		if s.name == "empty" {
			continue
		}
		for i, instance := range []string{"x", "X.x", "z_1", "a@b", "B", "a-", "9"} {
			w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: registry.InstanceID(instance), Attributes: map[string]string{
				registry.AttrIPv4: fmt.Sprintf("10.0.0.%d", i), registry.AttrIPv6: fmt.Sprintf("fd00::%d", i), registry.AttrPort: "80",
			}})
		}
	}
	ns, _ := w.state.Registry.Namespace(w.account, id)
	return ns
}

// A list can begin at every record set, and reads only the services that it reaches.
func TestNamespaceZone(t *testing.T) {
	w := newFixture(t)
	ns := w.namespaceZone()
	reached := map[string]bool{}
	z := hostedzone.NewNamespaceZone(ns, &w.rules.HostedZones, func(svc *registry.Service) *hostedzone.ServiceSets {
		reached[svc.Name] = true
		return hostedzone.SetsOfService(ns, svc)
	})
	key := func(s *hostedzone.RecordSet) string {
		return hostedzone.Reversed(s.Name) + "\x00" + s.TypeName() + "\x00" + s.SetID
	}
	all := slices.Collect(z.From("", "", ""))
	if !slices.IsSortedFunc(all, func(a, b *hostedzone.RecordSet) int { return compare(key(a), key(b)) }) {
		t.Error("not in order")
	}
	seen := map[string]bool{}
	for i, s := range all {
		if seen[key(s)] {
			t.Errorf("%q twice", key(s))
		}
		seen[key(s)] = true
		if got := slices.Collect(z.From(s.Name, s.TypeName(), s.SetID)); !slices.EqualFunc(got, all[i:], func(a, b *hostedzone.RecordSet) bool { return key(a) == key(b) }) {
			t.Errorf("from %q: %d of %d", key(s), len(got), len(all)-i)
		}
	}
	if z.Len() != len(all) || len(all) < 2+7*6 {
		t.Errorf("%d record sets", len(all))
	}
	clear(reached)
	for s := range z.From("\x05empty\x04shop\x04test\x00", "", "") {
		t.Errorf("%s is after the last", s.Text())
	}
	if len(reached) > 2 { // the service and the one at the apex
		t.Errorf("reached %v", reached)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
