package xds_test

import (
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// Fault 8: of a client that has subscribed to several names, nothing is left when it
// unsubscribes, or leaves.
func TestFault8NoWatchIsLeft(t *testing.T) {
	w, _, _, _ := shop(t)
	subscriptions := func(n float64) {
		t.Helper()
		wait(t, fmt.Sprintf("there are %v subscriptions", n), func() bool { return w.gauge("cairn_xds_subscriptions") == n })
	}
	c := w.connect(node("envoy"))
	for range 3 {
		c.want(resource.Endpoints, "api.shop", "none.shop", "web.shop")
		c.expectOnly(resource.Endpoints, "api.shop", "web.shop")
		subscriptions(3)
		c.want(resource.Endpoints, "none.shop")
		subscriptions(1)
		c.want(resource.Endpoints)
		subscriptions(0)
	}
	d := w.connectDelta(node("envoy"))
	d.subscribe(resource.Endpoints, "api.shop", "web.shop")
	d.expect(resource.Endpoints, []string{"api.shop", "web.shop"}, nil)
	subscriptions(2)
	_ = d.stream.CloseSend()
	subscriptions(0)
}

// Fault 9: no goroutine is left behind by a stream that has ended.
func TestFault9NoGoroutineIsLeft(t *testing.T) {
	w, _, _, _ := shop(t)
	for range 20 {
		d := w.connectDelta(node("envoy"))
		d.subscribe(resource.Endpoints, "web.shop")
		d.expect(resource.Endpoints, []string{"web.shop"}, nil)
		_ = d.stream.CloseSend()
		c := w.connect(node("envoy"))
		c.want(resource.Endpoints, "web.shop")
		c.expectOnly(resource.Endpoints, "web.shop")
		_ = c.stream.CloseSend()
	}
	wait(t, "no goroutine serves a stream", func() bool {
		var b strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
			t.Fatal(err)
		}
		return !strings.Contains(b.String(), "xds.(*stream).run") && !strings.Contains(b.String(), "xds.forward")
	})
}

// listed is a source with a listener whose default filter chain needs a route. The route
// has a version that the attribute alt of a service is.
type listed struct{}

func (s listed) View(*resource.Input, *resource.Proxy) (resource.View, error) { return s, nil }
func (listed) Changes(_, _ *state.State, _ func(resource.Dep))                {}
func (listed) Scope(resource.Type, string) string                             { return "" }

func (listed) Names(_ *resource.Input, t resource.Type) []string {
	if t == resource.Listener {
		return []string{"api", "socket"}
	}
	return nil
}

func (listed) Make(in *resource.Input, t resource.Type, name string) *resource.Message {
	alt := ""
	for ns := range in.State.Registry.AllNamespaces() {
		in.Use(resource.ServiceNamed(ns.ID, "web"))
		if svc, ok := ns.Service("web"); ok {
			alt = svc.Attributes.Map()["alt"]
		}
	}
	manager, _ := anypb.New(&hcmv3.HttpConnectionManager{StatPrefix: alt, RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: "route"}}})
	refs := []resource.Ref{{Type: resource.Route, Name: "route"}}
	switch {
	case t == resource.Route && name == "route":
		return &resource.Message{Proto: &routev3.RouteConfiguration{Name: name}}
	case t == resource.Listener && name == "api":
		return &resource.Message{Proto: &listenerv3.Listener{Name: name, ApiListener: &listenerv3.ApiListener{ApiListener: manager}}, Refs: refs}
	case t == resource.Listener && name == "socket":
		chain := &listenerv3.FilterChain{Filters: []*listenerv3.Filter{{Name: "http", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: manager}}}}
		return &resource.Message{Proto: &listenerv3.Listener{Name: name, DefaultFilterChain: chain}, Refs: refs}
	}
	return nil
}

// Fault 14: a listener may need its route in the default filter chain alone, or be an API
// listener: both are sent, and the route follows them.
func TestFault14DefaultFilterChainAndAPIListener(t *testing.T) {
	w, _, web, _ := shop(t, func(c *xds.Config) { c.Sources = []resource.Source{listed{}} })
	c := w.connect(node("envoy"))
	c.want(resource.Listener)
	c.expect(resource.Listener, "api", "socket")
	c.want(resource.Route, "route")
	c.expect(resource.Route, "route")
	w.alter(web, "other")
	c.expect(resource.Listener, "api", "socket")
	c.expect(resource.Route, "route")
}

// Fault 17: a client that loses its rights while it is connected is told why, and is let
// in again when it has them.
func TestFault17RightsChangeWhileConnected(t *testing.T) {
	var lost atomic.Bool
	var epoch atomic.Int64
	changed := make(chan struct{}, 1)
	gone := status.Error(codes.PermissionDenied, "the key was deleted")
	w, _, web, _ := shop(t, func(c *xds.Config) {
		c.Changed, c.Identities = changed, func() any { return epoch.Load() }
		valid := func() error {
			if lost.Load() {
				return gone
			}
			return nil
		}
		c.Authenticate = func(context.Context, *xds.Credentials) (*xds.Caller, error) {
			return &xds.Caller{Account: account, Valid: valid}, valid()
		}
	})
	set := func(to bool) {
		lost.Store(to)
		epoch.Add(1)
		changed <- struct{}{}
	}
	c := w.connect(node("envoy"))
	c.want(resource.Endpoints, "web.shop")
	c.expect(resource.Endpoints, "web.shop")
	set(true)
	if _, err := c.stream.Recv(); status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "the key was deleted") {
		t.Errorf("got %v, want %v", err, gone)
	}
	c = w.connect(node("envoy")) // and asks for nothing: the stream may have ended before
	if _, err := c.stream.Recv(); status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v, want %v", err, gone)
	}
	set(false)
	c = w.connect(node("envoy"))
	c.want(resource.Endpoints, "web.shop")
	c.expect(resource.Endpoints, "web.shop")
	w.register(web, "w2", "10.0.0.2", 80)
	c.expect(resource.Endpoints, "web.shop")
}

// fleeting is a source whose view exists as long as the service web does.
type fleeting struct{ listed }

func (s fleeting) View(in *resource.Input, p *resource.Proxy) (resource.View, error) {
	for ns := range in.State.Registry.AllNamespaces() {
		in.Use(resource.ServiceNamed(ns.ID, "web"))
		if _, ok := ns.Service("web"); ok {
			return s, nil
		}
	}
	return nil, status.Error(codes.InvalidArgument, "no such node")
}

// A client whose view ends is told so at once.
func TestViewEnds(t *testing.T) {
	w, _, web, _ := shop(t, func(c *xds.Config) { c.Sources = []resource.Source{fleeting{}} })
	c := w.connect(node("envoy"))
	c.want(resource.Listener)
	c.expect(resource.Listener, "api", "socket")
	w.alter(web, "other") // the view is asked for again, and stays
	c.expect(resource.Listener, "api", "socket")
	w.deregister(web, "w1")
	w.do(&registry.DeleteService{Ref: string(web)})
	for {
		_, err := c.stream.Recv()
		if err == nil {
			continue
		}
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %v, want InvalidArgument", err)
		}
		break
	}
}

// Fault 22: a client that no longer speaks about clusters gets a new stream, once.
func TestFault22ClientDoesNotAskForClusters(t *testing.T) {
	t.Run("after a rejected cluster", func(t *testing.T) {
		w, _, web, _ := shop(t, withAltered, patient)
		c := w.connect(node("envoy", "web.shop"))
		c.want(resource.Cluster)
		c.expect(resource.Cluster, "web.shop")
		w.alter(web, "bad")
		c.expectOnly(resource.Cluster, "web.shop")
		c.reject(resource.Cluster, "no")
		w.alter(web, "good")
		c.expectOnly(resource.Cluster, "web.shop") // and says nothing
		if _, err := c.stream.Recv(); status.Code(err) != codes.Aborted {
			t.Errorf("got %v, want Aborted", err)
		}
	})
	t.Run("when it connects again", func(t *testing.T) {
		w, _, _, _ := shop(t, patient)
		ask := func() *deltaClient {
			d := w.connectDelta(node("envoy", "web.shop"))
			d.send(resource.Endpoints, &discoveryv3.DeltaDiscoveryRequest{ResourceNamesSubscribe: []string{"web.shop"}, InitialResourceVersions: map[string]string{"web.shop": "old"}})
			d.expect(resource.Endpoints, []string{"web.shop"}, nil)
			return d
		}
		d := ask()
		if _, err := d.stream.Recv(); status.Code(err) != codes.Aborted {
			t.Errorf("got %v, want Aborted", err)
		}
		ask().fence() // and the next stream stays
	})
}

// patient makes a server wait longer than a busy machine needs for an answer, and much
// shorter than it does by default.
func patient(c *xds.Config) { c.Silence = 2 * time.Second }

// quick makes a server wait shortly for what a client must say.
func quick(c *xds.Config) { c.Silence = 50 * time.Millisecond }

// Fault 26: a client that unsubscribes from everything while an answer is on its way, and
// never accepts that answer, gets what it asks for next, although its nonce is old.
func TestFault26OldNonceAfterUnsubscribe(t *testing.T) {
	w, _, web, _ := shop(t, quick)
	c := w.connect(node("grpc-java"))
	c.want(resource.Endpoints, "web.shop")
	old := c.expect(resource.Endpoints, "web.shop").GetNonce()
	w.register(web, "w2", "10.0.0.2", 80)
	c.expectOnly(resource.Endpoints, "web.shop") // the client has unsubscribed and drops it
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Endpoints.URL(), ResponseNonce: old})
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: resource.Endpoints.URL(), ResponseNonce: old, ResourceNames: []string{"api.shop"}})
	c.expect(resource.Endpoints, "api.shop")
	c.fence()
}

// Fault 29: an Envoy without statistics makes progress.
func TestFault29EnvoyWithoutStatistics(t *testing.T) {
	w := start(t)
	svc := w.service(w.namespace("shop"), "web")
	ip, port := web(t, "a")
	w.register(svc, "a", ip, port)
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	e := w.envoyWith(&xdsbootstrap.Config{
		Server: w.addr, ID: "envoy", Metadata: map[string]any{"cairn.services": []any{"*.shop"}, "cairn.listen": listen},
	}, func(all map[string]any) {
		all["stats_config"] = map[string]any{"stats_matcher": map[string]any{"reject_all": true}}
	})
	e.listen = listen
	e.untilRequests("web.shop", "a")
}
