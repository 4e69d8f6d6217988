package xds_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	endpointservice "github.com/envoyproxy/go-control-plane/envoy/service/endpoint/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// TestTooManySubscriptions: a stream with more names than the limit ends, in one request or
// in several, in both protocols. Others do not notice.
func TestTooManySubscriptions(t *testing.T) {
	w, _, _, _ := shop(t)
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprint("s", i, ".shop")
	}
	other := w.connect(node("envoy"))
	other.want(resource.Endpoints, "web.shop")
	other.expect(resource.Endpoints, "web.shop")
	t.Run("one request", func(t *testing.T) {
		c := w.connect(node("greedy"))
		c.want(resource.Endpoints, names...)
		ends(t, c.stream.Recv, codes.ResourceExhausted)
	})
	t.Run("delta", func(t *testing.T) {
		for _, r := range []*discoveryv3.DeltaDiscoveryRequest{
			{ResourceNamesSubscribe: names},
			{ResourceNamesUnsubscribe: names}, // under a wildcard, each would be answered
			{InitialResourceVersions: versionsOf(names)},
		} {
			c := w.connectDelta(node("greedy"))
			r.TypeUrl, r.Node = resource.Cluster.URL(), c.node
			if len(r.ResourceNamesUnsubscribe) > 0 {
				r.ResourceNamesSubscribe = []string{"*"}
			}
			for range 2 { // the wildcard is there before the second one
				_ = c.stream.Send(r)
			}
			ends(t, c.stream.Recv, codes.ResourceExhausted)
		}
	})
	t.Run("many requests", func(t *testing.T) {
		c := w.connectDelta(node("greedy"))
		var sending sync.WaitGroup
		sending.Go(func() {
			for part := range slices.Chunk(names, 5000) {
				r := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: resource.Endpoints.URL(), Node: c.node, ResourceNamesSubscribe: part}
				if c.stream.Send(r) != nil {
					break
				}
			}
		})
		defer sending.Wait()
		ends(t, c.stream.Recv, codes.ResourceExhausted)
	})
	other.fence()
	wait(t, "all subscriptions end", func() bool { return w.gauge("cairn_xds_subscriptions") <= 2 })
}

func versionsOf(names []string) map[string]string {
	versions := map[string]string{}
	for _, name := range names {
		versions[name] = "1"
	}
	return versions
}

// ends receives until the stream ends, with a code.
func ends[T any](t testing.TB, receive func() (T, error), want codes.Code) {
	t.Helper()
	for {
		if _, err := receive(); err != nil {
			if status.Code(err) != want {
				t.Errorf("got %v, want %v", err, want)
			}
			return
		}
	}
}

// TestManyNamesOfOneService: a client cannot make the node encode a large service under
// any number of names.
func TestManyNamesOfOneService(t *testing.T) {
	w := start(t)
	svc := w.service(w.namespace("shop"), "web")
	for i := range 1000 {
		w.register(svc, fmt.Sprint("i", i), fmt.Sprintf("127.9.%d.%d", i>>8, i&255), 1)
	}
	var names []string
	for i := range 2000 { // of 30 kB each
		names = append(names, fmt.Sprintf("web.shop:%d", i+1))
	}
	other := w.connect(node("other"))
	other.want(resource.Endpoints, "web.shop")
	other.expect(resource.Endpoints, "web.shop")
	c := w.connect(node("greedy"))
	c.want(resource.Endpoints, names...)
	ends(t, c.stream.Recv, codes.ResourceExhausted)
	w.deregister(svc, "i0")
	other.expect(resource.Endpoints, "web.shop")
	third := w.connect(node("third")) // there is room again
	third.want(resource.Endpoints, names[:10]...)
	third.expectOnly(resource.Endpoints, slices.Sorted(slices.Values(names[:10]))...)
}

// TestNeverReads: clients that never read take no more memory when more changes, and
// others are served.
func TestNeverReads(t *testing.T) {
	w := start(t)
	svc := w.service(w.namespace("shop"), "web")
	for i := range 1000 { // 30 kB in each answer
		w.register(svc, fmt.Sprint("i", i), fmt.Sprintf("127.9.%d.%d", i>>8, i&255), 1)
	}
	const stuck, changes = 50, 100
	for i := range stuck {
		c := w.connect(node(fmt.Sprint("stuck", i)))
		c.want(resource.Endpoints, "web.shop")
		for range 100 { // and asks again and again
			c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Endpoints.URL(), ResourceNames: []string{"web.shop"}})
		}
	}
	other := w.connect(node("other"))
	other.want(resource.Endpoints, "web.shop")
	other.expect(resource.Endpoints, "web.shop")
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range changes {
		w.health(svc, "i0", []registry.Health{registry.Unhealthy, registry.Healthy}[i%2])
		other.expect(resource.Endpoints, "web.shop")
	}
	// A queue would have 150 MB.
	if grown := heap() - before; grown > 30<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

// raw encodes a request as it is.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (raw) Unmarshal(_ []byte, _ any) error { return nil }

// attempt sends octets as a request, then a good request, and returns after the answer to
// one of them, or the end of the stream.
func (w *fixture) attempt(t testing.TB, conn *grpc.ClientConn, delta bool, request []byte) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	method, good := "StreamAggregatedResources", proto.Message(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Secret.URL(), ResourceNames: []string{"x"}, Node: node("x")})
	if delta {
		method, good = "DeltaAggregatedResources", &discoveryv3.DeltaDiscoveryRequest{TypeUrl: resource.Secret.URL(), ResourceNamesSubscribe: []string{"x"}, Node: node("x")}
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/envoy.service.discovery.v3.AggregatedDiscoveryService/"+method, grpc.ForceCodec(raw{}))
	if err != nil {
		t.Fatal(err)
	}
	text, err := proto.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.SendMsg(request)
	_ = stream.SendMsg(text)
	_ = stream.CloseSend()
	for {
		if err := stream.RecvMsg(nil); err != nil {
			if status.Code(err) == codes.DeadlineExceeded {
				t.Errorf("%q is not answered", request)
			}
			return err
		}
	}
}

// TestMalformedRequests: what is not a request ends its stream with an error.
func TestMalformedRequests(t *testing.T) {
	w, _, _, _ := shop(t)
	conn := w.conn()
	long, err := proto.Marshal(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Cluster.URL(), ResourceNames: []string{strings.Repeat("x", 10_000)}})
	if err != nil {
		t.Fatal(err)
	}
	fat := node(strings.Repeat("x", 2<<20))
	big, err := proto.Marshal(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Cluster.URL(), Node: fat})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		request []byte
		want    codes.Code
	}{
		{"empty", nil, codes.InvalidArgument},
		{"no message", []byte("GET / HTTP/1.1"), codes.Internal},
		{"text that is not UTF-8", []byte{0x22, 1, 0xff}, codes.Internal},
		{"field cut off", []byte{0x22, 0xff, 0xff, 0xff, 0xff, 0x0f}, codes.Internal},
		{"long name", long, codes.InvalidArgument},
		{"large node", big, codes.InvalidArgument},
		{"too large", make([]byte, 33<<20), codes.ResourceExhausted},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := w.attempt(t, conn, false, c.request); status.Code(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	other := w.connect(node("other"))
	other.want(resource.Endpoints, "web.shop")
	other.expect(resource.Endpoints, "web.shop")
}

// FuzzRequest: octets in place of a request never stop the server, and are answered or
// end their stream.
func FuzzRequest(f *testing.F) {
	for _, m := range []proto.Message{
		&discoveryv3.DiscoveryRequest{TypeUrl: resource.Endpoints.URL(), ResourceNames: []string{"web.shop", "*", "web.shop", ""}, Node: node("a", "*.shop")},
		&discoveryv3.DiscoveryRequest{TypeUrl: resource.Cluster.URL(), VersionInfo: "1", ResponseNonce: "1", Node: node("mesh/m/virtualNode/n")},
		&discoveryv3.DeltaDiscoveryRequest{TypeUrl: resource.Listener.URL(), ResourceNamesSubscribe: []string{"*", "x"}, ResourceNamesUnsubscribe: []string{"*", "y"}, InitialResourceVersions: map[string]string{"": "", "*": "1"}},
	} {
		text, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(true, text)
		f.Add(false, text)
	}
	w, _, _, _ := shop(f)
	conn := w.conn()
	f.Fuzz(func(t *testing.T, delta bool, request []byte) { _ = w.attempt(t, conn, delta, request) })
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

// TestManyStreams opens and drops streams on several connections at once. Others are served
// meanwhile, and none is left.
func TestManyStreams(t *testing.T) {
	w, _, web, _ := shop(t)
	other := w.connect(node("other"))
	other.want(resource.Endpoints, "web.shop")
	other.expect(resource.Endpoints, "web.shop")
	var group sync.WaitGroup
	for range 4 {
		conn := w.conn()
		group.Go(func() {
			for i := range 250 {
				ctx, cancel := context.WithCancel(t.Context())
				stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
				if err == nil {
					_ = stream.Send(&discoveryv3.DiscoveryRequest{Node: node("x"), TypeUrl: resource.Endpoints.URL(), ResourceNames: []string{"web.shop"}})
				}
				if i%2 == 0 {
					_, _ = stream.Recv()
				}
				cancel()
			}
		})
	}
	for i := range 10 {
		w.register(web, fmt.Sprint("n", i), fmt.Sprint("10.1.0.", i+1), 80)
		other.expect(resource.Endpoints, "web.shop")
	}
	group.Wait()
	wait(t, "all streams end", func() bool { return w.gauge("cairn_xds_streams") == 1 })
	wait(t, "all subscriptions end", func() bool { return w.gauge("cairn_xds_subscriptions") == 1 })
}

// gauge returns the sum of a metric.
func (w *fixture) gauge(name string) float64 {
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
