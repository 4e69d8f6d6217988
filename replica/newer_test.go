package replica

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/record"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// ofNextVersion returns the value of a record with fields that this version does not have.
func ofNextVersion(w store.Write) []byte {
	if strings.HasPrefix(w.Key, "t") {
		return []byte(`{"fieldOfTheNextVersion":{"a":1}}`)
	}
	return newFields(bytes.Clone(w.Value))
}

func newFields(b []byte) []byte {
	return record.AppendUint(record.AppendString(record.AppendUint(b, 900, 7), 901, "new"), 902, 1<<40)
}

// value returns the record of a key in the newest state.
func (n *node) value(key string) []byte {
	for r := range n.Current().Records() {
		if r.Key == key {
			return bytes.Clone(r.Value)
		}
	}
	return nil
}

// TestFieldsOfTheNextVersionAreKept: records of every kind keep the fields that a newer
// version has added: in a copy of the state, and when this version writes them again.
func TestFieldsOfTheNextVersionAreKept(t *testing.T) {
	records := recordOfEachKind(t)
	for _, w := range records {
		t.Run(w.Key[:2], func(t *testing.T) {
			data := memory.New()
			seed(t, data, records, w, false)
			newer := start(t, data.Share())
			s := data.Share()
			load(t, s)
			want := ofNextVersion(w)
			if _, err := s.Commit(t.Context(), store.Txn{Writes: []store.Write{{Key: w.Key, Value: want}}}); err != nil {
				t.Fatal(err)
			}
			old := start(t, data.Share())
			newer.waitFor(old.Current().Revision)
			for _, n := range []*node{newer, old} { // by watch, and by load
				if got := n.value(w.Key); !hasNewFields(got) {
					t.Fatalf("the state has %q of %q", got, want)
				}
			}
			if strings.HasPrefix(w.Key, "t") || strings.HasPrefix(w.Key, "m") {
				return // their slices keep the fields in the records; see core/task, core/member, core/mesh
			}
			old.do(change{store.Write{Key: w.Key, Value: w.Value}, new(int), nil})
			if got := stored(t, data, w.Key); !hasNewFields(got) || !bytes.Equal(got, old.value(w.Key)) {
				t.Errorf("written again: %q is stored, and the state has %q; want the fields of %q", got, old.value(w.Key), want)
			}
			if strings.HasPrefix(w.Key, "3t") {
				return // it comes and goes with its service
			}
			old.do(change{store.Write{Key: w.Key, Delete: true}, new(int), nil})
			old.do(change{store.Write{Key: w.Key, Value: w.Value}, new(int), nil})
			if got := stored(t, data, w.Key); hasNewFields(got) {
				t.Errorf("a record that was deleted and made again has %q", got)
			}
		})
	}
}

func hasNewFields(value []byte) bool {
	return bytes.Contains(value, newFields(nil)) || bytes.Contains(value, []byte("fieldOfTheNextVersion"))
}

func load(t *testing.T, s store.Store) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	_, err := s.Load(context.Background(), func(changes []store.Change) error {
		for _, c := range changes {
			all[c.Key] = bytes.Clone(c.Value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func stored(t *testing.T, data *memory.Store, key string) []byte { return load(t, data.Share())[key] }

// TestKindsOfTheNextVersionAreKept: a record of a kind that this version does not have
// ends nothing, and is in a copy of the state.
func TestKindsOfTheNextVersionAreKept(t *testing.T) {
	data := memory.New()
	s := data.Share()
	load(t, s)
	write := func(w store.Write) {
		t.Helper()
		if _, err := s.Commit(t.Context(), store.Txn{Writes: []store.Write{w}}); err != nil {
			t.Fatal(err)
		}
	}
	write(store.Write{Key: "9z/000000000000/x", Value: []byte("x")})
	n := start(t, data.Share())
	write(store.Write{Key: "new/y", Value: []byte("{}")})
	n.waitFor(2)
	n.namespace("ours")
	if x, y := n.value("9z/000000000000/x"), n.value("new/y"); string(x) != "x" || string(y) != "{}" {
		t.Errorf("the state has %q and %q", x, y)
	}
	write(store.Write{Key: "9z/000000000000/x", Delete: true})
	n.waitFor(4)
	if x := n.value("9z/000000000000/x"); x != nil {
		t.Errorf("the state has %q of a record that was deleted", x)
	}
}

// TestNestedFieldsOfTheNextVersionAreKept: fields that a newer version has added inside a
// nested record are kept when this version writes the record again.
func TestNestedFieldsOfTheNextVersionAreKept(t *testing.T) {
	data := memory.New()
	n := start(t, data.Share())
	ns := n.namespace("shop")
	id := n.do(&registry.CreateService{Name: "web", NamespaceRef: string(ns), HealthCheck: &registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/a", FailureThreshold: 3}}).Value.(*registry.Service).ID
	key := "2s/" + string(account) + "/" + string(ns) + "/web"
	before := n.value(key)

	// The newer version adds a field to the health check, which is field 6.
	var newer []byte
	r := record.NewReader(before)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		if f.Number == 6 {
			f.Bytes = newFields(bytes.Clone(f.Bytes))
		}
		newer = record.AppendField(newer, f)
	}
	if bytes.Equal(newer, before) {
		t.Fatalf("there is no health check in %q", before)
	}
	s := data.Share()
	base := load(t, s)
	if len(base) == 0 {
		t.Fatal("nothing is stored")
	}
	committed, err := s.Commit(t.Context(), store.Txn{Base: store.Revision(n.Current().Revision), Writes: []store.Write{{Key: key, Value: newer}}})
	if err != nil {
		t.Fatal(err)
	}
	n.waitFor(uint64(committed))
	if got := n.value(key); !bytes.Equal(got, newer) {
		t.Fatalf("the state has %q of %q", got, newer)
	}
	n.do(&registry.UpdateService{Ref: string(id), Description: new("other"), HealthCheck: &registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/b", FailureThreshold: 3}})
	got := stored(t, data, key)
	if !hasNewFields(got) || !bytes.Contains(got, []byte("other")) || !bytes.Contains(got, []byte("/b")) || bytes.Contains(got, []byte("/a")) {
		t.Errorf("written again: %q", got)
	}
}
