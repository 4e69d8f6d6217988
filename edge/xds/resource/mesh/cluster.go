package mesh

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

const (
	ingressTimeout = 250 * time.Millisecond // to connect to the application
	egressTimeout  = time.Second
	// noLimit is the largest number of connections and requests, as App Mesh sets it.
	noLimit = math.MaxInt32
)

// cluster returns the cluster with a name, or nil.
func (v *view) cluster(in *resource.Input, name string) *resource.Message {
	switch {
	case strings.HasPrefix(name, ingressPrefix):
		return v.localCluster(in, name)
	case name == v.allowAllName(), name == v.amazonAWSName():
		return &resource.Message{Proto: outsideCluster(name)}
	}
	u := v.upstreamOf(in, name)
	if u == nil {
		return nil
	}
	return v.upstreamCluster(in, u)
}

// localCluster returns the cluster of the application behind a listener, or with which a
// gateway sends requests to itself.
func (v *view) localCluster(in *resource.Input, name string) *resource.Message {
	if spec := v.selfNode(in); spec != nil {
		for i := range spec.Listeners {
			l := &spec.Listeners[i]
			if v.ingressName(&l.PortMapping) != name {
				continue
			}
			c := staticCluster(name, netip.AddrPortFrom(v.applicationAddress(in), uint16(l.PortMapping.Port)))
			c.CircuitBreakers = circuitBreakers(l.ConnectionPool)
			c.TypedExtensionProtocolOptions = protocolOptions(l.PortMapping.Protocol)
			return &resource.Message{Proto: c}
		}
	}
	return v.redirectCluster(in, name)
}

// applicationAddress returns where the application listens.
func (v *view) applicationAddress(in *resource.Input) netip.Addr {
	if v.application.IsValid() {
		return v.application
	}
	switch v.preferenceOf(in, v.selfNode(in)) {
	case model.IPv6Only, model.IPv6Preferred:
		return netip.IPv6Loopback()
	}
	return loopback
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// staticCluster returns a cluster with one address of this machine.
func staticCluster(name string, addr netip.AddrPort) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name:                 name,
		ConnectTimeout:       durationpb.New(ingressTimeout),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC},
		LoadAssignment:       assignment(name, plain.SocketAddress(addr)),
	}
}

// assignment returns an assignment with one address.
func assignment(name string, addr *corev3.Address) *endpointv3.ClusterLoadAssignment {
	return &endpointv3.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{{
		Locality: &corev3.Locality{}, LoadBalancingWeight: wrapperspb.UInt32(1),
		LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: addr}}}},
	}}}
}

// outsideCluster returns the cluster that connects to where the application wanted to.
func outsideCluster(name string) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name:                 name,
		ConnectTimeout:       durationpb.New(egressTimeout),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_ORIGINAL_DST},
		LbPolicy:             clusterv3.Cluster_CLUSTER_PROVIDED,
		CircuitBreakers:      circuitBreakers(nil),
	}
}

// circuitBreakers returns the limits of a connection pool.
func circuitBreakers(p *model.ConnectionPool) *clusterv3.CircuitBreakers {
	t := &clusterv3.CircuitBreakers_Thresholds{
		MaxConnections: wrapperspb.UInt32(noLimit), MaxPendingRequests: wrapperspb.UInt32(noLimit),
		MaxRequests: wrapperspb.UInt32(noLimit), MaxRetries: wrapperspb.UInt32(noLimit),
	}
	switch {
	case p == nil:
	case p.HTTP != nil:
		t.MaxConnections = limit(p.HTTP.MaxConnections)
		t.MaxPendingRequests = limit(p.HTTP.MaxPendingRequests)
	case p.HTTP2 != nil:
		t.MaxRequests = limit(p.HTTP2.MaxRequests)
	case p.GRPC != nil:
		t.MaxRequests = limit(p.GRPC.MaxRequests)
	case p.TCP != nil:
		t.MaxConnections = limit(p.TCP.MaxConnections)
	}
	return &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{t}}
}

// limit returns a limit; 0 is none.
func limit(n int64) *wrapperspb.UInt32Value {
	if n <= 0 || n > noLimit {
		n = noLimit
	}
	return wrapperspb.UInt32(uint32(n))
}

// protocolOptions makes a proxy speak the protocol of a listener. It returns nil for TCP.
func protocolOptions(protocol string) map[string]*anypb.Any {
	config := &httpv3.HttpProtocolOptions_ExplicitHttpConfig{}
	switch protocol {
	case model.HTTP:
		config.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_HttpProtocolOptions{HttpProtocolOptions: &corev3.Http1ProtocolOptions{}}
	case model.HTTP2, model.GRPC:
		config.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{Http2ProtocolOptions: &corev3.Http2ProtocolOptions{}}
	default:
		return nil
	}
	return map[string]*anypb.Any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": plain.Pack(&httpv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: config},
	})}
}

// upstreamCluster returns the cluster of a listener of a virtual node.
func (v *view) upstreamCluster(in *resource.Input, u *upstream) *resource.Message {
	spec := u.node.Spec.(*model.VirtualNodeSpec)
	c := &clusterv3.Cluster{
		Name:                      u.name,
		ConnectTimeout:            durationpb.New(egressTimeout),
		LbPolicy:                  clusterv3.Cluster_ROUND_ROBIN,
		CircuitBreakers:           circuitBreakers(nil),
		IgnoreHealthOnHostRemoval: true,
		OutlierDetection:          v.outlierDetection(u.listener.OutlierDetection),
	}
	m := &resource.Message{Proto: c}
	if !v.grpc {
		c.TypedExtensionProtocolOptions = protocolOptions(u.listener.PortMapping.Protocol)
		c.HealthChecks = healthChecks(u.listener, spec.HostName())
	}
	if len(c.HealthChecks) == 0 {
		// If no instance is healthy, the endpoints have all. A proxy that used unhealthy
		// hosts by itself would also use those that leave.
		c.CommonLbConfig = &clusterv3.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{}}
	}
	switch d := spec.ServiceDiscovery; {
	case d != nil && d.CloudMap != nil:
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}
		c.EdsClusterConfig = &clusterv3.Cluster_EdsClusterConfig{EdsConfig: plain.ADS()}
		m.Refs = append(m.Refs, resource.Ref{Type: resource.Endpoints, Name: u.name})
	case d != nil && d.DNS != nil:
		v.resolve(in, c, spec, u.listener.PortMapping.Port)
	default:
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}
		c.LoadAssignment = &endpointv3.ClusterLoadAssignment{ClusterName: u.name}
	}
	v.secureUpstream(in, c, m, u)
	return m
}

// resolve makes a cluster find its hosts by a name of the DNS.
func (v *view) resolve(in *resource.Input, c *clusterv3.Cluster, spec *model.VirtualNodeSpec, port int64) {
	d := spec.ServiceDiscovery.DNS
	kind := clusterv3.Cluster_LOGICAL_DNS
	if d.ResponseType == model.ResponseEndpoints && !v.grpc { // gRPC rejects the other
		kind = clusterv3.Cluster_STRICT_DNS
	}
	c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: kind}
	host := d.Hostname
	if _, err := netip.ParseAddr(host); err != nil && !v.grpc {
		host = strings.TrimSuffix(host, ".") + "." // no search path
	}
	c.LoadAssignment = assignment(c.Name, &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(port)},
	}}})
	switch v.preferenceOf(in, spec) {
	case model.IPv4Preferred:
		c.DnsLookupFamily = clusterv3.Cluster_V4_PREFERRED
	case model.IPv4Only:
		c.DnsLookupFamily = clusterv3.Cluster_V4_ONLY
	case model.IPv6Only:
		c.DnsLookupFamily = clusterv3.Cluster_V6_ONLY
	}
}

// preferenceOf returns which addresses of a node are used: that of the node, or else that
// of the mesh; empty if neither says it.
func (v *view) preferenceOf(in *resource.Input, spec *model.VirtualNodeSpec) string {
	if spec != nil && spec.ServiceDiscovery != nil {
		switch d := spec.ServiceDiscovery; {
		case d.CloudMap != nil && d.CloudMap.IPPreference != "":
			return d.CloudMap.IPPreference
		case d.DNS != nil && d.DNS.IPPreference != "":
			return d.DNS.IPPreference
		}
	}
	if d := v.meshSpec(in).ServiceDiscovery; d != nil {
		return d.IPPreference
	}
	return ""
}

// outlierDetection returns when a host is ejected. gRPC knows other rules than Envoy: of
// a host that has served a hundred calls, all that fail.
func (v *view) outlierDetection(o *model.OutlierDetection) *clusterv3.OutlierDetection {
	if o == nil {
		return nil
	}
	base := millis(&o.BaseEjectionDuration, time.Millisecond)
	out := &clusterv3.OutlierDetection{
		Interval:           durationpb.New(millis(&o.Interval, time.Millisecond)),
		BaseEjectionTime:   durationpb.New(base),
		MaxEjectionTime:    durationpb.New(max(base, 300*time.Second)),
		MaxEjectionPercent: wrapperspb.UInt32(uint32(min(max(o.MaxEjectionPercent, 0), 100))),
	}
	if v.grpc {
		out.EnforcingSuccessRate = wrapperspb.UInt32(0)
		out.FailurePercentageThreshold = wrapperspb.UInt32(50)
		out.EnforcingFailurePercentage = wrapperspb.UInt32(100)
		out.FailurePercentageMinimumHosts = wrapperspb.UInt32(2)
		out.FailurePercentageRequestVolume = wrapperspb.UInt32(uint32(min(max(o.MaxServerErrors, 1), math.MaxInt32)))
		return out
	}
	out.Consecutive_5Xx = wrapperspb.UInt32(uint32(min(max(o.MaxServerErrors, 1), math.MaxInt32)))
	out.EnforcingSuccessRate = wrapperspb.UInt32(0)
	out.AlwaysEjectOneHost = wrapperspb.Bool(true)
	return out
}

// millis returns a duration that is at least as long as another one.
func millis(d *model.Duration, least time.Duration) time.Duration {
	return max(time.Duration(d.Millis())*time.Millisecond, least)
}

// healthChecks returns how a client checks the hosts of a listener.
func healthChecks(l *model.Listener, host string) []*corev3.HealthCheck {
	h := l.HealthCheck
	if h == nil {
		return nil
	}
	check := &corev3.HealthCheck{
		Timeout:            durationpb.New(time.Duration(max(h.TimeoutMillis, 1)) * time.Millisecond),
		Interval:           durationpb.New(time.Duration(max(h.IntervalMillis, 1)) * time.Millisecond),
		HealthyThreshold:   wrapperspb.UInt32(uint32(max(h.HealthyThreshold, 1))),
		UnhealthyThreshold: wrapperspb.UInt32(uint32(max(h.UnhealthyThreshold, 1))),
	}
	switch h.Protocol {
	case model.HTTP, model.HTTP2:
		http := &corev3.HealthCheck_HttpHealthCheck{Path: "/"}
		if host != "" {
			http.Host = fmt.Sprintf("%s:%d", host, l.PortMapping.Port)
		}
		if h.Path != nil && *h.Path != "" {
			http.Path = *h.Path
		}
		if h.Protocol == model.HTTP2 {
			http.CodecClientType = typev3.CodecClientType_HTTP2
		}
		check.HealthChecker = &corev3.HealthCheck_HttpHealthCheck_{HttpHealthCheck: http}
	case model.GRPC:
		check.HealthChecker = &corev3.HealthCheck_GrpcHealthCheck_{GrpcHealthCheck: &corev3.HealthCheck_GrpcHealthCheck{}}
	default:
		check.HealthChecker = &corev3.HealthCheck_TcpHealthCheck_{TcpHealthCheck: &corev3.HealthCheck_TcpHealthCheck{}}
	}
	return []*corev3.HealthCheck{check}
}
