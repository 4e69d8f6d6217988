package xds_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	endpointservice "github.com/envoyproxy/go-control-plane/envoy/service/endpoint/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// TestTooManySubscriptions: a stream with more names than the limit ends, others do not.
func TestTooManySubscriptions(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connect(node("greedy"))
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprint("s", i, ".shop")
	}
	c.want(resource.Endpoints, names...)
	if _, err := c.stream.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v, want ResourceExhausted", err)
	}
	other := w.connect(node("envoy"))
	other.want(resource.Endpoints, "web.shop")
	other.expectOnly(resource.Endpoints, "web.shop")
}

// TestWrongRequests: each wrong request ends its stream with a text that says why.
func TestWrongRequests(t *testing.T) {
	w, _, _, _ := shop(t)
	bad := func(key string, v *structpb.Value) *discoveryv3.DiscoveryRequest {
		n := node("x")
		n.Metadata.Fields[key] = v
		return &discoveryv3.DiscoveryRequest{Node: n, TypeUrl: resource.Cluster.URL()}
	}
	list := func(v *structpb.Value) *structpb.Value {
		return structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{v}})
	}
	for _, c := range []struct {
		name string
		r    *discoveryv3.DiscoveryRequest
		want string
	}{
		{"no type", &discoveryv3.DiscoveryRequest{}, "type_url"},
		{"listen", bad(plain.MetaListen, structpb.NewStringValue("x")), plain.MetaListen},
		{"service", bad(plain.MetaServices, list(structpb.NewStringValue("web"))), "SERVICE.NAMESPACE"},
		{"service that is a number", bad(plain.MetaServices, list(structpb.NewNumberValue(1))), "SERVICE.NAMESPACE"},
		{"protocol", bad(plain.MetaServices, list(structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			"name": structpb.NewStringValue("a.b"), "protocol": structpb.NewStringValue("udp"),
		}}))), "http or tcp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := w.connect(nil)
			if err := client.stream.Send(c.r); err != nil {
				t.Fatal(err)
			}
			if _, err := client.stream.Recv(); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want InvalidArgument with %q", err, c.want)
			}
		})
	}
}

// TestManyStreams opens and drops streams, and none is left.
func TestManyStreams(t *testing.T) {
	w, _, _, _ := shop(t)
	conn := w.conn()
	for range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
		if err == nil {
			_ = stream.Send(&discoveryv3.DiscoveryRequest{Node: node("x"), TypeUrl: resource.Endpoints.URL(), ResourceNames: []string{"web.shop"}})
		}
		cancel()
	}
	wait(t, "all streams end", func() bool { return w.gauge("cairn_xds_streams") == 0 })
	wait(t, "all subscriptions end", func() bool { return w.gauge("cairn_xds_subscriptions") == 0 })
}

// gauge returns the sum of a metric.
func (w *world) gauge(name string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// TestAccountsAreSeparate: a client sees nothing of another account.
func TestAccountsAreSeparate(t *testing.T) {
	w, _, _, _ := shop(t)
	n := node("envoy", "web.shop")
	n.Metadata.Fields["cairn.account"] = structpb.NewStringValue("222222222222")
	c := w.connectDelta(n)
	c.subscribe(resource.Endpoints, "web.shop")
	c.expect(resource.Endpoints, nil, []string{"web.shop"})
}

// TestSingleTypeStream: a stream for one type needs no type URL and refuses others.
func TestSingleTypeStream(t *testing.T) {
	w, _, _, _ := shop(t)
	stream, err := endpointservice.NewEndpointDiscoveryServiceClient(w.conn()).StreamEndpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"", resource.Cluster.URL()} {
		if err := stream.Send(&discoveryv3.DiscoveryRequest{TypeUrl: url, Node: node("envoy"), ResourceNames: []string{"web.shop"}}); err != nil {
			t.Fatal(err)
		}
		r, err := stream.Recv()
		if url == "" && (err != nil || !equalNames(namesOf(t, r.GetResources()), "web.shop")) {
			t.Errorf("got %v, %v", r, err)
		}
		if url != "" && status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %v, want InvalidArgument", err)
		}
	}
}

func equalNames(got []string, want ...string) bool {
	return strings.Join(got, " ") == strings.Join(want, " ")
}

// TestLargeService: 10,000 endpoints of one service arrive in one resource below the
// limit of gRPC clients.
func TestLargeService(t *testing.T) {
	w, ns, _, _ := shop(t)
	svc := w.service(ns, "large")
	for i := range 10_000 {
		w.register(svc, fmt.Sprint("i", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), 80)
	}
	c := w.connect(node("grpc"))
	c.want(resource.Endpoints, "large.shop")
	r := c.expectOnly(resource.Endpoints, "large.shop")
	if n := len(endpoints(t, r)); n != 10_000 {
		t.Errorf("%d endpoints", n)
	}
	if n := len(r.GetResources()[0].GetValue()); n > 1<<20 {
		t.Errorf("%d octets", n)
	}
}

// TestEncodedOnce: a change is encoded once, whatever the number of streams.
func TestEncodedOnce(t *testing.T) {
	w, _, web, _ := shop(t)
	clients := make([]*client, 20)
	for i := range clients {
		clients[i] = w.connect(node(fmt.Sprint("c", i)))
		clients[i].want(resource.Endpoints, "web.shop")
		clients[i].expect(resource.Endpoints, "web.shop")
	}
	before := w.gauge("cairn_xds_encoded_total")
	w.register(web, "w2", "10.0.0.2", 80)
	for _, c := range clients {
		c.expect(resource.Endpoints, "web.shop")
	}
	if n := w.gauge("cairn_xds_encoded_total") - before; n != 1 {
		t.Errorf("encoded %v times", n)
	}
}

// TestHealth: instances without a verdict and unhealthy ones are left out; if none is
// healthy, all are there; those that leave are DRAINING where the server says so.
func TestHealth(t *testing.T) {
	w, _, web, _ := shop(t)
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "web.shop")
	c.expect(resource.Endpoints, "web.shop")
	w.register(web, "w2", "10.0.0.2", 80)
	c.expect(resource.Endpoints, "web.shop")
	for _, step := range []struct {
		id   string
		h    registry.Health
		want string
	}{
		{"w1", registry.Unhealthy, "[10.0.0.2:80 HEALTHY]"},
		{"w2", registry.Unhealthy, "[10.0.0.1:80 HEALTHY 10.0.0.2:80 HEALTHY]"},
		{"w1", registry.Healthy, "[10.0.0.1:80 HEALTHY]"},
	} {
		w.health(web, step.id, step.h)
		if got := fmt.Sprint(endpoints(t, c.expect(resource.Endpoints, "web.shop"))); got != step.want {
			t.Errorf("%s is %v: got %s, want %s", step.id, step.h, got, step.want)
		}
	}
}
