package registry_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"cairn/core/registry"
	"cairn/internal/record"
)

// checkReload makes sure that a State loaded from what it is stored as is the
// same State.
func (w *world) checkReload() {
	w.Helper()
	draft := registry.NewDraft(new(registry.State))
	for s := range w.state.All() {
		draft.Apply(s.Revision, w.throughStore(s.Change))
	}
	w.same("as it was (-) and loaded again (+)", registry.Dump(w.state), registry.Dump(draft.Finish()))
}

func TestReload(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *world) {
		populate(w)
		w.checkReload()
	})
}

// populate makes one of everything.
func populate(w *world) {
	for _, account := range []registry.AccountID{testAccount, otherAccount} {
		w.account = account
		w.created(&registry.CreateNamespace{Type: registry.DNSPrivate, Name: "corp/x", VPC: "vpc-1", Description: "d", SOATTL: new(int64(7)),
			Tags: tags(3, "k"), CreatorRequestID: "n"})
		ns := w.namespace(registry.DNSPublic, "corp.example")
		w.namespace(registry.HTTP, "corp.example")
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
	w := newWorld(f, true)
	populate(w)
	for s := range w.state.All() {
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
		c, err := registry.Decode(key, value)
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
		visit(draft.Finish())
	})
}

// visit reads everything in a State in every way.
func visit(s *registry.State) {
	registry.Dump(s)
	s.Counts()
	s.NextHealthDue()
	for _, account := range []registry.AccountID{testAccount, otherAccount} {
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
		if c, err := registry.Decode(key, value); err == nil {
			t.Errorf("%q %x: got %#v", key, value, c)
		}
	}
}

func TestAttributes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringN(0, 5, 20), rapid.StringN(100, 300, 1200))
		m := rapid.MapOf(text, text).Draw(t, "m")
		a := registry.NewAttributes(m)
		if !maps.Equal(a.Map(), m) || a.Len() != len(m) || !a.Contains(m) {
			t.Fatalf("got %v", a.Map())
		}
		last := ""
		for k, v := range a.All() {
			if got, ok := a.Get(k); !ok || got != v || m[k] != v || k < last {
				t.Fatalf("%q: got %q, %t", k, got, ok)
			}
			last = k
		}
		absent := text.Draw(t, "absent")
		if _, there := m[absent]; !there {
			if _, ok := a.Get(absent); ok || a.Contains(attrs{absent: ""}) {
				t.Fatalf("%q was found", absent)
			}
		}
	})
}
