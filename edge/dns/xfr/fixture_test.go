package xfr

import (
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/replica"
)

const zoneName = "services.example.com"

// fixture is a Server for a state that commands change at once.
type fixture struct {
	testing.TB
	*Server
	state   *state.State
	rules   state.Rules
	count   uint64
	changes []Change
}

func (f *fixture) Current() *replica.Snapshot { return &replica.Snapshot{State: f.state} }

// newFixture returns a Server with a rule that allows loopback clients to transfer the
// zone.
func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{TB: t, state: new(state.State), rules: state.Rules{Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}}}
	cfg := Config{
		Source: f, Logger: slog.New(slog.DiscardHandler),
		Rules: []Rule{{Zone: zoneName, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}},
		Apex: Apex{
			Servers: []string{wire(t, "ns1.example.net"), wire(t, "ns2.example.net"), wire(t, "NS1.example.net")},
			NSTTL:   172800,
			SOA:     []byte(wire(t, "ns1.example.net") + wire(t, "hostmaster.example.net")),
			Timers:  [3]uint32{7200, 900, 1209600},
			Fixed:   fixedNames(t),
		},
		Changed: func(c Change) { f.changes = append(f.changes, c) },
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if f.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return f
}

func fixedNames(t testing.TB) *zone.Fixed {
	t.Helper()
	local := netip.MustParseAddr("127.0.0.1")
	f, err := zone.NewFixed([]zone.FixedName{{Name: "api." + zoneName, Addrs: []netip.Addr{local, netip.MustParseAddr("::1"), local}}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func wire(t testing.TB, name string) string {
	t.Helper()
	w, ok := dnswire.ParseName(name)
	if !ok {
		t.Fatalf("%q is not a name", name)
	}
	return w
}

func (f *fixture) do(op command.Command) command.Reply {
	f.Helper()
	f.count++
	m := command.Meta{
		Account: "000000000000", Now: int64(f.count) * 1000,
		Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, f.count)),
	}
	d, err := state.Decide(f.state, &f.rules, m, op)
	if err != nil {
		f.Fatalf("%+v: %v", op, err)
	}
	f.state = state.Apply(f.state, f.state.Revision+1, d.Changes...)
	return d.Reply
}

// namespace creates a public namespace and returns its id.
func (f *fixture) namespace(name string) string {
	f.Helper()
	op := registry.OperationID(f.do(&registry.CreateNamespace{Name: name, Type: registry.DNSPublic}).ID)
	o, err := f.state.Registry.Operation("000000000000", op)
	if err != nil {
		f.Fatal(err)
	}
	return string(o.Namespace)
}

// service creates a service with records of the given types and returns its id.
func (f *fixture) service(namespace, name string, types ...registry.RecordType) string {
	f.Helper()
	config := &registry.DNSConfig{}
	for _, t := range types {
		config.Records = append(config.Records, registry.DNSRecord{Type: t, TTL: 60})
	}
	return string(f.do(&registry.CreateService{Name: name, NamespaceRef: namespace, DNS: config}).Value.(*registry.Service).ID)
}

// register registers an instance with an address and a port.
func (f *fixture) register(service, id, address string) {
	f.Helper()
	f.do(&registry.RegisterInstance{ServiceRef: service, ID: registry.InstanceID(id),
		Attributes: map[string]string{registry.AttrIPv4: address, registry.AttrPort: "80"}})
}

func (f *fixture) deregister(service, id string) {
	f.Helper()
	f.do(&registry.DeregisterInstance{ServiceRef: service, ID: registry.InstanceID(id)})
}

// client is who asks in tests.
var client = netip.MustParseAddrPort("127.0.0.1:5353")

// query returns a query for the zone. serial 0 asks for all of it.
func query(t testing.TB, serial uint32) *Query {
	t.Helper()
	m := new(dns.Msg).SetAxfr(zoneName + ".")
	if serial != 0 {
		m.SetIxfr(zoneName+".", serial, "ns1.example.net.", "hostmaster.example.net.")
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return &Query{Message: b, Question: dnswire.HeaderLen + len(zoneName) + 2 + 4, From: client, Incremental: serial != 0, Serial: serial, Transport: "tcp"}
}

// transfer returns the messages and the records that answer a query.
func (f *fixture) transfer(q *Query) (messages []*dns.Msg, records []dns.RR) {
	f.Helper()
	z, p := f.Permit(&f.state.Zones, []byte(wire(f, zoneName)), q.From.Addr(), nil)
	if p != Allowed {
		f.Fatalf("permission %d", p)
	}
	err := f.Transfer(f.Context(), z, q, func(b []byte) error {
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil {
			f.Fatalf("%v\n%x", err, b)
		}
		if !m.Response || !m.Authoritative || len(m.Question) != 1 || len(m.Ns) != 0 {
			f.Errorf("message %v", m)
		}
		messages, records = append(messages, m), append(records, m.Answer...)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return messages, records
}

// text returns records as sorted lines. Tabs are spaces.
func text(rrs []dns.RR) []string {
	var lines []string
	for _, rr := range rrs {
		lines = append(lines, strings.ReplaceAll(rr.String(), "\t", " "))
	}
	slices.Sort(lines)
	return lines
}

// serial returns the serial of the first record.
func serial(t testing.TB, rrs []dns.RR) uint32 {
	t.Helper()
	soa, ok := rrs[0].(*dns.SOA)
	if !ok {
		t.Fatalf("the first record is %v", rrs[0])
	}
	return soa.Serial
}

func deleteNamespace(z *zone.Zone) command.Command {
	return &registry.DeleteNamespace{Ref: string(z.ID)}
}
