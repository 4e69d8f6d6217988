package sidecar

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// The types of resources, in the order in which they are asked for.
const (
	prefix        = "type.googleapis.com/"
	clusterType   = prefix + "envoy.config.cluster.v3.Cluster"
	endpointsType = prefix + "envoy.config.endpoint.v3.ClusterLoadAssignment"
	listenerType  = prefix + "envoy.config.listener.v3.Listener"
	routeType     = prefix + "envoy.config.route.v3.RouteConfiguration"
	secretType    = prefix + "envoy.extensions.transport_sockets.tls.v3.Secret"
)

// resources are what the node has sent. It is safe for concurrent use; the messages are
// read only.
type resources struct {
	mu        sync.RWMutex
	clusters  map[string]*clusterv3.Cluster
	endpoints map[string]*endpointv3.ClusterLoadAssignment
	listeners map[string]*listenerv3.Listener
	routes    map[string]*routev3.RouteConfiguration
	secrets   map[string]*tlsv3.Secret
}

// listener is what the sidecar needs of a listener.
type listener struct {
	name    string
	address netip.AddrPort
	route   string
	secure  bool
}

// apply takes over an answer. Answers with clusters and listeners have all of them.
func (r *resources) apply(url string, all []*anypb.Any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch url {
	case clusterType:
		return collect(&r.clusters, all, true, (*clusterv3.Cluster).GetName)
	case endpointsType:
		return collect(&r.endpoints, all, false, (*endpointv3.ClusterLoadAssignment).GetClusterName)
	case listenerType:
		return collect(&r.listeners, all, true, (*listenerv3.Listener).GetName)
	case routeType:
		return collect(&r.routes, all, false, (*routev3.RouteConfiguration).GetName)
	case secretType:
		return collect(&r.secrets, all, false, (*tlsv3.Secret).GetName)
	}
	return fmt.Errorf("a resource of type %s was not asked for", url)
}

func collect[T proto.Message](into *map[string]T, all []*anypb.Any, full bool, name func(T) string) error {
	next := map[string]T{}
	if !full {
		next = maps.Clone(*into)
		if next == nil {
			next = map[string]T{}
		}
	}
	for _, packed := range all {
		message, err := packed.UnmarshalNew()
		if err != nil {
			return err
		}
		m, ok := message.(T)
		if !ok {
			return fmt.Errorf("a resource has the type %s", packed.GetTypeUrl())
		}
		next[name(m)] = m
	}
	*into = next
	return nil
}

// wanted returns the names of the resources of a type that others refer to.
func (r *resources) wanted(url string) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := map[string]bool{}
	for name, c := range r.clusters {
		if url == endpointsType && c.GetType() == clusterv3.Cluster_EDS {
			names[name] = true
		}
		if url == secretType {
			addSecrets(names, c.GetTransportSocket())
		}
	}
	for _, l := range r.listeners {
		for _, chain := range l.GetFilterChains() {
			if route := routeOf(chain); url == routeType && route != "" {
				names[route] = true
			}
			if url == secretType {
				addSecrets(names, chain.GetTransportSocket())
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// routeOf returns the name of the routes of a filter chain of HTTP, or "".
func routeOf(chain *listenerv3.FilterChain) string {
	for _, f := range chain.GetFilters() {
		m := new(hcmv3.HttpConnectionManager)
		if f.GetTypedConfig().MessageIs(m) && f.GetTypedConfig().UnmarshalTo(m) == nil {
			return m.GetRds().GetRouteConfigName()
		}
	}
	return ""
}

// tlsOf returns what a transport socket has for both sides of TLS, or nil.
func tlsOf(s *corev3.TransportSocket) *tlsv3.CommonTlsContext {
	up, down := new(tlsv3.UpstreamTlsContext), new(tlsv3.DownstreamTlsContext)
	switch config := s.GetTypedConfig(); {
	case config.MessageIs(up) && config.UnmarshalTo(up) == nil:
		return up.GetCommonTlsContext()
	case config.MessageIs(down) && config.UnmarshalTo(down) == nil:
		return down.GetCommonTlsContext()
	}
	return nil
}

func addSecrets(names map[string]bool, s *corev3.TransportSocket) {
	common := tlsOf(s)
	for _, c := range common.GetTlsCertificateSdsSecretConfigs() {
		names[c.GetName()] = true
	}
	if name := common.GetCombinedValidationContext().GetValidationContextSdsSecretConfig().GetName(); name != "" {
		names[name] = true
	}
}

// ready returns the listeners that have their routes and secrets, in the order of their
// names.
func (r *resources) ready() []listener {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []listener
	for name, l := range r.listeners {
		for _, chain := range l.GetFilterChains() {
			route, secrets := routeOf(chain), map[string]bool{}
			addSecrets(secrets, chain.GetTransportSocket())
			missing := r.routes[route] == nil
			for secret := range secrets {
				missing = missing || r.secrets[secret] == nil
			}
			at := l.GetAddress().GetSocketAddress()
			addr, err := netip.ParseAddr(at.GetAddress())
			if missing || err != nil {
				continue
			}
			all = append(all, listener{name, netip.AddrPortFrom(addr, uint16(at.GetPortValue())), route, len(secrets) > 0})
		}
	}
	slices.SortFunc(all, func(a, b listener) int { return cmp.Compare(a.name, b.name) })
	return all
}
