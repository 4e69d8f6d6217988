package xds_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// The tests of this file are named by faults that other control planes have had.

// shop is a fixture with the services web.shop and api.shop, of one instance each.
func shop(t testing.TB, change ...func(*xds.Config)) (w *fixture, ns registry.NamespaceID, web, api registry.ServiceID) {
	w = start(t, change...)
	ns = w.namespace("shop")
	web, api = w.service(ns, "web"), w.service(ns, "api")
	w.register(web, "w1", "10.0.0.1", 80)
	w.register(api, "a1", "10.0.1.1", 80)
	return w, ns, web, api
}

// Fault 1: a changed cluster stays warming until its endpoints arrive after it, so they
// are sent again, although they have not changed.
func TestFault1EndpointsFollowTheirCluster(t *testing.T) {
	w, _, web, _ := shop(t, withAltered)
	c := w.connect(node("envoy", "web.shop", "api.shop"))
	c.want(resource.Cluster)
	c.expect(resource.Cluster, "api.shop", "web.shop")
	c.want(resource.Endpoints, "api.shop", "web.shop")
	c.expect(resource.Endpoints, "api.shop", "web.shop")
	w.alter(web, "other")
	c.expect(resource.Cluster, "api.shop", "web.shop")
	c.expectOnly(resource.Endpoints, "web.shop")
	c.accept(resource.Endpoints, "api.shop", "web.shop")
	c.fence()
}

// Faults 2 and 5: a resource that does not exist stays subscribed. When it appears it is
// sent, also after an answer with the others was accepted.
func TestFault2And5MissingResourceIsSentWhenItAppears(t *testing.T) {
	w, ns, _, _ := shop(t)
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "late.shop", "web.shop")
	c.expectOnly(resource.Endpoints, "web.shop")
	c.accept(resource.Endpoints, "late.shop", "web.shop")
	c.fence()
	late := w.service(ns, "late")
	c.expectOnly(resource.Endpoints, "late.shop")
	c.accept(resource.Endpoints, "late.shop", "web.shop")
	w.register(late, "l1", "10.0.2.1", 80)
	r := c.expectOnly(resource.Endpoints, "late.shop")
	if got := endpoints(t, r); !slices.Equal(got, []string{"10.0.2.1:80 HEALTHY"}) {
		t.Errorf("endpoints %q", got)
	}
}

// Fault 3: what changed while an answer was in flight is not sent after the client has
// unsubscribed from it.
func TestFault3NothingAfterUnsubscribe(t *testing.T) {
	w, _, web, api := shop(t)
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "api.shop", "web.shop")
	c.expectOnly(resource.Endpoints, "api.shop", "web.shop") // not accepted yet
	w.register(web, "w2", "10.0.0.2", 80)
	c.fence()
	c.accept(resource.Endpoints, "api.shop") // and no longer web.shop
	c.fence()
	w.register(api, "a2", "10.0.1.2", 80)
	c.expectOnly(resource.Endpoints, "api.shop")
}

// Fault 4: a client that unsubscribes and subscribes again gets the resource again.
func TestFault4SubscribeAgain(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connect(node("grpc"))
	for range 3 {
		c.want(resource.Endpoints, "web.shop")
		c.expectOnly(resource.Endpoints, "web.shop")
		c.want(resource.Endpoints)
		c.fence()
	}
}

// Fault 6: a name that does not exist causes no loop of answers.
func TestFault6NoLoopForMissingNames(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connect(node("grpc"))
	c.want(resource.Endpoints, "none.shop")
	c.want(resource.Route, "none")
	c.want(resource.Secret, "none")
	c.fence()
	c.want(resource.Endpoints, "none.shop", "none2.shop")
	c.fence()
}

// Fault 7: many changes before the client reads do not block anything, and it gets the
// newest state in one answer.
func TestFault7ManyChangesBeforeTheClientReads(t *testing.T) {
	w, _, web, _ := shop(t)
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "web.shop")
	c.expectOnly(resource.Endpoints, "web.shop")
	for i := range 50 {
		w.register(web, fmt.Sprint("n", i), fmt.Sprint("10.1.0.", i+1), 80)
	}
	c.fence()
	c.accept(resource.Endpoints, "web.shop")
	r := c.expectOnly(resource.Endpoints, "web.shop")
	if n := len(endpoints(t, r)); n != 51 {
		t.Errorf("%d endpoints, want 51", n)
	}
	c.accept(resource.Endpoints, "web.shop")
	c.fence()
}

// Fault 11: a state-of-the-world answer for clusters holds all of them, also when one has
// changed, since a client drops those that are missing.
func TestFault11ClustersAreComplete(t *testing.T) {
	w, ns, web, _ := shop(t, withAltered)
	c := w.connect(node("envoy", "*.shop"))
	c.want(resource.Cluster)
	c.expect(resource.Cluster, "api.shop", "web.shop")
	w.alter(web, "other")
	c.expect(resource.Cluster, "api.shop", "web.shop")
	w.service(ns, "new")
	c.expect(resource.Cluster, "api.shop", "new.shop", "web.shop")
}

// Fault 12: a new service arrives as cluster, endpoints and route, in this order. The
// route waits until the client has the endpoints.
func TestFault12Order(t *testing.T) {
	w, ns, _, _ := shop(t)
	c := w.connect(node("envoy", "*.shop"))
	c.want(resource.Cluster)
	c.expect(resource.Cluster, "api.shop", "web.shop")
	c.want(resource.Endpoints, "api.shop", "web.shop")
	c.expect(resource.Endpoints, "api.shop", "web.shop")
	c.want(resource.Listener)
	c.expect(resource.Listener, "cairn_outbound")
	c.want(resource.Route, "cairn_outbound")
	c.expect(resource.Route, "cairn_outbound")
	w.service(ns, "new")
	c.expect(resource.Cluster, "api.shop", "new.shop", "web.shop")
	c.want(resource.Endpoints, "api.shop", "new.shop", "web.shop")
	c.expectOnly(resource.Endpoints, "new.shop")
	c.expect(resource.Route, "cairn_outbound")
}

// Removal: the route goes first, and the cluster when the client has accepted that.
func TestRemovalAfterRoutes(t *testing.T) {
	w, _, web, _ := shop(t)
	c := w.connect(node("envoy", "*.shop"))
	c.want(resource.Cluster)
	c.expect(resource.Cluster, "api.shop", "web.shop")
	c.want(resource.Endpoints, "api.shop", "web.shop")
	c.expect(resource.Endpoints, "api.shop", "web.shop")
	c.want(resource.Route, "cairn_outbound")
	c.expect(resource.Route, "cairn_outbound")
	w.deregister(web, "w1")
	c.expectOnly(resource.Endpoints, "web.shop")
	c.accept(resource.Endpoints, "api.shop", "web.shop")
	w.do(&registry.DeleteService{Ref: string(web)})
	c.expect(resource.Route, "cairn_outbound")
	// Accepting the route frees the removals, clusters before endpoints.
	c.expect(resource.Cluster, "api.shop")
}

// Fault 13: a type that is not served does not end the stream.
func TestFault13UnknownType(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connect(node("envoy"))
	for i := range 40 {
		c.send(&discoveryv3.DiscoveryRequest{TypeUrl: fmt.Sprint("type.googleapis.com/made.up.Type", i), ResourceNames: []string{"x"}})
	}
	c.fence()
}

// Fault 15: a version of another set of resources does not count: the client gets what
// it asks for.
func TestFault15VersionOfAnotherSet(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "web.shop")
	version := c.expectOnly(resource.Endpoints, "web.shop").GetVersionInfo()
	c = w.connect(node("envoy"))
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Endpoints.URL(), VersionInfo: version, ResourceNames: []string{"api.shop", "web.shop"}})
	c.expectOnly(resource.Endpoints, "api.shop", "web.shop")
}

// Fault 16: a cluster that changes between its answer and the first request for its
// endpoints leaves the client with endpoints.
func TestFault16ClusterChangesBeforeEndpointsAreAsked(t *testing.T) {
	w, _, web, _ := shop(t, withAltered)
	c := w.connect(node("envoy", "web.shop"))
	c.want(resource.Cluster)
	c.expectOnly(resource.Cluster, "web.shop")
	w.alter(web, "other")
	c.want(resource.Endpoints, "web.shop")
	c.expect(resource.Endpoints, "web.shop")
	c.accept(resource.Cluster)
	c.expect(resource.Cluster, "web.shop")
	c.expect(resource.Endpoints, "web.shop")
}

// Fault 19: a client that does not read delays nobody.
func TestFault19ClientThatDoesNotRead(t *testing.T) {
	w, _, web, _ := shop(t)
	stuck := w.connect(node("stuck"))
	stuck.want(resource.Endpoints, "web.shop") // and never receives
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "web.shop")
	c.expect(resource.Endpoints, "web.shop")
	for i := range 20 {
		w.register(web, fmt.Sprint("n", i), fmt.Sprint("10.1.0.", i+1), 80)
		c.expect(resource.Endpoints, "web.shop")
	}
}

// Faults 20 and 27: a rejected answer is not sent again, and other types go on. The next
// version is sent.
func TestFault20And27Rejection(t *testing.T) {
	w, _, web, _ := shop(t, withAltered)
	c := w.connect(node("envoy", "web.shop"))
	c.want(resource.Cluster)
	c.expect(resource.Cluster, "web.shop")
	c.want(resource.Endpoints, "web.shop")
	c.expect(resource.Endpoints, "web.shop")
	w.alter(web, "bad")
	c.expectOnly(resource.Cluster, "web.shop")
	c.reject(resource.Cluster, "no such field")
	c.expect(resource.Endpoints, "web.shop")
	c.fence()
	w.register(web, "w2", "10.0.0.2", 80)
	c.expect(resource.Endpoints, "web.shop")
	report, ok := w.server.Explain("", "envoy")
	if !ok || !strings.Contains(report, "REJECTED") || !strings.Contains(report, "no such field") {
		t.Errorf("the report does not show the rejection:\n%s", report)
	}
	w.alter(web, "good")
	c.expect(resource.Cluster, "web.shop")
}

// Fault 21: a client that connects again with what it has gets nothing that has not
// changed, and then what has.
func TestFault21ConnectAgain(t *testing.T) {
	w, _, web, _ := shop(t)
	c := w.connect(node("envoy", "*.shop"))
	c.want(resource.Cluster)
	clusters := c.expect(resource.Cluster, "api.shop", "web.shop").GetVersionInfo()
	c.want(resource.Endpoints, "api.shop", "web.shop")
	version := c.expect(resource.Endpoints, "api.shop", "web.shop").GetVersionInfo()
	c = w.connect(node("envoy", "*.shop"))
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Cluster.URL(), VersionInfo: clusters})
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Endpoints.URL(), VersionInfo: version, ResourceNames: []string{"api.shop", "web.shop"}})
	c.fence()
	w.register(web, "w2", "10.0.0.2", 80)
	c.expect(resource.Endpoints, "web.shop")
}

// Fault 23: a cluster that has not changed is not sent again.
func TestFault23NoRepeatedClusters(t *testing.T) {
	w, _, web, _ := shop(t)
	c := w.connect(node("envoy", "web.shop"))
	c.want(resource.Cluster)
	c.expect(resource.Cluster, "web.shop")
	for i := range 3 {
		w.register(web, fmt.Sprint("n", i), fmt.Sprint("10.1.0.", i+1), 80)
		w.do(&registry.UpdateServiceAttributes{Ref: string(web), Attributes: map[string]string{"x": fmt.Sprint(i)}})
	}
	c.fence()
}

// Fault 24: long error texts are cut before they are kept.
func TestFault24LongErrorText(t *testing.T) {
	w, _, _, _ := shop(t)
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "web.shop")
	c.expectOnly(resource.Endpoints, "web.shop")
	c.reject(resource.Endpoints, strings.Repeat("x", 1<<20), "web.shop")
	c.fence()
	if report, _ := w.server.Explain("", "envoy"); len(report) > 4096 || !strings.Contains(report, "xxx") {
		t.Errorf("a report of %d octets", len(report))
	}
}

// Fault 25: a request with an old nonce is ignored and does not leave the client
// waiting.
func TestFault25OldNonce(t *testing.T) {
	w, _, web, _ := shop(t)
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "web.shop")
	old := c.expect(resource.Endpoints, "web.shop")
	w.register(web, "w2", "10.0.0.2", 80)
	c.expectOnly(resource.Endpoints, "web.shop")
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Endpoints.URL(), ResourceNames: []string{"api.shop"}, ResponseNonce: old.GetNonce()})
	c.fence()
	c.accept(resource.Endpoints, "api.shop", "web.shop")
	c.expectOnly(resource.Endpoints, "api.shop")
}

// Fault 30: a gRPC client gets what it asked for and nothing else.
func TestFault30OnlyWhatWasAsked(t *testing.T) {
	w, ns, _, _ := shop(t)
	c := w.connect(node("grpc"))
	c.want(resource.Listener, "web.shop")
	c.expectOnly(resource.Listener, "web.shop")
	c.want(resource.Listener, "web.shop")
	c.want(resource.Cluster, "web.shop")
	c.expectOnly(resource.Cluster, "web.shop")
	c.want(resource.Cluster, "web.shop")
	w.service(ns, "new")
	c.want(resource.Endpoints, "web.shop")
	c.expectOnly(resource.Endpoints, "web.shop")
}
