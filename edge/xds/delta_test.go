package xds_test

import (
	"context"
	"slices"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// deltaClient is a scripted client of the delta protocol.
type deltaClient struct {
	t      testing.TB
	stream discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	node   *corev3.Node
}

func (w *fixture) connectDelta(n *corev3.Node) *deltaClient {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(w.conn()).DeltaAggregatedResources(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return &deltaClient{w.t, stream, n}
}

func (c *deltaClient) send(t resource.Type, r *discoveryv3.DeltaDiscoveryRequest) {
	c.t.Helper()
	r.TypeUrl, r.Node, c.node = t.URL(), c.node, nil
	if err := c.stream.Send(r); err != nil {
		c.t.Fatal(err)
	}
}

func (c *deltaClient) subscribe(t resource.Type, names ...string) {
	c.t.Helper()
	c.send(t, &discoveryv3.DeltaDiscoveryRequest{ResourceNamesSubscribe: names})
}

// expect receives an answer with these resources and removals, accepts it, and returns
// the versions.
func (c *deltaClient) expect(t resource.Type, names, removed []string) map[string]string {
	c.t.Helper()
	r, err := c.stream.Recv()
	if err != nil {
		c.t.Fatalf("Recv: %v", err)
	}
	versions := map[string]string{}
	var got []string
	for _, one := range r.GetResources() {
		got = append(got, one.GetName())
		versions[one.GetName()] = one.GetVersion()
	}
	slices.Sort(got)
	slices.Sort(r.RemovedResources)
	if r.GetTypeUrl() != t.URL() || !slices.Equal(got, names) || !slices.Equal(r.GetRemovedResources(), removed) {
		c.t.Fatalf("got %s %q, removed %q; want %s %q, removed %q", r.GetTypeUrl(), got, r.GetRemovedResources(), t, names, removed)
	}
	c.send(t, &discoveryv3.DeltaDiscoveryRequest{ResponseNonce: r.GetNonce()})
	return versions
}

// fence makes sure that there is nothing else to receive.
func (c *deltaClient) fence() {
	c.t.Helper()
	c.subscribe(resource.Secret, "fence")
	c.expect(resource.Secret, nil, []string{"fence"})
}

// A name that does not exist is answered at once, and sent when it appears; one that is
// deleted is removed.
func TestDeltaMissingAndDeleted(t *testing.T) {
	w, ns, web, _ := shop(t)
	c := w.connectDelta(node("envoy"))
	c.subscribe(resource.Endpoints, "late.shop", "web.shop")
	c.expect(resource.Endpoints, []string{"web.shop"}, []string{"late.shop"})
	late := w.service(ns, "late")
	c.expect(resource.Endpoints, []string{"late.shop"}, nil)
	w.do(&registry.DeleteService{Ref: string(late)})
	c.expect(resource.Endpoints, nil, []string{"late.shop"})
	w.register(web, "w2", "10.0.0.2", 80)
	c.expect(resource.Endpoints, []string{"web.shop"}, nil)
	c.fence()
}

// Each subscription is answered, also of a name that the client has already.
func TestDeltaSubscribeAgain(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connectDelta(node("envoy"))
	for range 3 {
		c.subscribe(resource.Endpoints, "web.shop")
		c.expect(resource.Endpoints, []string{"web.shop"}, nil)
	}
	c.send(resource.Endpoints, &discoveryv3.DeltaDiscoveryRequest{ResourceNamesUnsubscribe: []string{"web.shop"}})
	c.fence()
}

// Fault 10: the first wildcard request of a proxy is answered, also if there is nothing.
func TestFault10EmptyWildcard(t *testing.T) {
	w, ns, _, _ := shop(t)
	c := w.connectDelta(node("envoy", "new.shop"))
	c.subscribe(resource.Cluster)
	c.expect(resource.Cluster, nil, nil)
	w.service(ns, "new")
	c.expect(resource.Cluster, []string{"new.shop"}, nil)
	world := w.connect(node("envoy2", "none.shop"))
	world.want(resource.Cluster)
	world.expectOnly(resource.Cluster)
}

// Fault 28, and rules of the protocol: the first request says what the client has. It
// gets what differs, and removals of what is gone.
func TestFault28InitialVersions(t *testing.T) {
	w, ns, web, api := shop(t)
	c := w.connectDelta(node("envoy", "*.shop"))
	c.subscribe(resource.Cluster)
	clusters := c.expect(resource.Cluster, []string{"api.shop", "web.shop"}, nil)
	c.subscribe(resource.Endpoints, "api.shop", "web.shop")
	versions := c.expect(resource.Endpoints, []string{"api.shop", "web.shop"}, nil)

	w.register(web, "w2", "10.0.0.2", 80)
	w.deregister(api, "a1")
	w.do(&registry.DeleteService{Ref: string(api)})
	w.service(ns, "new")
	c = w.connectDelta(node("envoy", "*.shop"))
	c.send(resource.Cluster, &discoveryv3.DeltaDiscoveryRequest{InitialResourceVersions: map[string]string{"api.shop": clusters["api.shop"], "web.shop": clusters["web.shop"]}})
	c.expect(resource.Cluster, []string{"new.shop"}, []string{"api.shop"})
	c.send(resource.Endpoints, &discoveryv3.DeltaDiscoveryRequest{ResourceNamesSubscribe: []string{"web.shop"}, InitialResourceVersions: versions})
	c.expect(resource.Endpoints, []string{"web.shop"}, nil)
	c.fence()
}

// An unchanged client that connects again gets no resource.
func TestDeltaConnectAgain(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connectDelta(node("envoy", "*.shop"))
	c.subscribe(resource.Cluster)
	clusters := c.expect(resource.Cluster, []string{"api.shop", "web.shop"}, nil)
	c.subscribe(resource.Endpoints, "api.shop", "web.shop")
	versions := c.expect(resource.Endpoints, []string{"api.shop", "web.shop"}, nil)
	c = w.connectDelta(node("envoy", "*.shop"))
	c.send(resource.Cluster, &discoveryv3.DeltaDiscoveryRequest{InitialResourceVersions: clusters})
	c.expect(resource.Cluster, nil, nil)
	c.send(resource.Endpoints, &discoveryv3.DeltaDiscoveryRequest{ResourceNamesSubscribe: []string{"api.shop", "web.shop"}, InitialResourceVersions: versions})
	c.fence()
}

// Under a wildcard, unsubscribing from a name is answered: the client still gets the
// resource, or hears that it does not exist.
func TestDeltaUnsubscribeUnderWildcard(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connectDelta(node("envoy", "web.shop"))
	c.subscribe(resource.Cluster, "*", "api.shop")
	c.expect(resource.Cluster, []string{"api.shop", "web.shop"}, nil)
	c.send(resource.Cluster, &discoveryv3.DeltaDiscoveryRequest{ResourceNamesUnsubscribe: []string{"api.shop"}})
	c.expect(resource.Cluster, nil, []string{"api.shop"})
	c.subscribe(resource.Cluster, "web.shop")
	c.expect(resource.Cluster, []string{"web.shop"}, nil)
	c.send(resource.Cluster, &discoveryv3.DeltaDiscoveryRequest{ResourceNamesUnsubscribe: []string{"web.shop"}})
	c.expect(resource.Cluster, []string{"web.shop"}, nil)
	c.send(resource.Cluster, &discoveryv3.DeltaDiscoveryRequest{ResourceNamesUnsubscribe: []string{"*"}})
	c.fence()
}
