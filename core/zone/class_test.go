package zone_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

// collidingIDs are two ids with the same hash.
func collidingIDs(t *testing.T) [2]string {
	seen := map[uint32]string{}
	for i := range 1 << 20 {
		id := fmt.Sprintf("c-%d", i)
		h := zone.IDHash(registry.InstanceID(id))
		if other, ok := seen[h]; ok {
			return [2]string{other, id}
		}
		seen[h] = id
	}
	t.Fatal("no two ids have the same hash")
	return [2]string{}
}

// TestLargeClass lets instances of a service with more of them than a chunk has
// come and go, in drafts of several changes, some of them with the same hash or
// the same address.
func TestLargeClass(t *testing.T) {
	pair := collidingIDs(t)
	for _, kind := range []registry.RecordType{"A", "SRV"} {
		rapid.Check(t, func(t *rapid.T) {
			w := newWorld(t, false)
			svc := w.service(w.namespace("example.com", ""), "web", "", kind)
			model := map[string]string{}
			ids := rapid.OneOf(rapid.SampledFrom(pair[:]), rapid.Map(rapid.IntRange(0, 250), func(i int) string { return fmt.Sprint("i-", i) }))
			for range rapid.IntRange(1, 12).Draw(t, "drafts") {
				w.draft = state.NewDraft(w.state)
				grow := rapid.IntRange(0, 10).Draw(t, "grow")
				for i := range rapid.IntRange(1, 80).Draw(t, "changes") {
					id := ids.Draw(t, "id")
					if _, there := model[id]; there && i%10 >= grow {
						w.do(&registry.DeregisterInstance{ServiceRef: svc, ID: registry.InstanceID(id)})
						delete(model, id)
						continue
					}
					addr := fmt.Sprintf("10.0.0.%d", rapid.IntRange(0, 40).Draw(t, "address"))
					w.register(svc, id, registry.AttrIPv4, addr, registry.AttrPort, "80")
					model[id] = addr
				}
				w.state, w.draft = w.draft.Finish(), nil
				checkClass(t, w, kind, model)
			}
		})
	}
}

func checkClass(t *rapid.T, w *world, kind registry.RecordType, model map[string]string) {
	set := look(&w.state.Zones, "web.example.com", false, everything).Node.Set()
	if err := set.Check(); err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for id, addr := range model {
		value := fmt.Sprintf("[%s]", strings.ReplaceAll(addr, ".", " "))
		if kind == "SRV" {
			value = fmt.Sprintf("%s:80 1 %s [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0] 60", id, value)
		}
		want = append(want, fmt.Sprintf("%s %08x false 0 %q: %s", kind, zone.IDHash(registry.InstanceID(id)), "", value))
	}
	slices.Sort(want)
	if got := set.Dump(); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
