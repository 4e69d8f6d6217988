package plain

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// ownPrefix is the prefix of the listeners that serve one service each.
const ownPrefix = "cairn_outbound_"

// listeners returns the names of the listeners of a proxy.
func (v *view) listeners() []string {
	var names []string
	if v.settings.hasOutbound() {
		names = append(names, v.settings.outbound())
	}
	for _, one := range v.settings.services {
		if one.listen != "" {
			names = append(names, one.listenerName())
		}
	}
	return names
}

// listenerName says everything that the listener depends on, so that all proxies with
// this name share it.
func (s *service) listenerName() string {
	kind := "http"
	if s.tcp {
		kind = "tcp"
	}
	return ownPrefix + kind + "_" + s.listen + "_" + s.name
}

// services returns the names of the services of a proxy that exist, in order.
func (v *view) services(in *resource.Input) []string {
	var names []string
	for _, one := range v.settings.services {
		names = append(names, v.expand(in, one)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// expand returns the names of the services of an entry of the list.
func (v *view) expand(in *resource.Input, one service) []string {
	text, all := strings.CutPrefix(one.name, "*.")
	if !all {
		n, ok := parseName(one.name)
		if !ok {
			return nil
		}
		if _, ok := resolve(in, v.account, n.host); !ok {
			return nil
		}
		return []string{n.String()}
	}
	ns, ok := findNamespace(in, v.account, text)
	if !ok {
		return nil
	}
	in.Use(resource.ServicesOf(ns.ID))
	var names []string
	for _, svc := range ns.ServicesNamed("") {
		if n, ok := parseName(svc.Name + "." + text); ok {
			names = append(names, n.String())
		}
	}
	return names
}

// makeOwn returns the listeners and the route of a proxy, or nil.
func (v *view) makeOwn(in *resource.Input, t resource.Type, text string) *resource.Message {
	outbound := v.settings.outbound()
	switch {
	case t == resource.Listener && text == outbound && v.settings.hasOutbound():
		return v.outboundListener()
	case t == resource.Route && text == outbound && v.settings.hasOutbound():
		return &resource.Message{Proto: v.outboundRoutes(in)}
	case t == resource.Listener && strings.HasPrefix(text, ownPrefix):
		return ownListener(text)
	}
	return nil
}

func (v *view) outboundListener() *resource.Message {
	name := v.settings.outbound()
	manager := connectionManager("outbound", nil)
	manager.RouteSpecifier = &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: name, ConfigSource: ADS()}}
	manager.UpgradeConfigs = []*hcmv3.HttpConnectionManager_UpgradeConfig{{UpgradeType: "websocket"}}
	return &resource.Message{
		Proto: proxyListener(name, v.settings.listen, "envoy.filters.network.http_connection_manager", &listenerv3.Filter_TypedConfig{TypedConfig: Pack(manager)}),
		Refs:  []resource.Ref{{Type: resource.Route, Name: name}},
	}
}

// outboundRoutes returns a virtual host for each service that has no listener of its
// own.
func (v *view) outboundRoutes(in *resource.Input) *routev3.RouteConfiguration {
	config := &routev3.RouteConfiguration{Name: v.settings.outbound(), ValidateClusters: wrapperspb.Bool(false)}
	var names []string
	for _, one := range v.settings.services {
		if one.listen == "" {
			names = append(names, v.expand(in, one)...)
		}
	}
	slices.Sort(names)
	used := map[string]bool{}
	for _, text := range slices.Compact(names) {
		if host := virtualHost(text, used); host != nil {
			config.VirtualHosts = append(config.VirtualHosts, host)
		}
	}
	return config
}

// virtualHost returns the virtual host of a service. Proxies reject a domain that two
// hosts have; used has those taken.
func virtualHost(text string, used map[string]bool) *routev3.VirtualHost {
	n, _ := parseName(text)
	host := strings.ToLower(n.host)
	wanted := []string{host, host + ":*"}
	if n.port != 0 {
		wanted = []string{strings.ToLower(name{host: n.host, port: n.port}.String())}
	}
	if len(n.filter) > 0 {
		wanted = []string{strings.ToLower(text)}
	}
	var domains []string
	for _, d := range wanted {
		if !used[d] {
			used[d] = true
			domains = append(domains, d)
		}
	}
	if len(domains) == 0 {
		return nil
	}
	return &routev3.VirtualHost{Name: text, Domains: domains, Routes: []*routev3.Route{proxyRoute(text)}}
}

// proxyRoute sends everything to a cluster. It repeats requests that no instance has
// begun to process.
func proxyRoute(cluster string) *routev3.Route {
	return &routev3.Route{
		Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{
			ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster},
			Timeout:          durationpb.New(0), // the client decides
			RetryPolicy: &routev3.RetryPolicy{
				RetryOn:                       "connect-failure,refused-stream,reset-before-request",
				NumRetries:                    wrapperspb.UInt32(3),
				HostSelectionRetryMaxAttempts: 5,
				RetryBackOff:                  &routev3.RetryPolicy_RetryBackOff{BaseInterval: durationpb.New(10 * time.Millisecond)},
			},
		}},
	}
}

// ownListener returns the listener with a name of listenerName.
func ownListener(text string) *resource.Message {
	rest := strings.TrimPrefix(text, ownPrefix)
	kind, rest, ok := strings.Cut(rest, "_")
	listen, cluster, ok2 := strings.Cut(rest, "_")
	n, ok3 := parseName(cluster)
	_, err := netip.ParseAddrPort(listen)
	if !ok || !ok2 || !ok3 || err != nil {
		return nil
	}
	cluster = n.String()
	refs := []resource.Ref{{Type: resource.Cluster, Name: cluster}}
	if kind == "tcp" {
		proxy := &tcpv3.TcpProxy{StatPrefix: "outbound", ClusterSpecifier: &tcpv3.TcpProxy_Cluster{Cluster: cluster}}
		return &resource.Message{Proto: proxyListener(text, listen, "envoy.filters.network.tcp_proxy", &listenerv3.Filter_TypedConfig{TypedConfig: Pack(proxy)}), Refs: refs}
	}
	manager := connectionManager("outbound", &routev3.RouteConfiguration{
		Name: text, ValidateClusters: wrapperspb.Bool(false),
		VirtualHosts: []*routev3.VirtualHost{{Name: cluster, Domains: []string{"*"}, Routes: []*routev3.Route{proxyRoute(cluster)}}},
	})
	return &resource.Message{Proto: proxyListener(text, listen, "envoy.filters.network.http_connection_manager", &listenerv3.Filter_TypedConfig{TypedConfig: Pack(manager)}), Refs: refs}
}

// proxyListener returns a listener with one filter.
func proxyListener(name, listen, filter string, config *listenerv3.Filter_TypedConfig) *listenerv3.Listener {
	addr, _ := netip.ParseAddrPort(listen) // settingsOf has checked it
	return &listenerv3.Listener{
		Name: name, Address: SocketAddress(addr), TrafficDirection: corev3.TrafficDirection_OUTBOUND,
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{Name: filter, ConfigType: config}}}},
	}
}
