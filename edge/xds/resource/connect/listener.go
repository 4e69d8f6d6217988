package connect

import (
	"fmt"
	"net/netip"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	previousv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

func ingressName(portName string) string { return "ingress_" + portName }

func egressName(e *task.ConnectEndpoint) string { return fmt.Sprintf("egress_%s_%d", e.Name, e.Port) }

// listener returns the listener with a name, or nil.
func (v *view) listener(in *resource.Input, name string) *resource.Message {
	if s := v.servedBy(name); s != nil {
		return v.ingress(s)
	}
	if name == egressAll && v.settings.Egress != 0 {
		return v.redirected()
	}
	for _, e := range v.known(in) {
		if egressName(&e) == name {
			return v.egress(&e)
		}
	}
	return nil
}

// ingress returns the listener for what is sent to a port of the task.
func (v *view) ingress(s *task.ConnectServed) *resource.Message {
	port := v.settings.Ingress[s.PortName]
	if port == 0 {
		return nil
	}
	name := ingressName(s.PortName)
	filter := v.filter(&s.ConnectTarget, name, name, nil)
	address := plain.SocketAddress(netip.AddrPortFrom(netip.IPv4Unspecified(), port))
	if v.ipv6 {
		address = plain.SocketAddress(netip.AddrPortFrom(netip.IPv6Unspecified(), port))
		address.GetSocketAddress().Ipv4Compat = true
	}
	l := &listenerv3.Listener{
		Name: name, Address: address, TrafficDirection: corev3.TrafficDirection_INBOUND,
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{filter}}},
	}
	return &resource.Message{Proto: l, Refs: []resource.Ref{{Type: resource.Cluster, Name: name}}}
}

// egressAll is the name of the listener that all connections to client aliases are led to.
const egressAll = "egress"

// redirected returns that listener. It gives each connection to the listener of its address
// and port, which is bound to none; those to others end.
func (v *view) redirected() *resource.Message {
	address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), v.settings.Egress)
	return &resource.Message{Proto: &listenerv3.Listener{
		Name: egressAll, Address: plain.SocketAddress(address), TrafficDirection: corev3.TrafficDirection_OUTBOUND,
		UseOriginalDst: wrapperspb.Bool(true), FilterChains: []*listenerv3.FilterChain{{}},
	}}
}

// egress returns the listener of a client alias.
func (v *view) egress(e *task.ConnectEndpoint) *resource.Message {
	address, err := netip.ParseAddr(v.settings.Hosts[e.Name])
	if err != nil {
		return nil
	}
	name, cluster := egressName(e), v.clusterName(&e.ConnectTarget)
	return &resource.Message{
		Proto: &listenerv3.Listener{
			Name: name, Address: plain.SocketAddress(netip.AddrPortFrom(address, e.Port)), TrafficDirection: corev3.TrafficDirection_OUTBOUND,
			BindToPort:   wrapperspb.Bool(false),
			FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{v.filter(&e.ConnectTarget, name, cluster, retryPolicy())}}},
		},
		Refs: []resource.Ref{{Type: resource.Cluster, Name: cluster}},
	}
}

// attempts is how often a proxy tries to connect, or to send a request: ECS documents two
// retries.
const attempts = 3

// filter returns the filter that sends all of a listener to a cluster. Without a retry policy
// the cluster is the own task.
func (v *view) filter(t *task.ConnectTarget, name, cluster string, retries *routev3.RetryPolicy) *listenerv3.Filter {
	if t.Protocol == "" {
		config := &tcpv3.TcpProxy{
			StatPrefix: name, ClusterSpecifier: &tcpv3.TcpProxy_Cluster{Cluster: cluster},
			IdleTimeout: seconds(t.IdleTimeout), AccessLog: v.accessLogs(tcpFormat),
		}
		if retries != nil {
			config.MaxConnectAttempts = wrapperspb.UInt32(attempts)
		}
		return filterOf("envoy.filters.network.tcp_proxy", config)
	}
	route := &routev3.RouteConfiguration{
		Name: name, ValidateClusters: wrapperspb.Bool(false),
		VirtualHosts: []*routev3.VirtualHost{{Name: cluster, Domains: []string{"*"}, Routes: []*routev3.Route{{
			Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
			Action: &routev3.Route_Route{Route: &routev3.RouteAction{
				ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster},
				Timeout:          seconds(t.RequestTimeout), IdleTimeout: seconds(t.IdleTimeout), RetryPolicy: retries,
			}},
		}}}},
	}
	config := &hcmv3.HttpConnectionManager{
		StatPrefix:                name,
		RouteSpecifier:            &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: route},
		CommonHttpProtocolOptions: &corev3.HttpProtocolOptions{IdleTimeout: seconds(t.IdleTimeout)},
		StreamIdleTimeout:         seconds(t.IdleTimeout),
		UpgradeConfigs:            []*hcmv3.HttpConnectionManager_UpgradeConfig{{UpgradeType: "websocket"}},
		AccessLog:                 v.accessLogs(httpFormat),
		HttpFilters: []*hcmv3.HttpFilter{{
			Name: "envoy.filters.http.router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: plain.Pack(&routerv3.Router{})},
		}},
	}
	if retries != nil {
		route.ResponseHeadersToRemove = []string{unprocessed}
	} else {
		config.LocalReplyConfig = localReplies()
	}
	return filterOf("envoy.filters.network.http_connection_manager", config)
}

func filterOf(name string, config proto.Message) *listenerv3.Filter {
	return &listenerv3.Filter{Name: name, ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: plain.Pack(config)}}
}

// unprocessed is a header of answers of the proxy of a task. It says that the task has not
// got the request, because nothing has accepted a connection. Another task can have it.
const unprocessed = "x-cairn-unprocessed"

// localReplies adds the header to what a proxy answers by itself.
func localReplies() *hcmv3.LocalReplyConfig {
	return &hcmv3.LocalReplyConfig{Mappers: []*hcmv3.ResponseMapper{{
		Filter: &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_ResponseFlagFilter{
			ResponseFlagFilter: &accesslogv3.ResponseFlagFilter{Flags: []string{"UF"}},
		}},
		HeadersToAdd: []*corev3.HeaderValueOption{{
			Header: &corev3.HeaderValue{Key: unprocessed, Value: "1"}, AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		}},
	}}}
}

// retryPolicy repeats requests that no task has begun to process, with another task.
func retryPolicy() *routev3.RetryPolicy {
	return &routev3.RetryPolicy{
		RetryOn:                       "connect-failure,refused-stream,reset-before-request,retriable-headers",
		NumRetries:                    wrapperspb.UInt32(attempts - 1),
		HostSelectionRetryMaxAttempts: 5,
		RetryHostPredicate: []*routev3.RetryPolicy_RetryHostPredicate{{
			Name:       "envoy.retry_host_predicates.previous_hosts",
			ConfigType: &routev3.RetryPolicy_RetryHostPredicate_TypedConfig{TypedConfig: plain.Pack(&previousv3.PreviousHostsPredicate{})},
		}},
		RetriableHeaders: []*routev3.HeaderMatcher{{Name: unprocessed, HeaderMatchSpecifier: &routev3.HeaderMatcher_PresentMatch{PresentMatch: true}}},
		RetryBackOff:     &routev3.RetryPolicy_RetryBackOff{BaseInterval: durationpb.New(10 * time.Millisecond)},
	}
}
