package mesh_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/internal/record"
)

func root(name string, created, expires int64) mesh.Root {
	return mesh.Root{Certificate: []byte(name), Key: []byte("key of " + name), Created: created, Expires: expires}
}

// TestAuthority: of two nodes that store the authority of a mesh, one does; the authority
// goes with the mesh.
func TestAuthority(t *testing.T) {
	w := newFixture(t)
	at := ref(t, "mesh/m")
	put := func(now, old *mesh.Authority) bool {
		t.Helper()
		reply, err := w.try(owner, &mesh.PutAuthority{Authority: now, Old: old})
		if err != nil {
			t.Fatal(err)
		}
		return !reply.Unchanged
	}
	a, b := &mesh.Authority{Mesh: at, Roots: []mesh.Root{root("a", 1, 9)}}, &mesh.Authority{Mesh: at, Roots: []mesh.Root{root("b", 1, 9)}}
	if !put(a, nil) || put(b, nil) {
		t.Error("the second authority replaces the first one")
	}
	if got, _ := w.state.Mesh.Authority(ref(t, "mesh/m/virtualNode/n")); got != a {
		t.Errorf("the authority is %v", got)
	}
	if !put(b, a) || put(a, a) {
		t.Error("a change of an old version is stored")
	}
	if other := (&mesh.Authority{Mesh: mesh.MeshRef(owner, "other")}); put(other, nil) {
		t.Error("a mesh that does not exist has an authority")
	}
	for _, path := range []string{"mesh/m/virtualGateway/g", "mesh/m/virtualService/s.local", "mesh/m/virtualRouter/r", "mesh/m/virtualNode/n", "mesh/m/virtualNode/bare", "mesh/m"} {
		if err := w.remove(path); err != nil {
			t.Fatal(err)
		}
	}
	var changed []mesh.Ref
	mesh.DiffAuthorities(&w.state.Mesh, &new(state.State).Mesh, func(m mesh.Ref) { changed = append(changed, m) })
	if len(changed) != 0 {
		t.Errorf("the authorities of %v are left", changed)
	}
}

// TestAuthorityRecord: an authority comes back as it was stored, with fields of newer
// versions.
func TestAuthorityRecord(t *testing.T) {
	a := &mesh.Authority{Mesh: mesh.MeshRef(owner, "m"), Roots: []mesh.Root{root("a", 1, 9), root("b", 5, 14)}, Rotate: 5}
	value := record.AppendUint(mesh.Authorities.Encode(a, nil), 77, 3)
	value = record.AppendNested(value, 1, func(b []byte) []byte { return record.AppendString(b, 99, "x") })
	got := mesh.Authorities.New("111122223333/m")
	if err := mesh.Authorities.Decode(got, value); err != nil {
		t.Fatal(err)
	}
	if got.Rotate != 5 || len(got.Roots) != 3 || !slices.EqualFunc(got.Roots[:2], a.Roots, func(x, y mesh.Root) bool {
		return bytes.Equal(x.Certificate, y.Certificate) && bytes.Equal(x.Key, y.Key) && x.Created == y.Created && x.Expires == y.Expires
	}) {
		t.Errorf("%+v", got)
	}
	again := mesh.Authorities.Encode(got, nil)
	if !bytes.Contains(again, record.AppendUint(nil, 77, 3)) {
		t.Errorf("the field of a newer version is lost: %q", again)
	}
}

// TestRoots: a root is added at half the life of the newest one, signs when all proxies
// can know it, and goes when it has expired.
func TestRoots(t *testing.T) {
	const settle = 10
	a := &mesh.Authority{Mesh: mesh.MeshRef(owner, "m")}
	if add, _ := a.Stale(0, settle); !add || a.Signer(0, settle) != nil {
		t.Error("nothing is done without roots")
	}
	a = a.With(new(root("a", 0, 100)), 0, settle)
	signer := func(at int64) string { return string(a.Signer(at, settle).Certificate) }
	if add, remove := a.Stale(49, settle); add || remove || signer(0) != "a" {
		t.Errorf("at 49: add %t, remove %t, signer %s", add, remove, signer(0))
	}
	if add, _ := a.Stale(50, settle); !add {
		t.Error("no root is added at half of the life")
	}
	a = a.With(new(root("b", 50, 150)), 50, settle)
	if signer(50) != "a" || signer(59) != "a" || signer(60) != "b" {
		t.Errorf("signers %s, %s, %s", signer(50), signer(59), signer(60))
	}
	if add, remove := a.Stale(99, settle); add || remove {
		t.Errorf("at 99: add %t, remove %t", add, remove)
	}
	if add, remove := a.Stale(100, settle); !add || !remove {
		t.Errorf("at 100: add %t, remove %t", add, remove)
	}
	if a = a.With(nil, 100, settle); len(a.Roots) != 1 || signer(100) != "b" {
		t.Errorf("%d roots, signer %s", len(a.Roots), signer(100))
	}
}

// TestRotate: a root that somebody asks for is made at once, signs when all proxies can know
// it, and replaces the old one when nothing is valid that this has signed.
func TestRotate(t *testing.T) {
	const settle = 10
	a := (&mesh.Authority{Mesh: mesh.MeshRef(owner, "m"), Rotate: 20}).With(new(root("a", 0, 100)), 0, settle)
	if add, remove := a.Stale(20, settle); !add || remove {
		t.Errorf("after the request: add %t, remove %t", add, remove)
	}
	a = a.With(new(root("b", 21, 121)), 21, settle)
	for _, c := range []struct {
		at, signers string
		now         int64
		remove      bool
	}{{"new", "a", 30, false}, {"it signs", "b", 31, false}, {"some certificates are old", "b", 40, false}, {"none is", "b", 41, true}} {
		if add, remove := a.Stale(c.now, settle); add || remove != c.remove || string(a.Signer(c.now, settle).Certificate) != c.signers {
			t.Errorf("%s: add %t, remove %t, signer %s", c.at, add, remove, a.Signer(c.now, settle).Certificate)
		}
	}
	if a = a.With(nil, 41, settle); len(a.Roots) != 1 || string(a.Roots[0].Certificate) != "b" || a.Rotate != 20 {
		t.Errorf("at the end: %+v", a)
	}
	if add, remove := a.Stale(42, settle); add || remove {
		t.Errorf("then: add %t, remove %t", add, remove)
	}
}

// TestRotateAuthority: who may ask for a new root, and when.
func TestRotateAuthority(t *testing.T) {
	w := newFixture(t)
	rotate := func() error {
		_, err := w.try(owner, &mesh.RotateAuthority{Mesh: "m"})
		return err
	}
	if _, ok := errors.AsType[*command.NotFound](rotate()); !ok {
		t.Errorf("without an authority: %v", rotate())
	}
	w.rules.Mesh.Authority = mesh.AuthorityRules{Meshes: []string{"m"}, LeafLife: 1000}
	if _, err := w.try(owner, &mesh.PutAuthority{Authority: &mesh.Authority{Mesh: ref(t, "mesh/m"), Roots: []mesh.Root{root("a", 1, 9)}}}); err != nil {
		t.Fatal(err)
	}
	if err := rotate(); err != nil {
		t.Error(err)
	}
	a, _ := w.state.Mesh.Authority(ref(t, "mesh/m"))
	if a.Rotate == 0 || len(a.Roots) != 1 {
		t.Errorf("after the request: %+v", a)
	}
	if _, ok := errors.AsType[*command.Conflict](rotate()); !ok {
		t.Errorf("a second request: %v", rotate())
	}
	if _, ok := errors.AsType[*command.NotFound](func() error { _, err := w.try("999999999999", &mesh.RotateAuthority{Mesh: "m"}); return err }()); !ok {
		t.Error("another account may ask for it")
	}
}

// TestSPIFFEIDs: ids of virtual nodes and gateways, all of which are well-formed.
func TestSPIFFEIDs(t *testing.T) {
	cloudMap := func(namespace, service string) mesh.Spec {
		return &mesh.VirtualNodeSpec{ServiceDiscovery: &mesh.ServiceDiscovery{CloudMap: &mesh.CloudMapServiceDiscovery{NamespaceName: namespace, ServiceName: service}}}
	}
	host := func(name string) mesh.Spec {
		return &mesh.VirtualNodeSpec{ServiceDiscovery: &mesh.ServiceDiscovery{DNS: &mesh.DNSServiceDiscovery{Hostname: name}}}
	}
	node := mesh.NodeRef(owner, "Shop", "n1")
	for want, r := range map[string]*mesh.Resource{
		"spiffe://shop/ns/local/sv/web":         {Ref: node, Spec: cloudMap("local", "web")},
		"spiffe://shop/ns/a.b_c/sv/Web-1":       {Ref: node, Spec: cloudMap("a.b_c", "Web-1")},
		"spiffe://shop/ns/shop.example/sv/cart": {Ref: node, Spec: host("cart.shop.example.")},
		"spiffe://shop/virtualNode/n1":          {Ref: node, Spec: &mesh.VirtualNodeSpec{}},
		"spiffe://shop/virtualNode/host":        {Ref: mesh.NodeRef(owner, "Shop", "host"), Spec: host("host")},
		"spiffe://shop/virtualNode/odd":         {Ref: mesh.NodeRef(owner, "Shop", "odd"), Spec: cloudMap("a/../b", "web")},
		"spiffe://shop/virtualNode/dots":        {Ref: mesh.NodeRef(owner, "Shop", "dots"), Spec: cloudMap("..", "web")},
		"spiffe://shop/virtualGateway/front":    {Ref: mesh.GatewayRef(owner, "Shop", "front"), Spec: &mesh.VirtualGatewaySpec{}},
	} {
		if got := r.SPIFFEID(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestAuthorityRules: which meshes have the built-in authority.
func TestAuthorityRules(t *testing.T) {
	for _, c := range []struct {
		meshes []string
		want   bool
	}{{nil, false}, {[]string{"other"}, false}, {[]string{"other", "shop"}, true}, {[]string{"*"}, true}} {
		if got := (&mesh.AuthorityRules{Meshes: c.meshes}).Covers("shop"); got != c.want {
			t.Errorf("%v: %t", c.meshes, got)
		}
	}
}
