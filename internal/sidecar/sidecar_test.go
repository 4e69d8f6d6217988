package sidecar

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cairn-discovery/cairn/internal/issuer"
)

// TestPick: clusters get requests by their weights, those with weight 0 none.
func TestPick(t *testing.T) {
	weight := func(name string, n uint32) *routev3.WeightedCluster_ClusterWeight {
		return &routev3.WeightedCluster_ClusterWeight{Name: name, Weight: wrapperspb.UInt32(n)}
	}
	a := &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_WeightedClusters{WeightedClusters: &routev3.WeightedCluster{
		Clusters: []*routev3.WeightedCluster_ClusterWeight{weight("a", 1), weight("none", 0), weight("b", 3)},
	}}}
	got := map[string]int{}
	for range 10_000 {
		got[pick(a)]++
	}
	if len(got) != 2 || got["a"] < 2000 || got["a"] > 3000 {
		t.Errorf("%v", got)
	}
	if one := pick(&routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: "c"}}); one != "c" {
		t.Errorf("%q", one)
	}
}

// TestMatch: the first route whose prefix fits the path, of the virtual host that has the
// host of the request.
func TestMatch(t *testing.T) {
	route := func(prefix, cluster string) *routev3.Route {
		return &routev3.Route{
			Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: prefix}},
			Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster}}},
		}
	}
	r := &resources{routes: map[string]*routev3.RouteConfiguration{"x": {VirtualHosts: []*routev3.VirtualHost{
		{Domains: []string{"web.local"}, Routes: []*routev3.Route{route("/a", "a"), route("/", "rest")}},
	}}}}
	for url, want := range map[string]string{"http://web.local/a/b": "a", "http://web.local/b": "rest", "http://other.local/a": ""} {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.match("x", request).GetCluster(); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

// TestEndpoint: only healthy endpoints that were not used.
func TestEndpoint(t *testing.T) {
	endpoint := func(host string, h corev3.HealthStatus) *endpointv3.LbEndpoint {
		socket := &corev3.SocketAddress{Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 80}}
		return &endpointv3.LbEndpoint{HealthStatus: h, HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{
			Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: socket}},
		}}}
	}
	r := &resources{endpoints: map[string]*endpointv3.ClusterLoadAssignment{"c": {Endpoints: []*endpointv3.LocalityLbEndpoints{{LbEndpoints: []*endpointv3.LbEndpoint{
		endpoint("10.0.0.1", corev3.HealthStatus_DRAINING), endpoint("10.0.0.2", corev3.HealthStatus_HEALTHY), endpoint("10.0.0.3", corev3.HealthStatus_UNHEALTHY),
	}}}}}}
	at, ok := r.endpoint("c", nil)
	if !ok || at != netip.MustParseAddrPort("10.0.0.2:80") {
		t.Errorf("%v, %t", at, ok)
	}
	if at, ok := r.endpoint("c", []netip.AddrPort{at}); ok {
		t.Errorf("%v is used again", at)
	}
}

// TestApply: answers of another type, and messages that are no resources, are refused and
// change nothing.
func TestApply(t *testing.T) {
	r := new(resources)
	good, err := anypb.New(&routev3.RouteConfiguration{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.apply(routeType, []*anypb.Any{good}); err != nil || r.routes["x"] == nil {
		t.Errorf("%v, %v", r.routes, err)
	}
	for _, bad := range []struct {
		url string
		any *anypb.Any
	}{{routeType, &anypb.Any{TypeUrl: routeType, Value: []byte{0xff}}}, {clusterType, good}, {"other", good}} {
		if err := r.apply(bad.url, []*anypb.Any{bad.any}); err == nil || r.routes["x"] == nil {
			t.Errorf("%s %s: %v", bad.url, bad.any.GetTypeUrl(), err)
		}
	}
}

// TestVerify: the other side of TLS needs a certificate of the mesh with a name.
func TestVerify(t *testing.T) {
	now := time.Now()
	leaf := func(root issuer.Pair) tls.ConnectionState {
		pair, err := issuer.Issue(root, &issuer.Request{ID: "spiffe://shop/web", DNSNames: []string{"web.local"}, Start: now, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(pair.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		return tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}}
	}
	newRoot := func() issuer.Pair {
		root, err := issuer.NewRoot("spiffe://shop", now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return root
	}
	root := newRoot()
	id := &identity{roots: x509.NewCertPool()}
	id.roots.AppendCertsFromPEM(issuer.CertificatePEM(root.Certificate))
	for _, c := range []struct {
		what  string
		state tls.ConnectionState
		names []string
		good  bool
	}{
		{"any name", leaf(root), nil, true},
		{"the SPIFFE id", leaf(root), []string{"spiffe://shop/web"}, true},
		{"the host name", leaf(root), []string{"other", "web.local"}, true},
		{"another name", leaf(root), []string{"spiffe://shop/other"}, false},
		{"another root", leaf(newRoot()), nil, false},
		{"no certificate", tls.ConnectionState{}, nil, false},
	} {
		id.names = c.names
		if err := id.verify(c.state, x509.ExtKeyUsageServerAuth); (err == nil) != c.good {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}
