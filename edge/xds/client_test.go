package xds_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// client is a scripted client of the state-of-the-world protocol.
type client struct {
	t      testing.TB
	w      *fixture
	stream discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesClient
	node   *corev3.Node // sent with the first request
	last   map[resource.Type]*discoveryv3.DiscoveryResponse
	fences int
}

// node returns a node whose metadata lists services.
func node(id string, services ...string) *corev3.Node {
	list := &structpb.ListValue{}
	for _, s := range services {
		list.Values = append(list.Values, structpb.NewStringValue(s))
	}
	return &corev3.Node{Id: id, Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{plain.MetaServices: structpb.NewListValue(list)}}}
}

func (w *fixture) conn() *grpc.ClientConn {
	w.t.Helper()
	conn, err := grpc.NewClient(w.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// connect opens a stream.
func (w *fixture) connect(n *corev3.Node) *client {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 4*patience)
	w.t.Cleanup(cancel)
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(w.conn()).StreamAggregatedResources(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return &client{t: w.t, w: w, stream: stream, node: n, last: map[resource.Type]*discoveryv3.DiscoveryResponse{}}
}

func (c *client) send(r *discoveryv3.DiscoveryRequest) {
	c.t.Helper()
	r.Node, c.node = c.node, nil
	if err := c.stream.Send(r); err != nil {
		c.t.Fatal(err)
	}
}

// want asks for resources, with the version and nonce of the last answer.
func (c *client) want(t resource.Type, names ...string) {
	c.t.Helper()
	last := c.last[t]
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: t.URL(), ResourceNames: names, VersionInfo: last.GetVersionInfo(), ResponseNonce: last.GetNonce()})
}

// reject rejects the last answer.
func (c *client) reject(t resource.Type, text string, names ...string) {
	c.t.Helper()
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: t.URL(), ResourceNames: names, ResponseNonce: c.last[t].GetNonce(), ErrorDetail: &rpcstatus.Status{Code: 3, Message: text}})
}

// receive returns the next answer.
func (c *client) receive() (resource.Type, *discoveryv3.DiscoveryResponse) {
	c.t.Helper()
	r, err := c.stream.Recv()
	if err != nil {
		c.t.Fatalf("Recv: %v", err)
	}
	t, ok := resource.TypeOf(r.GetTypeUrl())
	if !ok {
		c.t.Fatalf("answer of type %q", r.GetTypeUrl())
	}
	c.last[t] = r
	return t, r
}

// expect receives an answer of a type with resources of these names, and accepts it.
func (c *client) expect(t resource.Type, names ...string) *discoveryv3.DiscoveryResponse {
	c.t.Helper()
	r := c.expectOnly(t, names...)
	c.accept(t)
	return r
}

func (c *client) expectOnly(t resource.Type, names ...string) *discoveryv3.DiscoveryResponse {
	c.t.Helper()
	got, r := c.receive()
	if have := namesOf(c.t, r.GetResources()); got != t || !slices.Equal(have, names) {
		c.t.Fatalf("got %s %q, want %s %q", got, have, t, names)
	}
	return r
}

// accept accepts the last answer and wants the same resources as before.
func (c *client) accept(t resource.Type, names ...string) {
	c.t.Helper()
	if names == nil {
		names = c.wanted(t)
	}
	c.want(t, names...)
}

// wanted is what the client of the tests asks for after an answer: for listeners and
// clusters everything; else what it got.
func (c *client) wanted(t resource.Type) []string {
	if t.Full() {
		return nil
	}
	return namesOf(c.t, c.last[t].GetResources())
}

// fence makes sure that the server has sent what it had to send until a revision of the
// registry: it receives nothing but the answer to a request that it makes for this.
func (c *client) fence() {
	c.t.Helper()
	target := c.w.replica.Current().Revision
	for {
		c.fences++
		name := fmt.Sprintf("cairn/server/127.0.0.1:%d", 1000+c.fences)
		c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Listener.URL(), ResourceNames: []string{name}, ResponseNonce: c.last[resource.Listener].GetNonce()})
		r := c.expectOnly(resource.Listener, name)
		_, text, _ := strings.Cut(r.GetControlPlane().GetIdentifier(), "revision ")
		revision, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			c.t.Fatal(err)
		}
		if revision >= target {
			c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Listener.URL(), ResourceNames: []string{name}, ResponseNonce: r.GetNonce(), VersionInfo: r.GetVersionInfo()})
			return
		}
	}
}

// namesOf returns the names of resources, in order.
func namesOf(t testing.TB, all []*anypb.Any) []string {
	t.Helper()
	var names []string
	for _, packed := range all {
		m, err := packed.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *endpointv3.ClusterLoadAssignment:
			names = append(names, m.GetClusterName())
		case interface{ GetName() string }:
			names = append(names, m.GetName())
		}
	}
	slices.Sort(names)
	return names
}

// endpoints returns the endpoints of the one resource of an answer, as IP:PORT STATUS.
func endpoints(t testing.TB, r *discoveryv3.DiscoveryResponse) []string {
	t.Helper()
	cla := new(endpointv3.ClusterLoadAssignment)
	if len(r.GetResources()) != 1 || r.GetResources()[0].UnmarshalTo(cla) != nil {
		t.Fatalf("not one resource with endpoints: %v", r)
	}
	var all []string
	for _, l := range cla.GetEndpoints() {
		for _, e := range l.GetLbEndpoints() {
			a := e.GetEndpoint().GetAddress().GetSocketAddress()
			all = append(all, fmt.Sprintf("%s:%d %s", a.GetAddress(), a.GetPortValue(), e.GetHealthStatus()))
		}
	}
	slices.Sort(all)
	return all
}

// altered is the source of the registry, whose clusters also have the attribute alt of
// their service, so that tests can change them.
type altered struct{ plain.Source }

type alteredView struct{ resource.View }

func (s *altered) View(in *resource.Input, p *resource.Proxy) (resource.View, error) {
	v, err := s.Source.View(in, p)
	return alteredView{v}, err
}

func (*altered) Changes(_, _ *state.State, _ func(resource.Dep)) {}

func (v alteredView) Make(in *resource.Input, t resource.Type, name string) *resource.Message {
	m := v.View.Make(in, t, name)
	if m == nil || t != resource.Cluster {
		return m
	}
	service, namespace, _ := strings.Cut(name, ".")
	for ns := range in.State.Registry.AllNamespaces() {
		if svc, ok := ns.Service(service); ok && ns.Name == namespace {
			m.Proto.(*clusterv3.Cluster).AltStatName = svc.Attributes.Map()["alt"]
		}
	}
	return m
}

func withAltered(c *xds.Config) {
	c.Sources = []resource.Source{&altered{plain.Source{Region: "eu-west-1"}}}
}

// alter changes the cluster of a service.
func (w *fixture) alter(svc registry.ServiceID, text string) {
	w.t.Helper()
	w.do(&registry.UpdateServiceAttributes{Ref: string(svc), Attributes: map[string]string{"alt": text}})
}
