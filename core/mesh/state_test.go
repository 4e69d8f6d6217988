package mesh_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/internal/record"
)

const owner = command.AccountID("111122223333")

// apply returns the state with changes.
func apply(s *mesh.State, changes ...command.Change) *mesh.State {
	d := mesh.NewDraft(s)
	for _, c := range changes {
		d.Apply(1, c)
	}
	return d.State()
}

// names returns the IDs of resources behind the mesh.
func names(all func(func(*mesh.Resource) bool)) string {
	var list []string
	for r := range all {
		list = append(list, strings.TrimPrefix(r.Ref.ID(), string(owner)+"/m/"))
	}
	return strings.Join(list, " ")
}

func routeTo(nodes ...string) *mesh.RouteSpec {
	var targets []mesh.WeightedTarget
	for _, n := range nodes {
		targets = append(targets, mesh.WeightedTarget{VirtualNode: n, Weight: 1})
	}
	return &mesh.RouteSpec{HTTP: &mesh.HTTPRoute{Action: mesh.RouteAction{WeightedTargets: targets}, Match: mesh.HTTPMatch{Prefix: new("/")}}}
}

// TestReferrers: the index of what names what follows every change.
func TestReferrers(t *testing.T) {
	node := mesh.NodeRef(owner, "m", "n1")
	service := mesh.NewResource(mesh.ServiceRef(owner, "m", "s.local"), &mesh.VirtualServiceSpec{Provider: &mesh.ServiceProvider{VirtualNode: &mesh.NodeProvider{VirtualNodeName: "n1"}}})
	route := mesh.NewResource(mesh.RouteRef(owner, "m", "r", "x"), routeTo("n1", "n2"))
	s := apply(&mesh.State{}, mesh.Put(mesh.NewResource(mesh.MeshRef(owner, "m"), &mesh.MeshSpec{}), service, route,
		mesh.NewResource(mesh.NodeRef(owner, "m", "n2"), &mesh.VirtualNodeSpec{Backends: []mesh.Backend{{VirtualService: &mesh.VirtualServiceBackend{VirtualServiceName: "arn:aws:appmesh:eu-1:111122223333:mesh/m/virtualService/s.local"}}}}))...)
	if got := names(mesh.ReferrersOf(s, node)); got != "route/r/x virtualService/s.local" {
		t.Errorf("n1 is named by %q", got)
	}
	if got := names(mesh.ReferrersOf(s, service.Ref)); got != "virtualNode/n2" {
		t.Errorf("s.local is named by %q", got)
	}
	s = apply(s, append(mesh.Put(mesh.NewResource(route.Ref, routeTo("n3"))), mesh.Remove(service))...)
	if got := names(mesh.ReferrersOf(s, node)); got != "" {
		t.Errorf("after the changes n1 is named by %q", got)
	}
	if got := names(mesh.ReferrersOf(s, mesh.NodeRef(owner, "m", "n3"))); got != "route/r/x" {
		t.Errorf("n3 is named by %q", got)
	}
}

// TestLists: each list has its own kind and parent only, in the order of the names.
func TestLists(t *testing.T) {
	s := apply(&mesh.State{}, mesh.Put(
		mesh.NewResource(mesh.MeshRef(owner, "m"), &mesh.MeshSpec{}), mesh.NewResource(mesh.MeshRef(owner, "m2"), &mesh.MeshSpec{}),
		mesh.NewResource(mesh.MeshRef("999900000000", "m"), &mesh.MeshSpec{}),
		mesh.NewResource(mesh.RouterRef(owner, "m", "b"), &mesh.VirtualRouterSpec{}), mesh.NewResource(mesh.RouterRef(owner, "m", "a"), &mesh.VirtualRouterSpec{}),
		mesh.NewResource(mesh.RouteRef(owner, "m", "a", "z"), routeTo("n")), mesh.NewResource(mesh.RouteRef(owner, "m", "ab", "y"), routeTo("n")),
		mesh.NewResource(mesh.RouterRef(owner, "m2", "c"), &mesh.VirtualRouterSpec{}),
	)...)
	m := mesh.MeshRef(owner, "m")
	for want, got := range map[string]string{
		"virtualRouter/a virtualRouter/b": names(s.In(m, mesh.KindVirtualRouter, "")),
		"virtualRouter/b":                 names(s.In(m, mesh.KindVirtualRouter, "a")),
		"route/a/z":                       names(s.In(mesh.RouterRef(owner, "m", "a"), mesh.KindRoute, "")),
		"route/a/z route/ab/y virtualRouter/a virtualRouter/b": names(mesh.AllOf(s, m)),
		"111122223333/m 111122223333/m2":                       names(mesh.MeshesOf(s, owner, "")),
		"111122223333/m2":                                      names(mesh.MeshesOf(s, owner, "m")),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDiff(t *testing.T) {
	m := mesh.NewResource(mesh.MeshRef(owner, "m"), &mesh.MeshSpec{})
	r1, r2, r3 := mesh.NewResource(mesh.RouteRef(owner, "m", "r", "1"), routeTo("n")), mesh.NewResource(mesh.RouteRef(owner, "m", "r", "2"), routeTo("n")), mesh.NewResource(mesh.RouteRef(owner, "m", "r", "3"), routeTo("n"))
	old := apply(&mesh.State{}, mesh.Put(m, r1, r2)...)
	now := apply(old, append(mesh.Put(mesh.NewResource(r2.Ref, routeTo("o")), r3), mesh.Remove(r1))...)
	var got []string
	mesh.Diff(old, now, func(old, now *mesh.Resource) {
		switch {
		case old == nil:
			got = append(got, "+"+now.Ref.Name)
		case now == nil:
			got = append(got, "-"+old.Ref.Name)
		default:
			got = append(got, "~"+now.Ref.Name)
		}
	})
	if !slices.Equal(got, []string{"-1", "~2", "+3"}) {
		t.Errorf("got %v", got)
	}
}

func TestRef(t *testing.T) {
	for _, r := range []mesh.Ref{
		mesh.MeshRef(owner, "m"), mesh.NodeRef(owner, "m", "n"), mesh.ServiceRef(owner, "m", "s.local"), mesh.RouterRef(owner, "m", "r"),
		mesh.RouteRef(owner, "m", "r", "x"), mesh.GatewayRef(owner, "m", "g"), mesh.GatewayRouteRef(owner, "m", "g", "x"),
	} {
		if got := mesh.ParseID(r.ID()); got != r {
			t.Errorf("%s is read as %+v", r.ID(), got)
		}
		if got, ok := mesh.ParsePath(owner, r.Path()); got != r || !ok {
			t.Errorf("%s is read as %+v", r.Path(), got)
		}
	}
	for _, path := range []string{"", "mesh", "mesh/", "mesh/m/other/n", "mesh/m/route/x", "mesh/m/virtualGateway/g/route/x", "other/m/virtualNode/n", "mesh/m/virtualNode/n/x"} {
		if r, ok := mesh.ParsePath(owner, path); ok {
			t.Errorf("%q is read as %+v", path, r)
		}
	}
}

// TestUnknownFields: fields of a newer version are kept.
func TestUnknownFields(t *testing.T) {
	slice := mesh.Slice()
	stored := record.AppendString(record.AppendString(nil, 6, `{"listeners":[],"color":"red"}`), 99, "new")
	c, err := slice.Decode("mb/111122223333/m/virtualNode/n", stored)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Value(nil); string(again) != string(stored) {
		t.Errorf("%q became %q", stored, again)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("mb/111122223333/m/virtualNode/n", []byte{})
	f.Add("mb/111122223333/m/route/r/x", record.AppendString(nil, 6, `{"httpRoute":{"action":{"weightedTargets":[{"virtualNode":"n","weight":1}]}}}`))
	f.Add("ma/111122223333/m", record.AppendString(nil, 7, "\x03\x01k"))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		slice := mesh.Slice()
		c, err := slice.Decode(key, value)
		if err != nil {
			return
		}
		if c.Key() != key {
			t.Fatalf("key %q became %q", key, c.Key())
		}
		again, _ := c.Value(nil)
		if _, err := slice.Decode(key, again); err != nil {
			t.Fatalf("%q became %q: %v", value, again, err)
		}
		apply(&mesh.State{}, c)
	})
}
