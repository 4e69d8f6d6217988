package plain

import (
	"net/netip"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// apiListener returns the listener of a gRPC client that dials xds:///NAME. The route is
// in the listener, so that both change together. Its domain is any: the client has
// chosen the listener by the name that it dials.
func apiListener(text string, n name) *resource.Message {
	cluster := n.String()
	manager := connectionManager("outbound", &routev3.RouteConfiguration{
		Name: cluster,
		VirtualHosts: []*routev3.VirtualHost{{
			Name: cluster, Domains: []string{"*"},
			Routes: []*routev3.Route{{
				Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{}},
				Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster}}},
			}},
		}},
	})
	return &resource.Message{
		Proto: APIListener(text, manager),
		Refs:  []resource.Ref{{Type: resource.Cluster, Name: cluster}},
	}
}

// APIListener returns the listener of a gRPC client.
func APIListener(text string, manager *hcmv3.HttpConnectionManager) *listenerv3.Listener {
	return &listenerv3.Listener{Name: text, ApiListener: &listenerv3.ApiListener{ApiListener: Pack(manager)}}
}

// connectionManager returns an HTTP connection manager with a router and an inline
// route.
func connectionManager(prefix string, routes *routev3.RouteConfiguration) *hcmv3.HttpConnectionManager {
	return &hcmv3.HttpConnectionManager{
		StatPrefix:     prefix,
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: routes},
		HttpFilters: []*hcmv3.HttpFilter{{
			Name:       "envoy.filters.http.router",
			ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: Pack(&routerv3.Router{})},
		}},
	}
}

// serverPrefixes are the templates of listener names of gRPC servers, without the
// address: that of cairn's bootstrap, and the one in the documents of gRPC.
var serverPrefixes = []string{"cairn/server/", "grpc/server?xds.resource.listening_address="}

// ServerListener returns the listener of a gRPC server, or nil if the name is not that
// of one. It accepts all connections and calls. Without a listener, a server accepts
// nothing.
func ServerListener(text string) *resource.Message {
	var address string
	for _, prefix := range serverPrefixes {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			address = rest
		}
	}
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil
	}
	manager := connectionManager("server", &routev3.RouteConfiguration{
		Name: "server",
		VirtualHosts: []*routev3.VirtualHost{{
			Name: "server", Domains: []string{"*"},
			Routes: []*routev3.Route{{
				Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{}},
				Action: &routev3.Route_NonForwardingAction{NonForwardingAction: &routev3.NonForwardingAction{}},
			}},
		}},
	})
	chain := &listenerv3.FilterChain{Filters: []*listenerv3.Filter{{
		Name:       "envoy.filters.network.http_connection_manager",
		ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: Pack(manager)},
	}}}
	l := &listenerv3.Listener{Name: text, Address: SocketAddress(addr), TrafficDirection: corev3.TrafficDirection_INBOUND}
	l.DefaultFilterChain = chain
	return &resource.Message{Proto: l}
}
