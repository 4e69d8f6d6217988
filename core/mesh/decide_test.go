package mesh_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
)

// wantError checks the type of an error and a part of its text; none: no error.
func wantError[E error](t *testing.T, what string, err error, text string) {
	t.Helper()
	var want E
	if text == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if _, ok := err.(E); !ok || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: got %T %v, want %T with %q", what, err, err, want, text)
	}
}

// TestRules: each rule of the API that its model does not have, and what is accepted next
// to it.
func TestRules(t *testing.T) {
	node := func(listener, rest string) string {
		return `{"listeners":[` + listener + `],` + dnsDiscovery + rest + `}`
	}
	listener := func(member string) string { return `{"portMapping":{"port":8080,"protocol":"http"},` + member + `}` }
	route := func(match, rest string) string {
		return `{"httpRoute":{"match":{` + match + `},"action":{"weightedTargets":[{"virtualNode":"n","weight":1}]}` + rest + `}}`
	}
	grpc := func(match string) string {
		return `{"grpcRoute":{"match":{` + match + `},"action":{"weightedTargets":[{"virtualNode":"n","weight":1}]}}}`
	}
	targets := func(list string) string {
		return `{"httpRoute":{"match":{"prefix":"/"},"action":{"weightedTargets":[` + list + `]}}}`
	}
	gateway := func(match, rewrite string) string {
		return `{"httpRoute":{"match":{` + match + `},"action":{"target":{"virtualService":{"virtualServiceName":"s.local"}}` + rewrite + `}}}`
	}
	names := func(list, enforce string) string {
		return `{"backendDefaults":{"clientPolicy":{"tls":{` + enforce + `"validation":{"trust":{"file":{"certificateChain":"/c"}},"subjectAlternativeNames":{"match":{"exact":[` + list + `]}}}}}}}`
	}
	for _, c := range []struct{ path, spec, text string }{
		{"mesh/a.b", `{}`, `The name "a.b" of a Mesh must have`},
		{"mesh/m/virtualNode/a b", `{}`, `The name "a b" of a VirtualNode`},
		{"mesh/m/virtualService/a b", `{}`, `must be a host name`},
		{"mesh/m/virtualService/a_b.c-d.example", `{}`, ``},
		{"mesh/m/virtualNode/x", `{}`, ``},
		{"mesh/m/virtualNode/x", `{` + dnsDiscovery + `}`, `Service Discovery can't be set without a listener.`},
		{"mesh/m/virtualNode/x", `{"listeners":[` + httpListener + `]}`, `Service Discovery must be set`},
		{"mesh/m/virtualNode/x", node(httpListener+","+httpListener, ""), `Two listeners have the port 8080`},
		{"mesh/m/virtualNode/x", node(httpListener+","+tcpListener, ""), ``},
		{"mesh/m/virtualNode/x", node(listener(`"connectionPool":{"tcp":{"maxConnections":1}}`), ""), `a connectionPool for tcp`},
		{"mesh/m/virtualNode/x", node(listener(`"connectionPool":{"http":{"maxConnections":1}}`), ""), ``},
		{"mesh/m/virtualNode/x", node(listener(`"timeout":{"grpc":{}}`), ""), `a timeout for grpc`},
		{"mesh/m/virtualNode/x", node(listener(`"timeout":{"http":{"idle":{"unit":"ms","value":0}}}`), ""), ``},
		{"mesh/m/virtualNode/x", node(listener(`"healthCheck":{"protocol":"http","port":8081}`), ""), `must be that of the listener`},
		{"mesh/m/virtualNode/x", node(listener(`"healthCheck":{"protocol":"tcp","path":"/"}`), ""), `only http and http2 have paths`},
		{"mesh/m/virtualNode/x", node(listener(`"healthCheck":{"protocol":"http","port":8080,"path":"/"}`), ""), ``},
		{"mesh/m/virtualNode/x", node(listener(`"tls":{"mode":"STRICT","certificate":{"file":{}},"validation":{"trust":{"file":{}},"subjectAlternativeNames":{"match":{"exact":["*.a.b"]}}}}`), ""), `wildcard`},
		{"mesh/m/virtualNode/x", `{"backends":[{"virtualService":{"virtualServiceName":"a"}},{"virtualService":{"virtualServiceName":"a"}}]}`, `twice`},
		{"mesh/m/virtualNode/x", `{"backends":[{"virtualService":{"virtualServiceName":"a"}},{"virtualService":{"virtualServiceName":"arn:aws:appmesh:eu-1:111122223333:mesh/m/virtualService/a"}}]}`, `twice`},
		{"mesh/m/virtualNode/x", `{"backends":[{"virtualService":{"virtualServiceName":"not.there"}}]}`, ``},
		{"mesh/m/virtualNode/x", names(`"a.b","spiffe://m/ns/a/sv/b"`, ""), ``},
		{"mesh/m/virtualNode/x", names(`"*.a.b"`, ""), `wildcard`},
		{"mesh/m/virtualNode/x", names(`"*.a.b"`, `"enforce":false,`), ``},
		{"mesh/m/virtualNode/x", names(`"a b"`, ""), `must be a host name or a URI`},
		{"mesh/m/virtualNode/x", names(``, ""), `without a name`},
		{"mesh/m/virtualRouter/x", `{}`, ``},
		{"mesh/m/virtualRouter/x", `{"listeners":[` + httpListener + `,` + httpListener + `]}`, `Two listeners have the port 8080`},
		{"mesh/m/virtualService/x", `{}`, ``},
		{"mesh/m/virtualService/x", `{"provider":{"virtualNode":{"virtualNodeName":"z"}}}`, `VirtualNode with name z is not present under mesh m`},
		{"mesh/m/virtualService/x", `{"provider":{"virtualRouter":{"virtualRouterName":"z"}}}`, `VirtualRouter with name z is not present`},
		{"mesh/m/virtualRouter/r/route/x", `{}`, `exactly one of`},
		{"mesh/m/virtualRouter/r/route/x", strings.TrimSuffix(routeSpec, "}") + `,"tcpRoute":{"action":{}}}`, `exactly one of`},
		{"mesh/m/virtualRouter/r/route/x", targets(`{"virtualNode":"z","weight":1}`), `VirtualNode with name z is not present`},
		{"mesh/m/virtualRouter/r/route/x", targets(`{"virtualNode":"n","weight":0}`), `add up to 0`},
		{"mesh/m/virtualRouter/r/route/x", targets(`{"virtualNode":"n","weight":60},{"virtualNode":"bare","weight":41}`), `add up to 101`},
		{"mesh/m/virtualRouter/r/route/x", targets(`{"virtualNode":"n","weight":1},{"virtualNode":"bare","weight":0}`), ``},
		{"mesh/m/virtualRouter/r/route/x", targets(`{"virtualNode":"n","weight":1,"port":8081}`), `has no listener on it`},
		{"mesh/m/virtualRouter/r/route/x", targets(`{"virtualNode":"n","weight":1,"port":8080}`), ``},
		{"mesh/m/virtualRouter/r/route/x", route(``, ""), `must have a prefix or a path`},
		{"mesh/m/virtualRouter/r/route/x", route(`"prefix":"/","path":{"exact":"/"}`, ""), `can have one of them`},
		{"mesh/m/virtualRouter/r/route/x", route(`"prefix":"a"`, ""), `must begin with /`},
		{"mesh/m/virtualRouter/r/route/x", route(`"path":{}`, ""), `exactly one of exact and regex`},
		{"mesh/m/virtualRouter/r/route/x", route(`"path":{"regex":"/("}`, ""), `malformed`},
		{"mesh/m/virtualRouter/r/route/x", route(`"path":{"regex":"/(a|b)+"}`, ""), ``},
		{"mesh/m/virtualRouter/r/route/x", route(`"prefix":"/","port":8081`, ""), `no listener on it`},
		{"mesh/m/virtualRouter/r/route/x", route(`"prefix":"/","headers":[{"name":"h","match":{"range":{"start":2,"end":2}}}]`, ""), `start must be less than end`},
		{"mesh/m/virtualRouter/r/route/x", route(`"prefix":"/","headers":[{"name":"h"}]`, ""), ``},
		{"mesh/m/virtualRouter/r/route/x", route(`"prefix":"/"`, `,"retryPolicy":{"maxRetries":1,"perRetryTimeout":{}}`), `at least one event`},
		{"mesh/m/virtualRouter/r/route/x", route(`"prefix":"/"`, `,"retryPolicy":{"maxRetries":0,"perRetryTimeout":{},"httpRetryEvents":["server-eror"]}`), `httpRetryEvents has "server-eror": there are server-error, gateway-error`},
		{"mesh/m/virtualNode/x", node(httpListener, `,"logging":{"accessLog":{"file":{"path":"/x","format":{"text":"%NOPE%"}}}}`), `operator %NOPE%, which Envoy does not have`},
		{"mesh/m/virtualGateway/x", `{"listeners":[` + httpListener + `],"logging":{"accessLog":{"file":{"path":"/x","format":{"text":"%NOPE%"}}}}}`, `operator %NOPE%, which Envoy does not have`},
		{"mesh/m/virtualRouter/r/route/x", route(`"prefix":"/"`, `,"retryPolicy":{"maxRetries":0,"perRetryTimeout":{},"tcpRetryEvents":["connection-error"]}`), ``},
		{"mesh/m/virtualRouter/r/route/x", grpc(``), `has the protocol grpc, and virtual router r has the protocol http on port 8080`},
		{"mesh/m/virtualRouter/r/route/x", grpc(`"methodName":"a"`), `without a serviceName`},
		{"mesh/m/virtualGateway/x", `{"listeners":[]}`, `must have a listener`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", `{}`, `exactly one of`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(``, ""), `a prefix, a path or a hostname`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(`"hostname":{"suffix":".example.com"}`, ""), ``},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(`"hostname":{"suffix":".a","exact":"b"}`, ""), `exactly one of exact and suffix`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(`"prefix":"/aws-app-mesh/x"`, ""), `reserved`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(`"prefix":"/"`, `,"rewrite":{"prefix":{"value":"/a"}}`), `must begin and end with /`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(`"prefix":"/"`, `,"rewrite":{"prefix":{"value":"/a/","defaultPrefix":"DISABLED"}}`), `exactly one of defaultPrefix and value`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(`"path":{"exact":"/a"}`, `,"rewrite":{"prefix":{"value":"/a/"}}`), `only if match has one`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(`"path":{"exact":"/a"}`, `,"rewrite":{"path":{"exact":"/b"}}`), ``},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", gateway(`"prefix":"/","port":1`, ""), `no listener on it`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", strings.Replace(gatewaySpec, "httpRoute", "http2Route", 1), `has the protocol http2, and virtual gateway g has the protocol http`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", strings.Replace(gatewaySpec, "s.local", "t.local", 1), `VirtualService with name t.local is not present`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", strings.Replace(gatewaySpec, `"target":{`, `"target":{"port":1,`, 1), `virtual router r, which provides virtual service s.local, has no listener`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", `{"grpcRoute":{"match":{"serviceName":"aws.app-mesh.x"},"action":{"target":{"virtualService":{"virtualServiceName":"s.local"}}}}}`, `reserved`},
		{"mesh/m/virtualGateway/g/gatewayRoute/x", `{"grpcRoute":{"match":{},"action":{"target":{"virtualService":{"virtualServiceName":"s.local"}}}}}`, `a serviceName or a hostname`},
	} {
		w := newFixture(t)
		wantError[*command.InvalidInput](t, c.path+" "+c.spec, w.put(c.path, c.spec), c.text)
	}
}

// TestNotFound: parents that do not exist are 404, in AWS's words.
func TestNotFound(t *testing.T) {
	w := newFixture(t)
	for path, text := range map[string]string{
		"mesh/x":                                 "Mesh with name x is not present for account 111122223333",
		"mesh/x/virtualNode/n":                   "Mesh with name x is not present for account 111122223333",
		"mesh/m/virtualNode/x":                   "VirtualNode with name x is not present under mesh m for account 111122223333",
		"mesh/m/virtualRouter/x/route/y":         "VirtualRouter with name x is not present under mesh m for account 111122223333",
		"mesh/m/virtualRouter/r/route/y":         "Route with name y is not present under VirtualRouter r under mesh m for account 111122223333",
		"mesh/m/virtualGateway/x/gatewayRoute/y": "VirtualGateway with name x is not present",
	} {
		wantError[*command.NotFound](t, path, w.remove(path), text)
		_, err := w.try(owner, &mesh.Update{Ref: ref(t, path), Spec: ref(t, path).Kind.NewSpec()})
		wantError[*command.NotFound](t, path, err, text)
	}
	wantError[*command.NotFound](t, "route", w.put("mesh/m/virtualRouter/x/route/y", routeSpec), "VirtualRouter with name x is not present under mesh m")
	wantError[*command.NotFound](t, "node", w.put("mesh/x/virtualNode/y", `{}`), "Mesh with name x is not present")
}

// TestDelete: what is used cannot be deleted, and can be once nothing uses it.
func TestDelete(t *testing.T) {
	w := newFixture(t)
	w.create("mesh/m/virtualRouter/r/route/x", routeSpec)
	w.create("mesh/m/virtualService/node.local", `{"provider":{"virtualNode":{"virtualNodeName":"bare"}}}`)
	w.create("mesh/m/virtualGateway/g/gatewayRoute/y", gatewaySpec)
	w.create("mesh/m/virtualNode/client", `{"backends":[{"virtualService":{"virtualServiceName":"node.local"}}]}`)
	for _, c := range []struct{ path, text string }{
		{"mesh/m", "Mesh with name m cannot be deleted because it has resources. GatewayRoute: [y]"},
		{"mesh/m/virtualNode/n", "VirtualNode with name n cannot be deleted because it is the target of one or more routes. Route: [x]"},
		{"mesh/m/virtualNode/bare", "VirtualNode with name bare cannot be deleted because it is a VirtualService provider"},
		{"mesh/m/virtualRouter/r", "VirtualRouter with name r cannot be deleted because it has routes. Route: [x]"},
		{"mesh/m/virtualRouter/r/route/x", ""},
		{"mesh/m/virtualRouter/r", "VirtualRouter with name r cannot be deleted because it is a VirtualService provider VirtualService: [s.local]"},
		{"mesh/m/virtualNode/n", ""},
		{"mesh/m/virtualService/node.local", ""}, // only a backend names it
		{"mesh/m/virtualNode/bare", ""},
		{"mesh/m/virtualService/s.local", "VirtualService s.local is being referenced in the following: GATEWAY_ROUTE: [y]"},
		{"mesh/m/virtualGateway/g", "VirtualGateway with name g cannot be deleted because it has gateway routes. GatewayRoute: [y]"},
		{"mesh/m/virtualGateway/g/gatewayRoute/y", ""},
		{"mesh/m/virtualService/s.local", ""},
		{"mesh/m/virtualGateway/g", ""},
		{"mesh/m/virtualRouter/r", ""},
		{"mesh/m", "VirtualNode: [client]"},
		{"mesh/m/virtualNode/client", ""},
		{"mesh/m", ""},
	} {
		wantError[*command.Conflict](t, c.path, w.remove(c.path), c.text)
	}
	if !reflect.DeepEqual(w.state.Mesh, mesh.State{}) {
		t.Error("something is left in the state")
	}
}

// TestSecondListener: routes get ports before the second listener comes.
func TestSecondListener(t *testing.T) {
	w := newFixture(t)
	w.create("mesh/m/virtualRouter/r/route/x", routeSpec)
	both := `{"listeners":[` + httpListener + `,` + tcpListener + `]}`
	wantError[*command.InvalidInput](t, "second listener", w.update("mesh/m/virtualRouter/r", both), "All Routes for this Virtual Router must define a port match criteria")
	wantError[error](t, "port", w.update("mesh/m/virtualRouter/r/route/x", strings.Replace(routeSpec, `"prefix":"/"`, `"prefix":"/","port":8080`, 1)), "")
	wantError[error](t, "second listener", w.update("mesh/m/virtualRouter/r", both), "")
	wantError[*command.InvalidInput](t, "route", w.put("mesh/m/virtualRouter/r/route/y", routeSpec), "Route must define a port match criteria if the Virtual Router has multiple listeners")
	tcp := `{"tcpRoute":{"match":{"port":9090},"action":{"weightedTargets":[{"virtualNode":"n","weight":1}]}}}`
	wantError[*command.InvalidInput](t, "tcp route", w.put("mesh/m/virtualRouter/r/route/y", tcp), "its target virtual node n has the protocol http on port 8080")
	w.create("mesh/m/virtualNode/t", `{"listeners":[`+tcpListener+`],`+dnsDiscovery+`}`)
	w.create("mesh/m/virtualRouter/r/route/y", strings.Replace(tcp, `"n"`, `"t"`, 1))
	wantError[*command.InvalidInput](t, "protocol", w.update("mesh/m/virtualRouter/r", `{"listeners":[`+httpListener+`,`+strings.Replace(tcpListener, "tcp", "grpc", 1)+`]}`), "its route y has the protocol tcp")
	w.create("mesh/m/virtualNode/two", `{"listeners":[`+tcpListener+`,`+httpListener+`],`+dnsDiscovery+`}`)
	wantError[*command.InvalidInput](t, "target", w.put("mesh/m/virtualRouter/r/route/z", strings.Replace(tcp, `"n"`, `"two"`, 1)), "must have a port, because virtual node two has multiple listeners")
	w.create("mesh/m/virtualRouter/r/route/z", strings.Replace(tcp, `"n"`, `"two","port":9090`, 1))
}

// TestVersions: an update replaces the spec and counts; one that changes nothing does not.
func TestVersions(t *testing.T) {
	w := newFixture(t)
	r := ref(t, "mesh/m/virtualNode/n")
	created, _ := w.state.Mesh.Get(r)
	if created.Version != 1 || len(created.UID) != 36 || created.Created != created.Updated || created.Account != owner {
		t.Errorf("created is %+v", created)
	}
	wantError[error](t, "same", w.update("mesh/m/virtualNode/n", nodeSpec), "")
	if same, _ := w.state.Mesh.Get(r); same != created {
		t.Errorf("an update without a change made %+v", same)
	}
	wantError[error](t, "other", w.update("mesh/m/virtualNode/n", `{}`), "")
	next, _ := w.state.Mesh.Get(r)
	if next.Version != 2 || next.UID != created.UID || next.Created != created.Created || next.Updated != w.now || !reflect.DeepEqual(next.Spec, &mesh.VirtualNodeSpec{}) {
		t.Errorf("updated is %+v", next)
	}
	reply, err := w.try(owner, &mesh.Update{Ref: ref(t, "mesh/m")})
	if err != nil || !reply.Unchanged || reply.Value.(*mesh.Resource).Version != 1 {
		t.Errorf("an update of the mesh without a spec: %+v %v", reply, err)
	}
	for path, want := range map[string]int64{"mesh/m/virtualNode/n": 3, "mesh/m/virtualNode/bare": 2} {
		reply, err := w.try(owner, &mesh.Delete{Ref: ref(t, path)})
		if err != nil || reply.Value.(*mesh.Resource).Version != want {
			t.Errorf("deleting %s: %+v %v", path, reply, err)
		}
	}
}

// TestToken: a repeated request is answered as the first one; the same token with other
// parameters is refused, until it is forgotten.
func TestToken(t *testing.T) {
	w := newFixture(t)
	r := ref(t, "mesh/m/virtualNode/x")
	create := &mesh.Create{Ref: r, Spec: spec(t, r.Kind, `{}`), Tags: []mesh.Tag{{Key: "b", Value: "1"}, {Key: "a"}}, Token: "t"}
	first, err := w.try(owner, create)
	if err != nil {
		t.Fatal(err)
	}
	update := &mesh.Update{Ref: r, Spec: spec(t, r.Kind, nodeSpec), Token: "u"}
	second, err := w.try(owner, update)
	if err != nil {
		t.Fatal(err)
	}
	w.now += 1000
	for _, c := range []struct {
		command command.Command
		want    *mesh.Resource
	}{{create, first.Value.(*mesh.Resource)}, {update, second.Value.(*mesh.Resource)}} {
		again, err := w.try(owner, c.command)
		if err != nil || !again.Unchanged {
			t.Fatalf("%T again: %+v %v", c.command, again, err)
		}
		if got := again.Value.(*mesh.Resource); got.Version != c.want.Version || got.Updated != c.want.Updated || got.UID != c.want.UID || !reflect.DeepEqual(got.Spec, c.want.Spec) {
			t.Errorf("%T again: %+v, want %+v", c.command, got, c.want)
		}
	}
	other := *create
	other.Tags = nil
	_, err = w.try(owner, &other)
	wantError[*command.AlreadyExists](t, "other tags", err, `The clientToken "t" was already used`)
	other.Token = "v"
	_, err = w.try(owner, &other)
	wantError[*command.AlreadyExists](t, "other token", err, "VirtualNode with name x already exists in mesh m")
	_, err = w.try(owner, &mesh.Update{Ref: r, Spec: spec(t, r.Kind, `{}`), Token: "u"})
	wantError[*command.AlreadyExists](t, "other spec", err, `The clientToken "u" was already used`)
	w.now += 24 * 60 * 60 * 1000
	_, err = w.try(owner, create)
	wantError[*command.AlreadyExists](t, "a day later", err, "already exists")
}

// TestTokensAreBounded: a resource that changes often keeps the newest tokens only.
func TestTokensAreBounded(t *testing.T) {
	w := newFixture(t)
	r := ref(t, "mesh/m/virtualNode/x")
	w.create("mesh/m/virtualNode/x", `{}`)
	size := 0
	for i := range 60 {
		s := spec(t, r.Kind, fmt.Sprintf(`{"logging":{"accessLog":{"file":{"path":"/%02d"}}}}`, i))
		if _, err := w.try(owner, &mesh.Update{Ref: r, Spec: s, Token: fmt.Sprintf("token-%02d", i)}); err != nil {
			t.Fatal(err)
		}
		for stored := range mesh.Slice().All(&w.state.Mesh) {
			if stored.Change.Key() == "mb/"+r.ID() {
				if value, _ := stored.Change.Value(nil); i == 20 {
					size = len(value)
				} else if i > 20 && len(value) > size+8 {
					t.Fatalf("the record has %d octets after %d updates, and had %d", len(value), i, size)
				}
			}
		}
	}
}

// TestSharing: the table of access.go.
func TestSharing(t *testing.T) {
	w := newFixture(t)
	try := func(account command.AccountID, c command.Command, text string) {
		t.Helper()
		_, err := w.try(account, c)
		wantError[*mesh.Forbidden](t, fmt.Sprintf("%T of %s", c, account), err, text)
	}
	node, router, route := ref(t, "mesh/m/virtualNode/c"), ref(t, "mesh/m/virtualRouter/c"), ref(t, "mesh/m/virtualRouter/c/route/x")
	create := func(r mesh.Ref, text string) *mesh.Create { return &mesh.Create{Ref: r, Spec: spec(t, r.Kind, text)} }
	try(consumer, create(node, `{}`), "")
	try(consumer, create(router, `{}`), "")
	try(consumer, create(route, strings.Replace(routeSpec, `"n"`, `"c"`, 1)), "")
	try(consumer, create(ref(t, "mesh/m/virtualRouter/r/route/x"), routeSpec), "belongs to account "+string(owner))
	try(consumer, create(ref(t, "mesh/m/virtualGateway/c"), `{}`), "only the owner of a mesh can")
	try(consumer, &mesh.Create{Ref: ref(t, "mesh/m/virtualNode/d"), Spec: spec(t, node.Kind, `{}`), Tags: []mesh.Tag{{Key: "a"}}}, "cannot tag")
	try(consumer, &mesh.TagResource{Ref: node, Tags: []mesh.Tag{{Key: "a"}}}, "only the owner of the mesh can")
	try(consumer, &mesh.Update{Ref: ref(t, "mesh/m/virtualNode/n"), Spec: spec(t, node.Kind, `{}`)}, "which alone can change it")
	try(consumer, &mesh.Delete{Ref: ref(t, "mesh/m/virtualNode/n")}, "can delete it")
	try(consumer, &mesh.Delete{Ref: ref(t, "mesh/m")}, "which alone can delete it")
	try(owner, &mesh.Update{Ref: node, Spec: spec(t, node.Kind, nodeSpec)}, "which alone can change it")
	try(consumer, &mesh.Update{Ref: node, Spec: spec(t, node.Kind, nodeSpec)}, "")
	if got, _ := w.state.Mesh.Get(node); got.Account != consumer || !strings.HasPrefix(got.ARN("eu-1"), "arn:aws:appmesh:eu-1:222222222222:mesh/m/virtualNode/c") {
		t.Errorf("the node of the consumer is %+v", got)
	}
	try(owner, &mesh.Delete{Ref: route}, "")
	try(consumer, &mesh.Delete{Ref: router}, "")
	_, err := w.try("333333333333", create(ref(t, "mesh/m/virtualNode/e"), `{}`))
	wantError[*command.NotFound](t, "a stranger", err, "Mesh with name m is not present for account 333333333333")
}

func TestTags(t *testing.T) {
	w := newFixture(t)
	r := ref(t, "mesh/m/virtualNode/n")
	tags := func() []mesh.Tag { found, _ := w.state.Mesh.Get(r); return found.Tags }
	if _, err := w.try(owner, &mesh.TagResource{Ref: r, Tags: []mesh.Tag{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.try(owner, &mesh.TagResource{Ref: r, Tags: []mesh.Tag{{Key: "b", Value: "3"}}}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(tags()); got != "[{a 2} {b 3}]" {
		t.Errorf("tags are %s", got)
	}
	if found, _ := w.state.Mesh.Get(r); found.Version != 1 {
		t.Errorf("tags made version %d", found.Version)
	}
	if _, err := w.try(owner, &mesh.UntagResource{Ref: r, Keys: []string{"a", "z"}}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(tags()); got != "[{b 3}]" {
		t.Errorf("tags are %s", got)
	}
	var many []mesh.Tag
	for i := range 50 {
		many = append(many, mesh.Tag{Key: fmt.Sprint("k", i)})
	}
	_, err := w.try(owner, &mesh.TagResource{Ref: r, Tags: many})
	wantError[*mesh.TooManyTags](t, "51 tags", err, "at most 50")
	if len(tags()) != 1 {
		t.Errorf("tags of a refused request are there: %v", tags())
	}
	_, err = w.try(owner, &mesh.TagResource{Ref: r, Tags: []mesh.Tag{{Key: "aws:x"}}})
	wantError[*command.InvalidInput](t, "aws:", err, "reserved")
}

// TestQuotas: the limits of AWS in strict mode, none otherwise.
func TestQuotas(t *testing.T) {
	w := newFixture(t)
	w.rules.Quotas.Limits = state.DefaultLimits(true)
	for i := range 2 {
		w.create(fmt.Sprint("mesh/m/virtualGateway/g", i), `{"listeners":[`+httpListener+`]}`)
	}
	wantError[*command.LimitExceeded](t, "gateway", w.put("mesh/m/virtualGateway/g4", `{"listeners":[`+httpListener+`]}`), "3 virtual gateways per mesh")
	for i := range 10 {
		w.create(fmt.Sprint("mesh/m/virtualGateway/g/gatewayRoute/", i), gatewaySpec)
	}
	wantError[*command.LimitExceeded](t, "gateway route", w.put("mesh/m/virtualGateway/g/gatewayRoute/x", gatewaySpec), "10 gateway routes per virtual gateway")
	for i := range 14 {
		w.create(fmt.Sprint("mesh/m", i), `{}`)
	}
	wantError[*command.LimitExceeded](t, "mesh", w.put("mesh/x", `{}`), "15 meshes per account")
	var backends []string
	for i := range 51 {
		backends = append(backends, fmt.Sprintf(`{"virtualService":{"virtualServiceName":"s%d"}}`, i))
	}
	many := `{"backends":[` + strings.Join(backends, ",") + `]}`
	wantError[*command.LimitExceeded](t, "backends", w.put("mesh/m/virtualNode/many", many), "50 backends per virtual node")
	w.rules.Quotas.Limits = state.DefaultLimits(false)
	w.create("mesh/m/virtualNode/many", many)
	for _, use := range w.state.QuotaUses(&w.rules, 10) {
		want := map[string]int{"meshes_per_account": 15, "virtual_gateways_per_mesh": 3, "gateway_routes_per_virtual_gateway": 10, "backends_per_virtual_node": 51, "virtual_nodes_per_mesh": 3}
		if n, ok := want[use.Quota]; ok && use.Used != n {
			t.Errorf("%s: %d are used, want %d", use.Quota, use.Used, n)
		}
	}
}

// TestOneChangeAtATime: two changes of a mesh that were decided on the same state cannot
// both be stored, because each reads what the other writes.
func TestOneChangeAtATime(t *testing.T) {
	w := newFixture(t)
	decide := func(c command.Command) command.Decision {
		d, err := state.Decide(w.state, &w.rules, command.Meta{Account: owner, Now: w.now}, c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a := decide(&mesh.Delete{Ref: ref(t, "mesh/m/virtualNode/n")})
	b := decide(&mesh.Create{Ref: ref(t, "mesh/m/virtualRouter/r/route/x"), Spec: spec(t, mesh.KindRoute, routeSpec)})
	for _, pair := range [][2]command.Decision{{a, b}, {b, a}} {
		read := map[string]bool{}
		for _, r := range pair[0].Reads {
			read[r.Key] = true
		}
		both := false
		for _, c := range pair[1].Changes {
			both = both || read[c.Key()]
		}
		if !both {
			t.Error("a deletion and a creation that names what is deleted could both be stored")
		}
	}
}

// TestSpecIsKept: a spec is stored as it was sent, empty lists and zeros included.
func TestSpecIsKept(t *testing.T) {
	for path, text := range map[string]string{
		"mesh/m/virtualNode/x":           `{"backends":[],"listeners":[{"portMapping":{"port":80,"protocol":"http"},"timeout":{"http":{"perRequest":{"unit":"ms","value":1000}}}}],"serviceDiscovery":{"awsCloudMap":{"attributes":[],"namespaceName":"n","serviceName":"s"}}}`,
		"mesh/m/virtualRouter/x":         `{"listeners":[]}`,
		"mesh/m/virtualRouter/r/route/x": `{"httpRoute":{"action":{"weightedTargets":[{"virtualNode":"n","weight":1},{"virtualNode":"bare","weight":0}]},"match":{"prefix":"/","queryParameters":[{"match":{"exact":""},"name":"q"}]},"retryPolicy":{"httpRetryEvents":["server-error"],"maxRetries":0,"perRetryTimeout":{"value":0}}},"priority":0}`,
	} {
		w := newFixture(t)
		w.create(path, text)
		for stored := range mesh.Slice().All(&w.state.Mesh) {
			if stored.Change.Key() == "mb/"+ref(t, path).ID() {
				value, _ := stored.Change.Value(nil)
				if !strings.Contains(string(value), text) {
					t.Errorf("%s is stored as %q", text, value)
				}
			}
		}
	}
}
