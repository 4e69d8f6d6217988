package dns

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/replica"
)

// The transports of the tests.
const (
	UDP   = answer.UDP
	TCP   = answer.TCP
	TLS   = answer.TLS
	HTTPS = answer.HTTPS
)

// fixture is a server over a state that commands are done in at once.
type fixture struct {
	testing.TB
	*Server
	rules   state.Rules
	account command.AccountID
	state   *state.State
	draft   *state.Draft // takes the changes of many commands, when not nil
	count   uint64
	now     int64 // of commands, in milliseconds, before what count adds
	current atomic.Pointer[replica.Snapshot]
}

func (w *fixture) Current() *replica.Snapshot { return w.current.Load() }

// Clients of the tests, by what they see.
const (
	trusted  = "127.0.0.1"
	inVPC1   = "10.1.0.5"
	inVPC2   = "10.2.0.5"
	stranger = "192.0.2.1"
)

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	w := &fixture{
		TB: t, account: "000000000000", state: new(state.State),
		rules: state.Rules{Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}},
	}
	views, err := view.New(view.Config{
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		VPCs: []view.VPC{
			{ID: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
			{ID: "vpc-2", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Config: answer.Config{Source: w, Views: func() *view.Table { return views }, Logger: slog.New(slog.DiscardHandler)}}
	for _, c := range change {
		c(&cfg)
	}
	w.rules.Registry.Strict = cfg.Strict
	w.publish()
	if w.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *fixture) publish() { w.current.Store(&replica.Snapshot{State: w.state}) }

// inBulk does many commands under one draft, which is much faster.
func (w *fixture) inBulk(work func()) {
	w.draft = state.NewDraft(w.state)
	work()
	w.state, w.draft = w.draft.Finish(), nil
	w.publish()
}

func (w *fixture) do(op command.Command) command.Reply {
	w.Helper()
	reply, err := w.try(op)
	if err != nil {
		w.Fatalf("%+v: %v", op, err)
	}
	return reply
}

// try does a command that may be refused.
func (w *fixture) try(op command.Command) (command.Reply, error) {
	w.count++
	m := command.Meta{
		Account: w.account, Now: w.now + int64(w.count)*1000,
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
		return d.Reply, nil
	}
	w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
	w.publish()
	return d.Reply, nil
}

// namespace makes a namespace, public where there is no VPC, and returns its id.
func (w *fixture) namespace(name, vpc string) string {
	w.Helper()
	c := &registry.CreateNamespace{Name: name, Type: registry.DNSPrivate, VPC: vpc}
	if vpc == "" {
		c.Type = registry.DNSPublic
	}
	op := registry.OperationID(w.do(c).ID)
	current := w.state
	if w.draft != nil {
		current = w.draft.State()
	}
	o, err := current.Registry.Operation(w.account, op)
	if err != nil || o.Failed {
		w.Fatalf("namespace %s: %v %+v", name, err, o)
	}
	return string(o.Namespace)
}

// service makes a service with records of the given types, TTL 60.
func (w *fixture) service(ns, name string, policy registry.RoutingPolicy, types ...registry.RecordType) string {
	w.Helper()
	dns := &registry.DNSConfig{Policy: policy}
	for _, t := range types {
		dns.Records = append(dns.Records, registry.DNSRecord{Type: t, TTL: 60})
	}
	return string(w.do(&registry.CreateService{Name: name, NamespaceRef: ns, DNS: dns, CustomHealth: true}).Value.(*registry.Service).ID)
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

const (
	ipv4  = registry.AttrIPv4
	ipv6  = registry.AttrIPv6
	port  = registry.AttrPort
	alias = registry.AttrAliasDNSName
	cname = registry.AttrCNAME
)

// raw has a packed query answered.
func (w *fixture) raw(query []byte, from string, t answer.Transport) []byte {
	return w.Handle(context.Background(), query, netip.AddrPortFrom(netip.MustParseAddr(from), 5353), t, nil)
}

// exchange has a query answered; nil means that it got no answer.
func (w *fixture) exchange(q *mdns.Msg, from string, t answer.Transport) *mdns.Msg {
	w.Helper()
	packed, err := q.Pack()
	if err != nil {
		w.Fatal(err)
	}
	answer := w.raw(packed, from, t)
	if answer == nil {
		return nil
	}
	m := new(mdns.Msg)
	if err := m.Unpack(answer); err != nil {
		w.Fatalf("%v: the answer %x: %v", q.Question, answer, err)
	}
	return m
}

// ask asks over UDP with EDNS.
func (w *fixture) ask(name string, qtype uint16, from string) *mdns.Msg {
	w.Helper()
	m := w.exchange(question(name, qtype).SetEdns0(1232, false), from, UDP)
	if m == nil {
		w.Fatalf("%s: no answer", name)
	}
	return m
}

func question(name string, qtype uint16) *mdns.Msg {
	q := new(mdns.Msg)
	q.SetQuestion(name, qtype)
	return q
}
