package state_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

const (
	account = command.AccountID("123456789012")
	trust   = `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`
	policy  = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
)

// harness decides commands and applies their changes twice: as decided, and as
// decoded from the records of a store.
type harness struct {
	state, stored *state.State
	rules         state.Rules
	count         uint64
	// together is how many commands are one transaction, in which changes share records:
	// the last such change, and the value of its record so far.
	together uint64
	last     command.Change
	record   []byte
}

func newHarness() *harness {
	return &harness{state: new(state.State), stored: new(state.State), rules: state.Rules{
		Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60},
		Quotas:   command.Quotas{Limits: state.DefaultLimits(false)},
	}}
}

func (h *harness) do(c command.Command) (command.Decision, error) {
	h.count++
	d, err := state.Decide(h.state, &h.rules, command.Meta{
		Account: account, Now: 1_795_000_000_000 + int64(h.count),
		Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, h.count)),
	}, c)
	if err != nil {
		return d, err
	}
	if err := checkReads(h.state, d); err != nil {
		panic(err)
	}
	if h.together == 0 || h.count%h.together == 0 {
		h.last = nil
	}
	revision := h.state.Revision + 1
	h.bundle(d.Changes)
	h.state = state.Apply(h.state, revision, d.Changes...)
	draft := state.NewDraft(h.stored)
	for _, c := range d.Changes {
		decoded, err := h.decoded(c)
		if err != nil {
			return d, err
		}
		draft.Apply(revision, decoded)
	}
	h.stored = draft.Finish()
	return d, nil
}

// bundle puts changes into the record of an earlier one of the transaction.
func (h *harness) bundle(changes []command.Change) {
	for i, c := range changes {
		if b, ok := c.(command.Bundled); ok && b.Bundle() != "" {
			if h.last != nil {
				changes[i] = b.In(h.last)
			}
			h.last = changes[i]
		}
	}
}

// decoded encodes a change and decodes it. For a part it is the record so far.
func (h *harness) decoded(c command.Change) (command.Change, error) {
	_, put := c.Value(nil)
	switch _, part := c.(command.Part); {
	case !put && h.last != nil && c.Key() == h.last.Key():
		h.last = nil
	case part:
		h.record, _ = c.Value(h.record)
		return state.Decode(c.Key(), h.record)
	case c == h.last:
		h.record, _ = c.Value([]byte{})
	}
	return decoded(c)
}

// decoded encodes a change and decodes it.
func decoded(c command.Change) (command.Change, error) {
	value, put := c.Value([]byte{})
	if !put {
		value = nil
	}
	return state.Decode(c.Key(), value)
}

// records returns the records of a state, in order.
func records(s *state.State) []string {
	var lines []string
	for stored := range s.All() {
		value, _ := stored.Change.Value(nil)
		lines = append(lines, fmt.Sprintf("%s %d %x", stored.Change.Key(), stored.Revision, value))
	}
	slices.Sort(lines)
	return lines
}

// replayed loads a new state from the records of another one.
func replayed(s *state.State) (*state.State, error) {
	d := state.NewDraft(new(state.State))
	for stored := range s.All() {
		c, err := decoded(stored.Change)
		if err != nil {
			return nil, err
		}
		d.Apply(stored.Revision, c)
	}
	return d.Finish(), nil
}

// namespace returns the id of the only namespace.
func (h *harness) namespace() string {
	for id := range h.state.Registry.Namespaces(account, "") {
		return string(id)
	}
	return ""
}

func TestScenario(t *testing.T) {
	h := newHarness()
	var service string
	steps := []struct {
		name    string
		command func() command.Command
		// keys are the prefixes of the keys that the command writes.
		keys []string
		err  error
	}{
		{"namespace", func() command.Command {
			return &registry.CreateNamespace{Name: "shop.test", Type: registry.DNSPrivate, VPC: "vpc-1"}
		}, []string{"1n/", "3t/", "5o/"}, nil},
		{"the same name", func() command.Command {
			return &registry.CreateNamespace{Name: "shop.test", Type: registry.HTTP}
		}, []string{"1n/", "3t/", "5o/"}, nil},
		{"service", func() command.Command {
			return &registry.CreateService{Name: "web", NamespaceRef: h.namespace(), HTTPOnly: true}
		}, []string{"2s/", "3t/", "3t/"}, nil},
		{"instance", func() command.Command {
			return &registry.RegisterInstance{ServiceRef: service, ID: "i-1", Attributes: map[string]string{"a": "b"}}
		}, []string{"4i/", "3t/", "5o/"}, nil},
		{"no such service", func() command.Command { return &registry.DeleteService{Ref: "srv-none"} }, nil, new(registry.ServiceNotFound)},
		{"service in use", func() command.Command { return &registry.DeleteService{Ref: service} }, nil, new(command.Conflict)},
		{"policy", func() command.Command {
			return &identity.PutPolicy{Policy: identity.Policy{Account: string(account), Name: "all", Text: policy}, New: true}
		}, []string{"ip/"}, nil},
		{"policy again", func() command.Command {
			return &identity.PutPolicy{Policy: identity.Policy{Account: string(account), Name: "all", Text: policy}, New: true}
		}, nil, new(command.AlreadyExists)},
		{"quota of an account", func() command.Command {
			return &identity.PutAccount{Account: identity.Account{ID: string(account), Quotas: map[string]int{"instances_per_service": 1}}}
		}, []string{"ia/"}, nil},
		{"over the quota", func() command.Command { return &registry.RegisterInstance{ServiceRef: service, ID: "i-2"} }, nil, new(command.LimitExceeded)},
		{"unknown quota", func() command.Command {
			return &identity.PutAccount{Account: identity.Account{ID: string(account), Quotas: map[string]int{"x": 1}}}
		}, nil, new(command.InvalidInput)},
		{"two slices", func() command.Command { return &registerWithPolicy{service: service} }, []string{"4i/", "3t/", "5o/", "ip/"}, nil},
	}
	for _, step := range steps {
		d, err := h.do(step.command())
		if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", step.err) {
			t.Fatalf("%s: got %T %v, want %T", step.name, err, err, step.err)
		}
		if svc, ok := d.Reply.Value.(*registry.Service); ok {
			service = string(svc.ID)
		}
		if got := prefixes(d.Changes); !slices.Equal(got, step.keys) {
			t.Errorf("%s: writes %v, want %v", step.name, got, step.keys)
		}
		if a, b := records(h.state), records(h.stored); !slices.Equal(a, b) {
			t.Fatalf("%s: the state is\n%s\nthe state of the decoded records is\n%s", step.name, strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
	}
}

func prefixes(changes []command.Change) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.Key()[:3])
	}
	return all
}

// registerWithPolicy is a command of two slices: it registers an instance and
// changes a policy in one decision.
type registerWithPolicy struct{ service string }

func (c *registerWithPolicy) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	d, err := (&identity.DeletePolicy{Account: string(account), Name: "all"}).Decide(v, m)
	if err != nil {
		return d, err
	}
	own, err := (&registry.RegisterInstance{ServiceRef: c.service, ID: "i-1", Attributes: map[string]string{"a": "c"}}).Decide(v, m)
	own.Changes, own.Reads = append(own.Changes, d.Changes...), append(own.Reads, d.Reads...)
	return own, err
}

// TestReplay: the records of any state give the same state again.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHarness()
		h.together = rapid.Uint64Range(1, 5).Draw(t, "together")
		for range rapid.IntRange(1, 40).Draw(t, "commands") {
			c := randomCommand(t, h)
			h.do(c) // many are refused
		}
		again, err := replayed(h.state)
		if err != nil {
			t.Fatal(err)
		}
		for name, other := range map[string]*state.State{"decoded changes": h.stored, "all records": again} {
			if a, b := records(h.state), records(other); !slices.Equal(a, b) {
				t.Fatalf("%s give\n%s\nwant\n%s", name, strings.Join(b, "\n"), strings.Join(a, "\n"))
			}
		}
	})
}

func randomCommand(t *rapid.T, h *harness) command.Command {
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
	isNew := rapid.Bool().Draw(t, "new")
	service := "srv-none"
	for id := range h.state.Registry.Services(account, "") {
		service = string(id)
	}
	return rapid.SampledFrom([]command.Command{
		&registry.CreateNamespace{Name: name + ".test", Type: registry.DNSPublic},
		&registry.CreateNamespace{Name: name, Type: registry.HTTP},
		&registry.CreateService{Name: name, NamespaceRef: h.namespace(), DNS: &registry.DNSConfig{Records: []registry.DNSRecord{{Type: registry.RecordA, TTL: 1}}}},
		&registry.CreateService{Name: name, NamespaceRef: h.namespace()},
		&registry.RegisterInstance{ServiceRef: service, ID: registry.InstanceID(name), Attributes: map[string]string{"AWS_INSTANCE_IPV4": "192.0.2.1", "cairn.ttl": "5"}},
		&registry.DeregisterInstance{ServiceRef: service, ID: registry.InstanceID(name)},
		&registry.DeleteService{Ref: service},
		&registry.DeleteNamespace{Ref: h.namespace()},
		&registry.ExpireOperations{Before: 1_795_000_000_000 + int64(h.count)/2, Max: 3},
		&identity.PutUser{User: identity.User{Account: string(account), Name: name}, New: isNew},
		&identity.PutKey{AccessKey: identity.AccessKey{ID: "AKIA" + name, Account: string(account), User: name, Sealed: []byte("x")}, New: isNew},
		&identity.PutRole{Role: identity.Role{Account: string(account), Name: name, Trust: trust}, New: isNew},
		&identity.PutAccount{Account: identity.Account{ID: string(account), Rates: map[string]command.Rate{"read": {PerSecond: 5}}}},
		&identity.PutAccount{Account: identity.Account{ID: string(account)}},
		&identity.DeleteUser{Account: string(account), Name: name},
		&identity.DeleteRole{Account: string(account), Name: name},
	}).Draw(t, "command")
}

func TestDecodeRefuses(t *testing.T) {
	for _, key := range []string{"", "x", "9x/123456789012/a", "1n", "i/a", "1n/", "iu/", "iu/123456789012"} {
		if c, err := state.Decode(key, []byte{}); err == nil {
			t.Errorf("key %q was decoded to %T", key, c)
		}
	}
}

// A command without changes keeps the state.
func TestApplyNothing(t *testing.T) {
	h := newHarness()
	if next := state.Apply(h.state, 7); next.Revision != 7 || len(records(next)) != 0 {
		t.Errorf("revision %d with %d records", next.Revision, len(records(next)))
	}
}

func TestQuotaUses(t *testing.T) {
	h := newHarness()
	h.rules.Quotas.Accounts = map[command.AccountID]command.Limits{account: {"namespaces_per_account": 4}}
	for _, name := range []string{"a", "b"} {
		if _, err := h.do(&registry.CreateNamespace{Name: name, Type: registry.HTTP}); err != nil {
			t.Fatal(err)
		}
	}
	want := []state.QuotaUse{
		{account, "namespaces_per_account", 2, 4}, {account, "services_per_namespace", 0, 50}, {account, "instances_per_service", 0, 1000},
		{account, "instances_per_namespace", 0, 0}, {account, "operations_per_account", 2, 100_000},
	}
	// The rows of other slices follow.
	if got := h.state.QuotaUses(&h.rules, 10); !slices.Equal(got[:min(len(want), len(got))], want) {
		t.Errorf("got %v, want first %v", got, want)
	}
	if got := h.state.QuotaUses(&h.rules, 0); len(got) != 0 {
		t.Errorf("got %v of no account", got)
	}
}

func FuzzDecode(f *testing.F) {
	h := newHarness()
	h.do(&registry.CreateNamespace{Name: "a", Type: registry.HTTP})
	h.do(&identity.PutUser{User: identity.User{Account: string(account), Name: "a"}, New: true})
	h.together = 100
	d, _ := h.do(&registry.CreateService{Name: "s", NamespaceRef: h.namespace()})
	for _, id := range []registry.InstanceID{"a", "b"} {
		h.do(&registry.RegisterInstance{ServiceRef: string(d.Reply.Value.(*registry.Service).ID), ID: id})
	}
	for stored := range h.state.All() {
		value, _ := stored.Change.Value(nil)
		f.Add(stored.Change.Key(), value)
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		c, err := state.Decode(key, value)
		if err != nil {
			return
		}
		if c.Key() != key {
			t.Errorf("key %q became %q", key, c.Key())
		}
		state.Apply(new(state.State), 1, c)
	})
}
