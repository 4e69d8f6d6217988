package zone_test

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// fixture is a state that commands are done in.
type fixture struct {
	tester
	rules   state.Rules
	account command.AccountID
	state   *state.State
	count   uint64
	// draft, when not nil, takes the changes of several commands.
	draft *state.Draft
}

func newFixture(t tester, strict bool) *fixture {
	return &fixture{
		tester: t, account: "000000000000",
		rules: state.Rules{Registry: registry.Rules{Region: "eu-west-1", Strict: strict, DefaultTTL: 60}},
		state: new(state.State),
	}
}

// try does a command and reports whether it was accepted.
func (w *fixture) try(op command.Command) (command.Reply, error) {
	w.count++
	m := command.Meta{
		Account: w.account, Now: int64(w.count) * 1000,
		Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.count)),
	}
	current := w.state
	if w.draft != nil {
		current = w.draft.State()
	}
	d, err := state.Decide(current, &w.rules, m, op)
	if err != nil {
		return d.Reply, err
	}
	if w.draft != nil {
		w.draft.Apply(w.state.Revision+1, d.Changes...)
	} else {
		w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
	}
	return d.Reply, nil
}

func (w *fixture) do(op command.Command) command.Reply {
	w.Helper()
	reply, err := w.try(op)
	if err != nil {
		w.Fatalf("%+v: %v", op, err)
	}
	return reply
}

// namespace makes a namespace and returns it.
func (w *fixture) namespace(name, vpc string) *registry.Namespace {
	w.Helper()
	kind := registry.DNSPrivate
	if vpc == "" {
		kind = registry.DNSPublic
	}
	w.do(&registry.CreateNamespace{Name: name, Type: kind, VPC: vpc})
	var found *registry.Namespace
	for _, ns := range w.state.Registry.Namespaces(w.account, "") {
		if ns.Name == name && ns.VPC == vpc {
			found = ns
		}
	}
	if found == nil {
		w.Fatalf("namespace %s was not made", name)
	}
	return found
}

// service makes a service with records of the given types.
func (w *fixture) service(ns *registry.Namespace, name string, policy registry.RoutingPolicy, types ...registry.RecordType) string {
	w.Helper()
	dns := &registry.DNSConfig{Policy: policy}
	for _, t := range types {
		dns.Records = append(dns.Records, registry.DNSRecord{Type: t, TTL: 60})
	}
	return string(w.do(&registry.CreateService{Name: name, NamespaceRef: string(ns.ID), DNS: dns, CustomHealth: true}).Value.(*registry.Service).ID)
}

// register registers an instance; attrs are pairs.
func (w *fixture) register(service, id string, attrs ...string) {
	w.Helper()
	m := map[string]string{}
	for i := 0; i < len(attrs); i += 2 {
		m[attrs[i]] = attrs[i+1]
	}
	w.do(&registry.RegisterInstance{ServiceRef: service, ID: registry.InstanceID(id), Attributes: m})
}

// look looks a name up.
func look(x *zone.Index, name string, strict bool, view zone.View) zone.Result {
	wire, ok := dnswire.ParseName(name)
	if !ok {
		panic(name)
	}
	lower := []byte(wire)
	dnswire.Lower(lower)
	return x.Lookup(&zone.Query{Name: lower, Hash: zone.Hash(lower), View: view, Strict: strict})
}

var everything = zone.View{AllVPCs: true}
