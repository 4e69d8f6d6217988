package mesh_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
)

// TestShareMesh: a share is in force at once and can be ended, also after the state was
// stored and read again. The mesh keeps its version.
func TestShareMesh(t *testing.T) {
	const third = command.AccountID("333333333333")
	w := newFixture(t)
	at := ref(t, "mesh/m")
	share := func(stop bool, with ...command.AccountID) {
		t.Helper()
		if _, err := w.try(owner, &mesh.ShareMesh{Mesh: "m", With: with, Stop: stop}); err != nil {
			t.Fatal(err)
		}
		again := new(state.State)
		for stored := range w.state.All() {
			value, _ := stored.Change.Value(nil)
			change, err := state.Decode(stored.Change.Key(), value)
			if err != nil {
				t.Fatal(err)
			}
			again = state.Apply(again, w.state.Revision, change)
		}
		w.state = again
	}
	sees := func() bool {
		t.Helper()
		r, err := w.state.Mesh.Find(&w.rules.Mesh, third, at)
		listed := slices.ContainsFunc(w.state.Mesh.VisibleMeshes(&w.rules.Mesh, third, ""), func(r *mesh.Resource) bool { return r.Ref == at })
		if (err == nil) != listed {
			t.Errorf("the account can read the mesh: %v, and lists it: %t", err, listed)
		}
		if err == nil && r.Version != 1 {
			t.Errorf("version %d", r.Version)
		}
		return err == nil
	}
	if sees() {
		t.Error("an account sees a mesh that is not shared")
	}
	share(false, third, third)
	if !sees() {
		t.Error("the account does not see the mesh")
	}
	if err := w.update("mesh/m", `{"egressFilter":{"type":"ALLOW_ALL"}}`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.state.Mesh.Find(&w.rules.Mesh, third, at); err != nil {
		t.Errorf("after an update: %v", err)
	}
	n := 0
	for r, with := range w.state.Mesh.Shares(owner) {
		n++
		if r.Ref != at || !slices.Equal(with, []command.AccountID{third}) {
			t.Errorf("%v is shared with %v", r.Ref, with)
		}
	}
	if n != 1 {
		t.Errorf("%d shares", n)
	}
	if _, err := w.try(third, &mesh.Create{Ref: ref(t, "mesh/m/virtualNode/theirs"), Spec: spec(t, mesh.KindVirtualNode, `{}`)}); err != nil {
		t.Error(err)
	}
	share(true, third)
	if _, err := w.state.Mesh.Find(&w.rules.Mesh, third, at); err == nil {
		t.Error("the account sees the mesh after the end of the share")
	}
	for range w.state.Mesh.SharedWith(&w.rules.Mesh, third) {
		t.Error("a mesh is still shared")
	}
	for _, c := range []struct {
		share mesh.ShareMesh
		want  string
	}{
		{mesh.ShareMesh{Mesh: "other", With: []command.AccountID{third}}, "not present"},
		{mesh.ShareMesh{Mesh: "m", With: []command.AccountID{owner}}, "another account: it is the owner"},
		{mesh.ShareMesh{Mesh: "m", With: []command.AccountID{"x"}}, "another account: an id has twelve digits"},
	} {
		if _, err := w.try(owner, &c.share); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.share, err, c.want)
		}
	}
}
