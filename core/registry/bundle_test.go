package registry_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/record"
)

// partOf is a field with an operation on a target, of a date.
func partOf(target string, date uint64, more ...byte) []byte {
	return record.AppendNested(nil, 11, func(b []byte) []byte {
		b = record.AppendString(b, 12, target)
		return append(record.AppendUint(b, 2, date), more...)
	})
}

func TestDecodeBundles(t *testing.T) {
	const key = "5o/000000000000/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-mwmdf2o0"
	own := record.AppendUint(record.AppendString(nil, 1, "REGISTER_INSTANCE"), 2, epoch)
	target, other := strings.Repeat("\x01", 20), strings.Repeat("\x02", 20)
	many := func(n int) (all []byte) {
		for i := range n {
			all = append(all, partOf(target, epoch+uint64(i))...)
		}
		return all
	}
	unknown := record.AppendString(nil, 900, "new")
	for _, c := range []struct {
		name  string
		value []byte
		want  int // operations; 0 is an error
	}{
		{"alone", own, 1},
		{"empty", []byte{}, 1},
		{"one part", slices.Concat(own, partOf(target, epoch)), 2},
		{"two parts", slices.Concat(own, partOf(target, epoch), partOf(other, epoch)), 3},
		{"one target at two times", slices.Concat(own, partOf(target, epoch), partOf(target, epoch+1)), 3},
		{"a part twice", slices.Concat(own, partOf(target, epoch), partOf(target, epoch)), 2},
		{"as many as are read", slices.Concat(own, many(1024)), 1025},
		{"one more", slices.Concat(own, many(1025)), 0},
		{"no target", slices.Concat(own, partOf("", epoch)), 0},
		{"a short target", slices.Concat(own, partOf(target[1:], epoch)), 0},
		{"a long target", slices.Concat(own, partOf(target+"x", epoch)), 0},
		{"a date that no id has", slices.Concat(own, partOf(target, 1<<60)), 0},
		{"a negative date", slices.Concat(own, partOf(target, 1<<63)), 0},
		{"a number as part", record.AppendUint(slices.Clone(own), 11, 7), 0},
		{"an empty part", record.AppendNested(slices.Clone(own), 11, func(b []byte) []byte { return b }), 0},
		{"a part that is no record", slices.Concat(own, partOf(target, epoch, 0xff)), 0},
		{"a part that is cut off", partOf(target, epoch)[:30], 0},
		{"a namespace of its own", slices.Concat(own, partOf(target, epoch, record.AppendString(nil, 3, "ns-a")...)), 2},
		{"unknown fields", slices.Concat(own, partOf(target, epoch, unknown...), unknown), 2},
	} {
		change, err := registry.Slice{}.Decode(key, c.value)
		if (err == nil) != (c.want > 0) {
			t.Errorf("%s: error %v", c.name, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), key) {
				t.Errorf("%s: the error %q does not name the record", c.name, err)
			}
			continue
		}
		draft := registry.NewDraft(new(registry.State))
		draft.Apply(1, change)
		if got := draft.State().Counts().Operations; got != c.want {
			t.Errorf("%s: %d operations, want %d", c.name, got, c.want)
		}
		value, _ := change.Value(nil)
		if !bytes.Contains(c.value, unknown) && !bytes.Equal(value, c.value) {
			t.Errorf("%s: written again it is %x, want %x", c.name, value, c.value)
		}
		for s := range (registry.Slice{}).All(draft.State()) {
			if again, _ := s.Change.Value(nil); s.Change.Key() != key || !bytes.Equal(again, value) {
				t.Errorf("%s: the state has %q %x, want %x", c.name, s.Change.Key(), again, value)
			}
		}
	}
}

// registered makes instances in one batch, whose operations share a record, and returns the
// ids of the operations.
func (w *fixture) registered(svc *registry.Service, names ...string) (ids []registry.OperationID) {
	w.Helper()
	w.batch = len(names)
	for _, name := range names {
		reply := w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: registry.InstanceID(name), CreatorRequestID: "request-" + name})
		ids = append(ids, registry.OperationID(reply.ID))
	}
	w.batch = 1
	return ids
}

// records returns the ids in the keys of the operations that are stored.
func (w *fixture) records() (ids []registry.OperationID) {
	for s := range (registry.Slice{}).All(w.state) {
		if id, ok := strings.CutPrefix(s.Change.Key(), "5o/"+string(w.account)+"/"); ok {
			ids = append(ids, registry.OperationID(id))
		}
	}
	return ids
}

func (w *fixture) has(id registry.OperationID) bool {
	_, err := w.state.Operation(w.account, id)
	return err == nil
}

// TestBundleIsReadAsItsOperations: operations that share a record are found and listed as
// others, and a repeated request returns the one of them.
func TestBundleIsReadAsItsOperations(t *testing.T) {
	w := newFixture(t, false)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
	created := w.records()
	names := []string{"a", "b", "c", "a"}
	ids := w.registered(svc, names[:3]...)
	if got := w.records(); !slices.Equal(got, append(created, ids[0])) {
		t.Errorf("the records are %v, want one of the three operations", got)
	}
	w.checkReload()
	for i, id := range ids {
		op := w.operation(command.Reply{ID: string(id)})
		if op.ID != id || string(op.Instance) != names[i] || op.Account != testAccount || op.CreatorRequestID != "request-"+names[i] || op.Date != epoch+int64(3+i)*1000 {
			t.Errorf("operation %d is %+v", i, op)
		}
		if has := (registry.Slice{}).Has(w.state, "5o/"+string(testAccount)+"/"+string(id)); has != (i == 0) {
			t.Errorf("the record of operation %d is said to be there: %t", i, has)
		}
		again := w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: op.Instance, CreatorRequestID: op.CreatorRequestID})
		if again.ID != string(id) || !again.Unchanged {
			t.Errorf("request %d repeated: got %+v", i, again)
		}
	}
	if got := w.listed(""); !slices.Equal(got, []registry.OperationID{ids[2], ids[1], ids[0], created[0]}) {
		t.Errorf("listed %v", got)
	}
	if got := w.listed(ids[1]); !slices.Equal(got, []registry.OperationID{ids[0], created[0]}) {
		t.Errorf("listed %v", got)
	}
	if n := w.state.Counts().Operations; n != 4 {
		t.Errorf("%d operations are counted", n)
	}
}

// TestBundleExpires: operations that share a record expire together, with the first of them.
func TestBundleExpires(t *testing.T) {
	for _, c := range []struct {
		name    string
		age     int // Before is the date of operation number age of all
		max     int
		quota   int
		expired int
	}{
		{"the carrier is not old enough", 1, 100, 0, 1},
		{"the carrier is", 2, 100, 0, 4},
		{"all of the first two records are", 4, 100, 0, 4},
		{"the carrier of the next one is", 5, 100, 0, 6},
		{"the last record goes beyond the maximum", 7, 2, 0, 4},
		{"the maximum is reached", 7, 1, 0, 1},
		{"no quota is exceeded", 0, 100, 7, 0},
		{"one is too many", 0, 100, 6, 1},
		{"two are too many", 0, 100, 5, 4},
		{"four are too many", 0, 100, 3, 4},
		{"five are too many", 0, 100, 2, 6},
	} {
		w := newFixture(t, false)
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
		ids := append(w.records(), w.registered(svc, "a", "b", "c")...)
		ids = append(ids, w.registered(svc, "d", "e")...)
		ids = append(ids, w.registered(svc, "f")...)
		before := int64(0)
		if c.age > 0 {
			before = w.operation(command.Reply{ID: string(ids[min(c.age, len(ids)-1)])}).Date
		}
		if c.age >= len(ids) {
			before++
		}
		w.limits = command.Limits{"operations_per_account": c.quota}
		if got := w.do(&registry.ExpireOperations{Before: before, Max: c.max}).Count; got != c.expired {
			t.Errorf("%s: %d have expired, want %d", c.name, got, c.expired)
			continue
		}
		w.checkReload()
		for i, id := range ids {
			if w.has(id) != (i >= c.expired) {
				t.Errorf("%s: operation %d is found: %t", c.name, i, w.has(id))
			}
		}
		if n := w.state.Counts().Operations; n != len(ids)-c.expired {
			t.Errorf("%s: %d are counted", c.name, n)
		}
		// The request of an operation that has expired is a new one.
		for i, name := range []string{"a", "b", "c", "d"} {
			reply := w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: registry.InstanceID(name), CreatorRequestID: "request-" + name})
			if expired := 1+i < c.expired; reply.Unchanged == expired || (reply.ID == string(ids[1+i])) == expired {
				t.Errorf("%s: request %q repeated gives %+v", c.name, name, reply)
			}
		}
	}
}

// TestBundlesInAnyOrder: the state depends on the records alone, whatever the clocks of nodes
// are and in whatever order records expire. The fixture compares the indexes.
func TestBundlesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newFixture(t, false)
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
		for i := range rapid.IntRange(1, 30).Draw(t, "commands") {
			if w.drafted == 0 {
				w.batch = rapid.IntRange(1, 4).Draw(t, "batch")
			}
			w.now += rapid.Int64Range(-4000, 2000).Draw(t, "clock")
			id := registry.InstanceID(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "instance"))
			switch rapid.IntRange(0, 4).Draw(t, "command") {
			case 0:
				w.do(&registry.ExpireOperations{Before: w.now - rapid.Int64Range(-4000, 6000).Draw(t, "age"), Max: rapid.IntRange(1, 3).Draw(t, "max")})
			case 1:
				w.try(&registry.DeregisterInstance{ServiceRef: string(svc.ID), ID: id})
			default:
				w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: id, Attributes: attrs{"n": fmt.Sprint(i % 3)},
					CreatorRequestID: rapid.SampledFrom([]string{"", "r", "r", "s"}).Draw(t, "request")})
			}
			w.checkReload()
		}
	})
}
