package xfr

import (
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
)

// put stores a record set of type A: with addresses, or an alias.
func (f *fixture) put(id hostedzone.ID, name string, alias *hostedzone.Alias, addresses ...string) {
	f.Helper()
	set := &hostedzone.RecordSet{Name: wire(f, name), Type: dnswire.TypeA, Values: addresses, Alias: alias}
	if alias == nil {
		set.TTL = 30
	}
	f.do(&hostedzone.ChangeSets{Zone: id, Changes: []hostedzone.SetChange{{Action: hostedzone.UpsertSet, Set: set}}})
}

// An alias has the records of its target in a copy, and follows them: in its own zone, in
// another one, through another alias, and in the zone of a namespace.
func TestAliases(t *testing.T) {
	f := newFixture(t)
	create := func(name string) hostedzone.ID {
		return f.do(&hostedzone.Create{Name: name, CallerReference: name}).Value.(*hostedzone.HostedZone).ID
	}
	own, other := create(zoneName), create("other.example.net")
	ns := f.namespace("ns.example.net")
	web := f.service(ns, "web", registry.RecordA)
	f.register(web, "i-1", "192.0.2.3")
	namespace, _ := f.state.Registry.Namespace("000000000000", registry.NamespaceID(ns))
	f.put(own, "www."+zoneName, nil, "192.0.2.1")
	f.put(other, "www.other.example.net", nil, "192.0.2.2")
	f.put(own, "near."+zoneName, &hostedzone.Alias{Zone: own, Name: wire(t, "www."+zoneName)})
	f.put(other, "step.other.example.net", &hostedzone.Alias{Zone: other, Name: wire(t, "www.other.example.net")})
	f.put(own, "far."+zoneName, &hostedzone.Alias{Zone: other, Name: wire(t, "step.other.example.net")})
	f.put(own, "ns."+zoneName, &hostedzone.Alias{Zone: hostedzone.ID(namespace.HostedZoneID), Name: wire(t, "web.ns.example.net"), Evaluate: true})
	f.put(own, "outside."+zoneName, &hostedzone.Alias{Zone: "ZELSEWHERE", Name: wire(t, "lb.example.com")})
	all := func() (uint32, []string) {
		_, rrs := f.transfer(query(t, 0))
		return serial(t, rrs), text(rrs[1 : len(rrs)-1])
	}
	has := func(want ...string) {
		t.Helper()
		_, lines := all()
		var got []string
		for _, line := range lines {
			if strings.Contains(line, " A ") && !strings.HasPrefix(line, "api.") {
				got = append(got, line[:strings.IndexByte(line, '.')]+line[strings.Index(line, " A ")+2:])
			}
		}
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	has("www 192.0.2.1", "near 192.0.2.1", "far 192.0.2.2", "ns 192.0.2.3")
	f.put(own, "www."+zoneName, nil, "192.0.2.10") // there are no changes from the first revision that was asked for
	from, copied := all()
	f.put(own, "www."+zoneName, nil, "192.0.2.11")
	f.put(other, "www.other.example.net", nil, "192.0.2.12")
	f.register(web, "i-2", "192.0.2.13")
	has("www 192.0.2.11", "near 192.0.2.11", "far 192.0.2.12", "ns 192.0.2.13", "ns 192.0.2.3")
	f.put(other, "step.other.example.net", nil, "192.0.2.21")
	f.deregister(web, "i-1")
	f.put(own, "near."+zoneName, nil, "192.0.2.22")
	has("www 192.0.2.11", "near 192.0.2.22", "far 192.0.2.21", "ns 192.0.2.13")
	_, diff := f.transfer(query(t, from))
	if _, newest := all(); !slices.Equal(apply(t, from, copied, diff), newest) {
		t.Errorf("the changes do not lead to the newest version: %v", diff)
	}
	f.do(&hostedzone.ChangeSets{Zone: own, Changes: []hostedzone.SetChange{{Action: hostedzone.DeleteSet, Set: &hostedzone.RecordSet{
		Name: wire(t, "far."+zoneName), Type: dnswire.TypeA, Alias: &hostedzone.Alias{Zone: other, Name: wire(t, "step.other.example.net")},
	}}}})
	has("www 192.0.2.11", "near 192.0.2.22", "ns 192.0.2.13")
}
