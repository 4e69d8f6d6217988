package records_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/registry/records"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

// fixture is a state with one public namespace.
type fixture struct {
	*testing.T
	state *state.State
	count uint64
	ns    registry.NamespaceID
}

const account = "000000000000"

func newFixture(t *testing.T) *fixture {
	w := &fixture{T: t, state: new(state.State)}
	id := registry.OperationID(w.do(&registry.CreateNamespace{Name: "Example.com", Type: registry.DNSPublic}).ID)
	op, err := w.state.Registry.Operation(account, id)
	if err != nil {
		t.Fatal(err)
	}
	w.ns = op.Namespace
	return w
}

func (w *fixture) do(c command.Command) command.Reply {
	w.Helper()
	w.count++
	rules := state.Rules{Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}}
	d, err := state.Decide(w.state, &rules, command.Meta{
		Account: account, Now: int64(w.count) * 1000, Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.count)),
	}, c)
	if err != nil {
		w.Fatalf("%+v: %v", c, err)
	}
	w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
	return d.Reply
}

type attrs = map[string]string

// service creates a service of a name with records of some types and a TTL of 30.
func (w *fixture) service(name string, policy registry.RoutingPolicy, custom bool, types ...registry.RecordType) string {
	w.Helper()
	dns := &registry.DNSConfig{Policy: policy}
	for _, t := range types {
		dns.Records = append(dns.Records, registry.DNSRecord{Type: t, TTL: 30})
	}
	c := &registry.CreateService{Name: name, NamespaceRef: string(w.ns), DNS: dns, CustomHealth: custom}
	return string(w.do(c).Value.(*registry.Service).ID)
}

func (w *fixture) register(service, id string, a attrs) {
	w.Helper()
	w.do(&registry.RegisterInstance{ServiceRef: service, ID: registry.InstanceID(id), Attributes: a})
}

// lines returns all records of the zone: what a copy of it has.
func (w *fixture) lines() []string {
	z, ok := w.state.Zones.Zone(records.ZoneID(w.ns))
	if !ok {
		w.Fatal("no zone")
	}
	lines := []string{}
	for n := range w.state.Zones.Names(z) {
		for _, set := range n.All(&w.state.Zones, false) {
			for _, data := range set.Data {
				lines = append(lines, fmt.Sprintf("%s %d %d %x", dnswire.Text(n.Name()), set.TTL, set.Type, data))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// srv returns the data of an SRV record to a host of web.example.com.
func srv(weight, port uint16, labels string) string {
	return fmt.Sprintf("0001%04x%04x%x", weight, port, labels+"\x03web\x07example\x03com\x00")
}

// What each kind of instance is in the DNS.
func TestRecordsOfInstances(t *testing.T) {
	const v4, v6 = registry.AttrIPv4, registry.AttrIPv6
	for _, c := range []struct {
		what   string
		policy registry.RoutingPolicy
		types  []registry.RecordType
		id     string
		attrs  attrs
		want   []string
	}{
		{"A", "", []registry.RecordType{"A"}, "i", attrs{v4: "10.0.0.1"}, []string{"web.example.com. 30 1 0a000001"}},
		{"A and AAAA, with both", "", []registry.RecordType{"A", "AAAA"}, "i", attrs{v4: "10.0.0.1", v6: "2001:db8::1"},
			[]string{"web.example.com. 30 1 0a000001", "web.example.com. 30 28 20010db8000000000000000000000001"}},
		{"A and AAAA, with one", "", []registry.RecordType{"A", "AAAA"}, "i", attrs{v6: "2001:db8::1"},
			[]string{"web.example.com. 30 28 20010db8000000000000000000000001"}},
		{"an address of a type that the service has not", "", []registry.RecordType{"A"}, "i", attrs{v4: "10.0.0.1", v6: "2001:db8::1"},
			[]string{"web.example.com. 30 1 0a000001"}},
		{"SRV", "", []registry.RecordType{"SRV"}, "i", attrs{v4: "10.0.0.1", registry.AttrPort: "80"},
			[]string{"web.example.com. 30 33 " + srv(1, 80, "\x01i"), "i.web.example.com. 30 1 0a000001"}},
		{"SRV with dots in the id", "", []registry.RecordType{"SRV"}, "10.0.0.1", attrs{v4: "10.0.0.1", registry.AttrPort: "80"},
			[]string{"web.example.com. 30 33 " + srv(1, 80, "\x0210\x010\x010\x011"), "10.0.0.1.web.example.com. 30 1 0a000001"}},
		{"SRV with a colon in the id", "", []registry.RecordType{"SRV"}, "a:1", attrs{v4: "10.0.0.1", registry.AttrPort: "80"},
			[]string{"web.example.com. 30 33 " + srv(1, 80, "\x08x--a-3a1"), "x--a-3a1.web.example.com. 30 1 0a000001"}},
		{"SRV by weight", registry.Weighted, []registry.RecordType{"SRV"}, "i", attrs{v4: "10.0.0.1", registry.AttrPort: "80", registry.AttrWeight: "7"},
			[]string{"web.example.com. 30 33 " + srv(7, 80, "\x01i"), "i.web.example.com. 30 1 0a000001"}},
		{"A and SRV", "", []registry.RecordType{"A", "SRV"}, "i", attrs{v4: "10.0.0.1", registry.AttrPort: "80"},
			[]string{"web.example.com. 30 1 0a000001", "web.example.com. 30 33 " + srv(1, 80, "\x01i"), "i.web.example.com. 30 1 0a000001"}},
		{"CNAME", registry.Weighted, []registry.RecordType{"CNAME"}, "i", attrs{registry.AttrCNAME: "x.example.net"},
			[]string{fmt.Sprintf("web.example.com. 30 5 %x", "\x01x\x07example\x03net\x00")}},
		{"an alias", registry.Weighted, []registry.RecordType{"A"}, "i", attrs{registry.AttrAliasDNSName: "x.example.net"}, []string{}},
	} {
		w := newFixture(t)
		svc := w.service("web", c.policy, false, c.types...)
		w.register(svc, c.id, c.attrs)
		slices.Sort(c.want)
		if diff := cmp.Diff(c.want, w.lines()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.what, diff)
		}
		w.do(&registry.DeregisterInstance{ServiceRef: svc, ID: registry.InstanceID(c.id)})
		if left := w.lines(); len(left) != 0 {
			t.Errorf("%s: left after the deregistration: %q", c.what, left)
		}
	}
}

// Health, changes of the service and the zone reach the zones.
func TestChanges(t *testing.T) {
	w := newFixture(t)
	svc := w.service(".", "", true, "A")
	w.register(svc, "a", attrs{registry.AttrIPv4: "10.0.0.1"})
	w.register(svc, "b", attrs{registry.AttrIPv4: "10.0.0.2"})
	expect := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(append([]string{}, want...), w.lines()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	const one, two = "example.com. 30 1 0a000001", "example.com. 30 1 0a000002"
	expect("the service \".\" is the namespace", one, two)
	set := func(id registry.InstanceID, h registry.Health) {
		w.do(&registry.SetCustomHealth{ServiceRef: svc, ID: id, Health: h})
	}
	set("a", registry.Unhealthy)
	expect("one is unhealthy", two)
	set("b", registry.Unhealthy)
	expect("all are unhealthy", one, two)
	set("a", registry.Healthy)
	expect("one is healthy again", one)
	w.do(&registry.UpdateService{Ref: svc, Records: []registry.DNSRecord{{Type: "A", TTL: 77}}})
	expect("another TTL", strings.Replace(one, "30", "77", 1))
	w.register(svc, "a", attrs{registry.AttrIPv4: "10.0.0.9"})
	if z, ok := w.state.Zones.Zone(zone.ID(w.ns)); !ok || !z.Public || z.Created != 1000 || z.Account != account || z.Name != "Example.com" {
		t.Errorf("zone %+v", z)
	}
}
