package mesh

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh/meshtest"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/internal/testtool"
)

var update = flag.Bool("update", false, "write the golden files")

const account = command.AccountID("000000000000")

// fixture is a state that a test changes.
type fixture struct {
	t     testing.TB
	state *state.State
	rules *state.Rules
	ids   map[string]string // of namespaces and services, by name
}

func newFixture(t testing.TB) *fixture {
	return &fixture{t: t, state: &state.State{}, rules: &state.Rules{Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}}, ids: map[string]string{}}
}

// do decides a command and applies it.
func (w *fixture) do(c command.Command) command.Reply {
	w.t.Helper()
	d, err := state.Decide(w.state, w.rules, command.Meta{Account: account, Now: 1000, Entropy: sha256.Sum256(fmt.Append(nil, w.state.Revision))}, c)
	if err != nil {
		w.t.Fatalf("%T: %v", c, err)
	}
	w.apply(d.Changes...)
	return d.Reply
}

func (w *fixture) apply(changes ...command.Change) {
	w.state = state.Apply(w.state, w.state.Revision+1, changes...)
}

// put stores the resources of a text of package meshtest.
func (w *fixture) put(text string) {
	w.t.Helper()
	changes, err := meshtest.Parse(account, text)
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(changes...)
}

// instance registers an instance, in a namespace and a service that it makes.
func (w *fixture) instance(namespace, service, id string, attributes map[string]string) {
	w.t.Helper()
	if w.ids[namespace] == "" {
		w.do(&registry.CreateNamespace{Name: namespace, Type: registry.HTTP})
		for nsID, ns := range w.state.Registry.Namespaces(account, "") {
			if ns.Name == namespace {
				w.ids[namespace] = string(nsID)
			}
		}
	}
	name := namespace + "/" + service
	if w.ids[name] == "" {
		w.ids[name] = string(w.do(&registry.CreateService{Name: service, NamespaceRef: w.ids[namespace]}).Value.(*registry.Service).ID)
	}
	w.do(&registry.RegisterInstance{ServiceRef: w.ids[name], ID: registry.InstanceID(id), Attributes: attributes})
}

// scenario is a file of testdata: instances, proxies, and a mesh.
func (w *fixture) scenario(text string) (proxies []*resource.Proxy) {
	w.t.Helper()
	head, meshText, _ := strings.Cut(text, "\n\n")
	for line := range strings.Lines(head) {
		words := strings.Fields(line)
		attributes := map[string]string{}
		for _, word := range words[2:] {
			if key, value, ok := strings.Cut(word, "="); ok {
				attributes[key] = value
			}
		}
		if words[0] == "instance" {
			w.instance(words[1], words[2], words[3], attributes)
			continue
		}
		proxies = append(proxies, proxyOf(words[1], attributes))
	}
	w.put(meshText)
	return proxies
}

func proxyOf(id string, attributes map[string]string) *resource.Proxy {
	p := &resource.Proxy{Node: &corev3.Node{Id: id}, Account: account}
	if text, ok := attributes[metaListenAddress]; ok {
		p.Node.Metadata = &structpb.Struct{Fields: map[string]*structpb.Value{metaListenAddress: structpb.NewStringValue(text)}}
	}
	if text, ok := attributes[metaApplicationAddress]; ok {
		p.Node.Metadata = &structpb.Struct{Fields: map[string]*structpb.Value{metaApplicationAddress: structpb.NewStringValue(text)}}
	}
	p.Node.UserAgentName = strings.ReplaceAll(attributes["user_agent"], "-", " ")
	return p
}

func (w *fixture) input() *resource.Input { return &resource.Input{State: w.state, Rules: w.rules} }

func (w *fixture) view(p *resource.Proxy) resource.View {
	w.t.Helper()
	v, err := (&Source{Region: "eu-west-1"}).View(w.input(), p)
	if err != nil || v == nil {
		w.t.Fatalf("View: %v, %v", v, err)
	}
	return v
}

// key names a resource.
type key struct {
	t    resource.Type
	name string
}

// everything returns all resources of a proxy: those of wildcard subscriptions, and what
// they need.
func (w *fixture) everything(v resource.View, names ...string) map[key]*resource.Message {
	w.t.Helper()
	all := map[key]*resource.Message{}
	var add func(k key)
	add = func(k key) {
		if all[k] != nil {
			return
		}
		m := v.Make(w.input(), k.t, k.name)
		if m == nil {
			if k.t != resource.Secret {
				w.t.Errorf("%s %s does not exist", k.t, k.name)
			}
			return
		}
		all[k] = m
		for _, ref := range m.Refs {
			add(key{ref.Type, ref.Name})
		}
		for _, cluster := range clustersOf(m.Proto) {
			if !strings.HasSuffix(cluster, "_none") {
				add(key{resource.Cluster, cluster})
			}
		}
	}
	for _, t := range []resource.Type{resource.Cluster, resource.Listener} {
		for _, name := range v.Names(w.input(), t) {
			add(key{t, name})
		}
	}
	for _, name := range names {
		add(key{resource.Listener, name})
	}
	return all
}

// unpacked calls f for a message and all that are in it, also packed ones.
func unpacked(m proto.Message, f func(proto.Message)) {
	f(m)
	var walk func(protoreflect.Message)
	visit := func(v protoreflect.Value) {
		walk(v.Message())
	}
	walk = func(m protoreflect.Message) {
		if packed, ok := m.Interface().(interface{ UnmarshalNew() (proto.Message, error) }); ok {
			if inner, err := packed.UnmarshalNew(); err == nil {
				unpacked(inner, f)
			}
			return
		}
		f(m.Interface())
		m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case d.IsMap() && d.MapValue().Message() != nil:
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool { visit(v); return true })
			case d.IsList() && d.Message() != nil:
				for i := range v.List().Len() {
					visit(v.List().Get(i))
				}
			case !d.IsMap() && !d.IsList() && d.Message() != nil:
				visit(v)
			}
			return true
		})
	}
	walk(m.ProtoReflect())
}

// clustersOf returns the clusters to which a listener or a route sends.
func clustersOf(m proto.Message) []string {
	var names []string
	unpacked(m, func(m proto.Message) {
		switch m := m.(type) {
		case *routev3.RouteAction:
			names = append(names, m.GetCluster())
		case *routev3.WeightedCluster_ClusterWeight:
			names = append(names, m.GetName())
		case interface{ GetCluster() string }:
			if strings.Contains(string(m.(proto.Message).ProtoReflect().Descriptor().FullName()), "TcpProxy") {
				names = append(names, m.GetCluster())
			}
		}
	})
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// text returns resources as JSON, in order.
func text(t testing.TB, all map[key]*resource.Message) string {
	t.Helper()
	keys := make([]key, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.t != b.t {
			return int(a.t) - int(b.t)
		}
		return strings.Compare(a.name, b.name)
	})
	var b strings.Builder
	for _, k := range keys {
		one, err := protojson.MarshalOptions{}.Marshal(all[k].Proto)
		if err != nil {
			t.Fatal(err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, one, "", " "); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "# %s %s\n%s\n", k.t, k.name, strings.ReplaceAll(indented.String(), ":  ", ": "))
	}
	return b.String()
}

// TestGolden compares what the proxies of each scenario get with a golden file, and has
// the real Envoy check it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			scenario, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newFixture(t)
			var got strings.Builder
			for i, p := range w.scenario(string(scenario)) {
				v := w.view(p)
				var names []string
				if p.Node.GetUserAgentName() != "" {
					names = []string{"web.local", "web.local:81", "calls.local", "cairn/server/127.0.0.1:80"}
				}
				all := w.everything(v, names...)
				check(t, all)
				fmt.Fprintf(&got, "## proxy %d: %s\n%s", i+1, p.Node.GetId(), text(t, all))
				if names == nil {
					t.Run(fmt.Sprint("envoy ", i+1), func(t *testing.T) { validate(t, all) })
				}
			}
			golden := strings.TrimSuffix(file, ".txt") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("differs from %s (run with -update and look at the difference): %s", golden, firstDifference(got.String(), string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: got %s, want %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}

// check checks what proxies check: the rules of the messages; that the endpoints, routes
// and secrets which a message names are among its references; that no domain is there
// twice, and no two filter chains match the same.
func check(t *testing.T, all map[key]*resource.Message) {
	t.Helper()
	for k, m := range all {
		if v, ok := m.Proto.(interface{ ValidateAll() error }); ok {
			if err := v.ValidateAll(); err != nil {
				t.Errorf("%s %s: %v", k.t, k.name, err)
			}
		}
		domains := map[string]bool{}
		unpacked(m.Proto, func(inner proto.Message) {
			if v, ok := inner.(interface{ ValidateAll() error }); ok {
				if err := v.ValidateAll(); err != nil {
					t.Errorf("%s %s: %v", k.t, k.name, err)
				}
			}
			switch inner := inner.(type) {
			case *hcmv3.Rds:
				needs(t, k, m, resource.Ref{Type: resource.Route, Name: inner.GetRouteConfigName()})
			case *clusterv3.Cluster_EdsClusterConfig:
				needs(t, k, m, resource.Ref{Type: resource.Endpoints, Name: k.name})
			case *routev3.VirtualHost:
				for _, d := range inner.GetDomains() {
					if domains[strings.ToLower(d)] {
						t.Errorf("%s %s: domain %s is there twice", k.t, k.name, d)
					}
					domains[strings.ToLower(d)] = true
				}
			case *listenerv3.Listener:
				matches := map[string]bool{}
				for _, c := range inner.GetFilterChains() {
					if text := c.GetFilterChainMatch().String(); matches[text] {
						t.Errorf("%s %s: two filter chains match %s", k.t, k.name, text)
					} else {
						matches[text] = true
					}
				}
			}
			if s, ok := inner.(interface{ GetSdsConfig() *corev3.ConfigSource }); ok && s.GetSdsConfig().GetAds() != nil {
				needs(t, k, m, resource.Ref{Type: resource.Secret, Name: inner.(interface{ GetName() string }).GetName()})
			}
		})
	}
}

func needs(t *testing.T, k key, m *resource.Message, ref resource.Ref) {
	t.Helper()
	if !slices.Contains(m.Refs, ref) {
		t.Errorf("%s %s needs %s %s, which is not among its references", k.t, k.name, ref.Type, ref.Name)
	}
}

type (
	list = []any
	dict = map[string]any
)

// namedSecret is a secret, and the name of the field that refers to it.
type namedSecret struct{ name, user string }

// staticSecrets makes references to secrets static, and returns the secrets: Envoy cannot
// check others without their server.
func staticSecrets(v any, user string) (found []namedSecret) {
	switch v := v.(type) {
	case dict:
		if _, ok := v["sdsConfig"]; ok {
			delete(v, "sdsConfig")
			return []namedSecret{{v["name"].(string), user}}
		}
		for key, inner := range v {
			found = append(found, staticSecrets(inner, key)...)
		}
	case list:
		for _, inner := range v {
			found = append(found, staticSecrets(inner, user)...)
		}
	}
	return found
}

// validate has Envoy check resources as static ones. Routes become inline routes of
// listeners, and endpoints those of static clusters.
func validate(t *testing.T, all map[key]*resource.Message) {
	envoy := testtool.Envoy(t)
	var listeners, clusters, secrets list
	ca := testca.New(t)
	chain, privateKey := ca.Issue(t, testca.Names{DNS: []string{"x"}})
	contents := map[string]dict{
		"tlsCertificateSdsSecretConfigs":   {"tls_certificate": dict{"certificate_chain": dict{"filename": chain}, "private_key": dict{"filename": privateKey}}},
		"validationContextSdsSecretConfig": {"validation_context": dict{"trusted_ca": dict{"filename": ca.File}}},
	}
	known := map[string]bool{}
	object := func(m proto.Message) any {
		b, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		for _, s := range staticSecrets(v, "") {
			if !known[s.name] {
				known[s.name] = true
				secret := maps.Clone(contents[s.user])
				secret["name"] = s.name
				secrets = append(secrets, secret)
			}
		}
		return v
	}
	http2 := dict{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": dict{
		"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": dict{"http2_protocol_options": dict{}},
	}}
	for _, name := range []string{"ads", sdsCluster} {
		clusters = append(clusters, dict{"name": name, "type": "STATIC", "typed_extension_protocol_options": http2})
	}
	port := 20000
	for k, m := range all {
		switch message := m.Proto.(type) {
		case *clusterv3.Cluster:
			clusters = append(clusters, object(message))
		case *listenerv3.Listener:
			listeners = append(listeners, object(message))
		case *endpointv3.ClusterLoadAssignment:
			clusters = append(clusters, dict{"name": "endpoints " + k.name, "type": "STATIC", "load_assignment": object(message)})
		case *routev3.RouteConfiguration:
			port++
			manager := &hcmv3.HttpConnectionManager{StatPrefix: "x", RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: message}, HttpFilters: []*hcmv3.HttpFilter{routerFilter()}}
			listeners = append(listeners, dict{"name": fmt.Sprint("routes ", k.name), "address": dict{"socket_address": dict{"address": "127.0.0.1", "port_value": port}},
				"filter_chains": list{dict{"filters": list{dict{"name": "http", "typed_config": object(plain.Pack(manager))}}}}})
		}
	}
	config, err := json.Marshal(dict{
		"node":              dict{"id": "x", "cluster": "x"},
		"dynamic_resources": dict{"ads_config": dict{"api_type": "DELTA_GRPC", "transport_api_version": "V3", "grpc_services": list{dict{"envoy_grpc": dict{"cluster_name": "ads"}}}}},
		"static_resources":  dict{"clusters": clusters, "listeners": listeners, "secrets": secrets},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "envoy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(envoy, "--mode", "validate", "-l", "warning", "--config-path", file).CombinedOutput()
	if err != nil {
		t.Errorf("Envoy: %v\n%s", err, out)
	}
}

// TestNodeIDs: which ids are those of a mesh, and who may use them.
func TestNodeIDs(t *testing.T) {
	w := newFixture(t)
	w.put(`mesh/shop {} mesh/shop/virtualNode/web {} mesh/shop/virtualGateway/front {"listeners": []}`)
	yes := func(string, string) bool { return true }
	for _, c := range []struct {
		id      string
		account command.AccountID
		allowed func(action, arn string) bool
		want    codes.Code
		none    bool
	}{
		{id: "mesh/shop/virtualNode/web"},
		{id: "mesh/shop/virtualGateway/front", allowed: yes},
		{id: "arn:aws:appmesh:eu-west-1:000000000000:mesh/shop/virtualNode/web", allowed: yes},
		{id: "mesh/shop@000000000000/virtualNode/web", allowed: yes},
		{id: "web-1", none: true},
		{id: "mesh", none: true},
		{id: "arn:aws:ecs:eu-west-1:000000000000:task/c/t", none: true},
		{id: "mesh/shop/virtualService/web", want: codes.InvalidArgument},
		{id: "mesh/shop/virtualnode/web", want: codes.InvalidArgument},
		{id: "mesh/shop/virtualNode/web/x", want: codes.InvalidArgument},
		{id: "mesh/shop", want: codes.InvalidArgument},
		{id: "arn:aws:appmesh:eu-west-1:000000000000:virtualNode/web", want: codes.InvalidArgument},
		{id: "mesh/shop/virtualNode/other", want: codes.InvalidArgument},
		{id: "mesh/other/virtualNode/web", want: codes.InvalidArgument},
		{id: "arn:aws:appmesh:eu-west-1:000000000000:mesh/shop/virtualNode/web", account: "111111111111", allowed: yes, want: codes.PermissionDenied},
		{id: "mesh/shop@000000000000/virtualNode/web", account: "111111111111", allowed: yes, want: codes.InvalidArgument},
		{id: "mesh/shop/virtualNode/web", account: "111111111111", allowed: yes, want: codes.InvalidArgument},
		{id: "mesh/shop/virtualNode/web", allowed: func(action, arn string) bool {
			return action != "appmesh:StreamAggregatedResources" || arn != "arn:aws:appmesh:eu-west-1:000000000000:mesh/shop/virtualNode/web"
		}, want: codes.PermissionDenied},
	} {
		p := &resource.Proxy{Node: &corev3.Node{Id: c.id}, Account: account, Allowed: c.allowed}
		if c.account != "" {
			p.Account = c.account
		}
		v, err := (&Source{Region: "eu-west-1"}).View(w.input(), p)
		if status.Code(err) != c.want || (v == nil) != (c.none || err != nil) {
			t.Errorf("%s of account %s: %v, %v; want %v", c.id, p.Account, v, err, c.want)
		}
	}
}

// TestMetaAddresses: the application behind a proxy may have an address of its own, and
// what is no address is refused.
func TestMetaAddresses(t *testing.T) {
	w := newFixture(t)
	w.put(`mesh/shop {} mesh/shop/virtualNode/web {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
		"serviceDiscovery": {"dns": {"hostname": "web.local"}}}`)
	v := w.view(proxyOf("mesh/shop/virtualNode/web", map[string]string{metaApplicationAddress: "127.0.0.9"}))
	c := v.Make(w.input(), resource.Cluster, "cds_ingress_shop_web_http_80").Proto.(*clusterv3.Cluster)
	if got := c.GetLoadAssignment().GetEndpoints()[0].GetLbEndpoints()[0].GetEndpoint().GetAddress().GetSocketAddress().GetAddress(); got != "127.0.0.9" {
		t.Errorf("the application is at %s", got)
	}
	for _, key := range []string{metaListenAddress, metaApplicationAddress} {
		_, err := (&Source{Region: "eu-west-1"}).View(w.input(), proxyOf("mesh/shop/virtualNode/web", map[string]string{key: "localhost"}))
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
