package registry_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/record"
)

// checkReload checks that a State loaded from what it is stored as is the
// same State.
func (w *fixture) checkReload() {
	w.Helper()
	draft := registry.NewDraft(new(registry.State))
	for s := range (registry.Slice{}).All(w.state) {
		draft.Apply(s.Revision, w.throughStore(s.Change))
	}
	w.same("as it was (-) and loaded again (+)", registry.Dump(w.state), registry.Dump(draft.State()))
}

func TestReload(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		populate(w)
		w.checkReload()
	})
}

// populate makes one of everything.
func populate(w *fixture) {
	for _, account := range []command.AccountID{testAccount, otherAccount} {
		w.account = account
		w.created(&registry.CreateNamespace{Type: registry.DNSPrivate, Name: "corp/x." + string(account), VPC: "vpc-1", Description: "d", SOATTL: new(int64(7)),
			Tags: tags(3, "k"), CreatorRequestID: "n"})
		ns := w.namespace(registry.DNSPublic, "corp.example."+string(account))
		w.namespace(registry.HTTP, "corp.example."+string(account))
		w.do(&registry.TagResource{ARN: w.rules.NamespaceARN(account, ns.ID), Tags: dnssecTag("enabled"), NewKey: aKey(1)})
		svc := w.service(ns, registry.CreateService{Name: "Web", DNS: records(registry.Weighted, registry.RecordA, registry.RecordAAAA),
			CustomHealth: true, Description: "d", Tags: tags(1, "k"), CreatorRequestID: "s"})
		w.do(&registry.UpdateServiceAttributes{Ref: string(svc.ID), Attributes: attrs{"a": "b"}})
		w.service(ns, registry.CreateService{Name: "api", DNS: records("", registry.RecordSRV), HealthCheck: httpCheck})
		w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "a/b:c", Attributes: attrs{"AWS_INSTANCE_IPV4": "10.0.0.1"}, CreatorRequestID: "i"})
		w.register(svc.ID, "j", attrs{"AWS_INSTANCE_IPV6": "::1", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})
		w.setHealth(svc.ID, "a/b:c", registry.Unhealthy) // waits in strict mode
		w.do(&registry.CreateNamespace{Type: registry.DNSPrivate, Name: "corp/x", VPC: "vpc-1"})
	}
}

// FuzzDecode: whatever a store returns is refused or can be applied, encoded
// and discovered, and never panics.
func FuzzDecode(f *testing.F) {
	w := newFixture(f, true)
	w.batch = 8 // operations share records
	populate(w)
	for s := range (registry.Slice{}).All(w.state) {
		value, _ := s.Change.Value(nil)
		f.Add(s.Change.Key(), value, true)
	}
	f.Add("4i/000000000000/ns-a/srv-b/c", []byte(nil), false)
	f.Fuzz(func(t *testing.T, key string, value []byte, put bool) {
		if put && value == nil {
			value = []byte{}
		}
		if !put {
			value = nil
		}
		c, err := registry.Slice{}.Decode(key, value)
		if err != nil {
			return
		}
		if c.Key() != key {
			t.Errorf("key %q became %q", key, c.Key())
		}
		if _, kept := c.Value(nil); kept != put {
			t.Errorf("%q: a deletion became a write or the other way round", key)
		}
		draft := registry.NewDraft(w.state)
		draft.Apply(w.revision+1, c)
		visit(draft.State())
	})
}

// visit reads everything in a State in every way.
func visit(s *registry.State) {
	registry.Dump(s)
	s.Counts()
	s.NextHealthDue()
	for _, account := range []command.AccountID{testAccount, otherAccount} {
		for range s.Operations(new(registry.Rules), account, "") {
		}
		for _, svc := range s.Services(account, "") {
			for _, inst := range svc.Discover(&registry.Query{Health: all, Parameters: attrs{"k": "v"}, Optional: attrs{"k": "w"}}, nil) {
				svc.AppendSummary(nil, inst)
			}
			for _, inst := range svc.Instances("") {
				svc.AppendSummary(nil, inst)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for key, value := range map[string][]byte{
		"":                             {},
		"x":                            {},
		"1n":                           {},
		"9z/000000000000/a/b":          {},
		"2s/000000000000":              {},
		"4i/000000000000/ns":           {},
		"4i/000000000000/ns-a/srv-a":   {},
		"5o/000000000000/short":        {},
		"1n/000000000000/a":            {0xff},
		"4i/000000000000/ns-a/srv-a/i": record.AppendUint(nil, 3, 7),        // a health status
		"4i/000000000000/ns-a/srv-a/j": record.AppendString(nil, 1, "\x05"), // attributes
	} {
		if c, err := (registry.Slice{}).Decode(key, value); err == nil {
			t.Errorf("%q %x: got %#v", key, value, c)
		}
	}
}

func TestAttributes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(anyText, anyText).Draw(t, "m")
		a := registry.NewAttributes(m)
		if !maps.Equal(a.Map(), m) {
			t.Fatalf("got %v", a.Map())
		}
		last := ""
		for k, v := range a.All() {
			if got, ok := a.Get(k); !ok || got != v || m[k] != v || k < last {
				t.Fatalf("%q: got %q, %t", k, got, ok)
			}
			last = k
		}
	})
}

// anyText has what is escaped in JSON, too.
var anyText = rapid.OneOf(rapid.StringN(0, 5, 20), rapid.StringN(100, 300, 1200), rapid.StringMatching("[a-c:,\"\\\\\n]{0,4}"))

// TestInstanceForm: what is put into an instance comes out of it, also by the
// prepared answer.
func TestInstanceForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, request := anyText.Draw(t, "id"), anyText.Draw(t, "request")
		m := rapid.MapOf(anyText, anyText).Draw(t, "m")
		key := "4i/000000000000/ns-a/srv-a/" + id
		stored := record.AppendString(record.AppendString([]byte{}, 1, registry.NewAttributes(m)), 2, request)
		c, err := registry.Slice{}.Decode(key, stored)
		if err != nil {
			t.Fatal(err)
		}
		if value, ok := c.Value(nil); !ok || string(value) != string(stored) || c.Key() != key {
			t.Fatalf("%q %x came back as %q %x", key, stored, c.Key(), value)
		}
		inst := registry.InstanceOf(c)
		a := inst.Attributes()
		if string(inst.ID()) != id || inst.CreatorRequestID() != request || !maps.Equal(a.Map(), m) || !a.Contains(m) {
			t.Fatalf("got %q, %q, %v", inst.ID(), inst.CreatorRequestID(), a.Map())
		}
		for k, v := range m {
			if got, ok := a.Get(k); !ok || got != v || a.Contains(attrs{k: v + "x"}) {
				t.Fatalf("%q: got %q, %t", k, got, ok)
			}
		}
		absent := anyText.Draw(t, "absent")
		if _, there := m[absent]; !there {
			if _, ok := a.Get(absent); ok || a.Contains(attrs{absent: ""}) {
				t.Fatalf("%q was found", absent)
			}
		}
		var answer struct {
			InstanceId string
			Attributes map[string]string
		}
		text := new(registry.Service).AppendSummary(nil, inst)
		if err := json.Unmarshal(append(text, '}'), &answer); err != nil || answer.InstanceId != id || !maps.Equal(answer.Attributes, m) {
			t.Fatalf("answer %s: %v", text, err)
		}
	})
}

// Millions of them are kept.
func TestInstanceIsSmall(t *testing.T) {
	if n := reflect.TypeFor[registry.Instance]().Size(); n > 56 {
		t.Errorf("%d bytes", n)
	}
}
