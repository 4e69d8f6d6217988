package zone_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

// collidingAddresses are two addresses with the same hash.
func collidingAddresses(t *testing.T) [2]string {
	seen := map[uint32]string{}
	for i := range 1 << 20 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		h := uint32(zone.Hash(addr.AsSlice()))
		if other, ok := seen[h]; ok {
			return [2]string{other, addr.String()}
		}
		seen[h] = addr.String()
	}
	t.Fatal("no two addresses have the same hash")
	return [2]string{}
}

// TestLargeClass adds and removes instances of a service that has more of them than a
// chunk, in drafts of several changes. Some of them have the same hash or the same address.
func TestLargeClass(t *testing.T) {
	pair := collidingAddresses(t)
	for _, kind := range []registry.RecordType{"A", "SRV"} {
		rapid.Check(t, func(t *rapid.T) {
			w := newFixture(t, false)
			svc := w.service(w.namespace("example.com", ""), "web", "", kind)
			model := map[string]string{}
			ids := rapid.Map(rapid.IntRange(0, 250), func(i int) string { return fmt.Sprint("i-", i) })
			addresses := rapid.OneOf(rapid.SampledFrom(pair[:]), rapid.Map(rapid.IntRange(0, 40), func(i int) string { return fmt.Sprint("10.0.0.", i) }))
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
					addr := addresses.Draw(t, "address")
					w.register(svc, id, registry.AttrIPv4, addr, registry.AttrPort, "80")
					model[id] = addr
				}
				w.state, w.draft = w.draft.Finish(), nil
				checkClass(t, w, kind, model)
			}
		})
	}
}

func checkClass(t *rapid.T, w *fixture, kind registry.RecordType, model map[string]string) {
	set := look(&w.state.Zones, "web.example.com", false, everything).Node.Set()
	if err := set.Check(); err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for id, addr := range model {
		v4 := netip.MustParseAddr(addr).As4()
		if kind == "SRV" {
			want = append(want, fmt.Sprintf("33 false 0 %q: 000100010050%02x%x %v %v 60", "", len(id), id, v4, [16]byte{}))
		} else {
			want = append(want, fmt.Sprintf("1 false 0 %q: %v", "", v4))
		}
	}
	slices.Sort(want)
	if kind == registry.RecordA {
		want = slices.Compact(want) // RFC 2181 section 5
	}
	if got := set.Dump(); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
