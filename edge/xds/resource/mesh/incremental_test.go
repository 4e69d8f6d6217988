package mesh

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/mesh/meshtest"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// made is a resource, or the list of names of a wildcard, with what it depends on.
type made struct {
	version string
	deps    map[resource.Dep]bool
}

// makeAll makes what a proxy gets, and notes the dependencies. It also makes the names
// that it is given.
func (w *fixture) makeAll(v resource.View, names ...key) map[key]made {
	w.t.Helper()
	all := map[key]made{}
	note := func(k key, version string, in *resource.Input) {
		m := made{version, map[resource.Dep]bool{}}
		in.Used(func(d resource.Dep) { m.deps[d] = true })
		all[k] = m
	}
	for _, t := range []resource.Type{resource.Cluster, resource.Listener} {
		in := w.input()
		note(key{t, resource.Wildcard}, strings.Join(v.Names(in, t), " "), in)
	}
	for k := range w.everything(v) {
		names = append(names, k)
	}
	for _, k := range names {
		in := w.input()
		version := ""
		if m := v.Make(in, k.t, k.name); m != nil {
			r, err := resource.Encode(k.t, k.name, m)
			if err != nil {
				w.t.Fatal(err)
			}
			version = r.Version
		}
		note(k, version, in)
	}
	return all
}

// changed returns the dependencies that differ between a state and the present one.
func (w *fixture) changed(old *state.State) map[resource.Dep]bool {
	deps := map[resource.Dep]bool{}
	note := func(d resource.Dep) { deps[d] = true }
	resource.RegistryChanges(&old.Registry, &w.state.Registry, func(resource.Dep) bool { return true }, note, func(*registry.Service, *registry.Instance) {})
	(&Source{}).Changes(old, w.state, note)
	return deps
}

// touched returns the names of what depends on a change.
func touched(all map[key]made, changed map[resource.Dep]bool) []string {
	var names []string
	for k, m := range all {
		for d := range m.deps {
			if changed[d] {
				names = append(names, fmt.Sprint(k.t, " ", k.name))
				break
			}
		}
	}
	slices.Sort(names)
	return names
}

// scenarioNamed reads a scenario of testdata and returns the views of its proxies.
func (w *fixture) scenarioNamed(name string) (views []resource.View) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range w.scenario(string(text)) {
		views = append(views, w.view(p))
	}
	return views
}

// TestInstanceTouchesItsEndpoints: a change of one instance makes the endpoints of its
// service again, and nothing else.
func TestInstanceTouchesItsEndpoints(t *testing.T) {
	w := newFixture(t)
	views := w.scenarioNamed("routes")
	before := w.makeAll(views[0])
	old := w.state
	w.instance("local", "a", "a-2", map[string]string{"AWS_INSTANCE_IPV4": "10.0.0.9"})
	changed := w.changed(old)
	if len(changed) != 1 {
		t.Errorf("changed %v, want one dependency", changed)
	}
	want := []string{"endpoints cds_egress_shop_a_grpc_90", "endpoints cds_egress_shop_a_http_80", "endpoints cds_egress_shop_a_tcp_3306"}
	if got := touched(before, changed); !slices.Equal(got, want) {
		t.Errorf("touched %q, want %q", got, want)
	}
	after := w.makeAll(views[0])
	for k, m := range after {
		if isEndpoints := k.t == resource.Endpoints && strings.Contains(k.name, "_a_"); (m.version != before[k].version) != isEndpoints {
			t.Errorf("%s %s: version %s, was %s", k.t, k.name, m.version, before[k].version)
		}
	}
}

// TestRouteTouchesItsPort: a change of the weights of a route touches the routes of its
// router, and no cluster and no endpoint.
func TestRouteTouchesItsPort(t *testing.T) {
	w := newFixture(t)
	views := w.scenarioNamed("routes")
	before := w.makeAll(views[0])
	w.put(`mesh/shop/virtualRouter/calls/route/all {"grpcRoute": {"match": {}, "action": {"weightedTargets": [
		{"virtualNode": "a", "port": 90, "weight": 0}, {"virtualNode": "b", "port": 90, "weight": 100}]}}}`)
	for k, m := range w.makeAll(views[0]) {
		if wanted := k.name == "rds_egress_grpc_90"; (m.version != before[k].version) != wanted {
			t.Errorf("%s %s: version %s, was %s", k.t, k.name, m.version, before[k].version)
		}
	}
}

// TestEveryChangeIsReported: whatever changes, what is made differently depends on
// something that Changes reports.
func TestEveryChangeIsReported(t *testing.T) {
	changes := map[string][]string{
		"discovery": {
			`mesh/shop {"serviceDiscovery": {"ipPreference": "IPv6_ONLY"}}`,
			`mesh/shop {"egressFilter": {"type": "ALLOW_ALL"}}`,
			`mesh/shop/virtualService/missing.local {"provider": {"virtualNode": {"virtualNodeName": "v1"}}}`,
			`mesh/shop/virtualService/nobody.local {"provider": {"virtualNode": {"virtualNodeName": "v2"}}}`,
			"-mesh/shop/virtualNode/dns", "-mesh/shop/virtualService/v1.local",
			`mesh/shop/virtualNode/v1 {"listeners": [{"portMapping": {"port": 8080, "protocol": "http2"}}], "serviceDiscovery": {"dns": {"hostname": "x"}}}`,
			`mesh/shop/virtualNode/client {"backends": [{"virtualService": {"virtualServiceName": "v2.local", "clientPolicy": {"tls": {"validation": {"trust": {"sds": {"secretName": "ca"}}}}}}}]}`,
		},
		"routes": {
			"-mesh/shop/virtualRouter/web/route/exact", `mesh/shop/virtualRouter/web/route/new {"httpRoute": {"match": {"prefix": "/new"}, "action": {"weightedTargets": [{"virtualNode": "a", "weight": 1}]}}}`,
			"-mesh/shop/virtualRouter/db", `mesh/shop/virtualRouter/web {"listeners": [{"portMapping": {"port": 8080, "protocol": "http"}}]}`,
			"-mesh/shop/virtualNode/b", `mesh/shop {}`,
		},
		"gateway": {
			"-mesh/shop/virtualGateway/front/gatewayRoute/x", `mesh/shop/virtualService/none.local {"provider": {"virtualNode": {"virtualNodeName": "web"}}}`,
			`mesh/shop/virtualService/new.local {"provider": {"virtualNode": {"virtualNodeName": "web"}}}`,
			`mesh/shop/virtualGateway/two {"listeners": [{"portMapping": {"port": 8081, "protocol": "http2"}}]}`,
			"-mesh/shop/virtualService/web.local",
		},
		"tls": {`mesh/shop/virtualNode/strict {}`, `mesh/shop/virtualNode/permissive {"listeners": [{"portMapping": {"port": 81, "protocol": "grpc"}}]}`},
	}
	for name, all := range changes {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.t = quiet{t}
			views := w.scenarioNamed(name)
			for _, change := range all {
				var before []map[key]made
				for _, v := range views {
					before = append(before, w.makeAll(v))
				}
				old := w.state
				if path, ok := strings.CutPrefix(change, "-"); ok {
					c, err := meshtest.Remove(account, path)
					if err != nil {
						t.Fatal(err)
					}
					w.apply(c)
				} else {
					w.put(change)
				}
				changed := w.changed(old)
				if len(changed) > 2 {
					t.Errorf("%.60s: changed %v", change, changed)
				}
				for i, v := range views {
					known := make([]key, 0, len(before[i]))
					for k := range before[i] {
						if k.name != resource.Wildcard {
							known = append(known, k)
						}
					}
					after, reported := w.makeAll(v, known...), touched(before[i], changed)
					for k, m := range before[i] {
						if m.version != after[k].version && !slices.Contains(reported, fmt.Sprint(k.t, " ", k.name)) {
							t.Errorf("%.60s: %s %s has changed, and depends on nothing that is reported", change, k.t, k.name)
						}
					}
				}
			}
		})
	}
}

// quiet is a test for which it is no error that a resource does not exist: while a mesh
// changes, names may lead nowhere.
type quiet struct{ *testing.T }

func (quiet) Errorf(string, ...any) {}
