package plain

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	aggregatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/aggregate/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

const connectTimeout = time.Second

// clusterOf returns the cluster of a service. Its endpoints come by EDS. A service whose
// instances are host names has a cluster that resolves the name, or if there are
// several, an aggregate of such clusters.
func clusterOf(in *resource.Input, svc *registry.Service, text string, n name) *resource.Message {
	in.Use(resource.InstancesOf(svc.ID))
	hosts := hostsOf(svc, &n)
	switch {
	case len(hosts) == 0:
		return edsCluster(text)
	case len(hosts) == 1:
		return &resource.Message{Proto: hostCluster(text, hosts[0])}
	}
	return aggregate(text, n, hosts)
}

// edsCluster returns a cluster whose endpoints have the same name.
func edsCluster(text string) *resource.Message {
	c := newCluster(text)
	c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}
	c.EdsClusterConfig = &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ADS()}
	return &resource.Message{Proto: c, Refs: []resource.Ref{{Type: resource.Endpoints, Name: text}}}
}

// newCluster returns what all clusters have in common.
func newCluster(text string) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name:           text,
		ConnectTimeout: durationpb.New(connectTimeout),
		LbPolicy:       clusterv3.Cluster_ROUND_ROBIN,
		// Endpoints has all instances if none is healthy. A proxy that used unhealthy
		// hosts by itself would also use those that leave.
		CommonLbConfig:                &clusterv3.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{}},
		IgnoreHealthOnHostRemoval:     true,
		TypedExtensionProtocolOptions: protocolOptions(),
	}
}

// protocolOptions makes a proxy use the protocol of its own client for the instances:
// HTTP/1.1 or HTTP/2.
func protocolOptions() map[string]*anypb.Any {
	options := &httpv3.HttpProtocolOptions{UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_UseDownstreamProtocolConfig{
		UseDownstreamProtocolConfig: &httpv3.HttpProtocolOptions_UseDownstreamHttpConfig{
			HttpProtocolOptions: &corev3.Http1ProtocolOptions{}, Http2ProtocolOptions: &corev3.Http2ProtocolOptions{},
		},
	}}
	return map[string]*anypb.Any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": Pack(options)}
}

// ADS returns the source of resources that come on the same stream.
func ADS() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
		ResourceApiVersion:    corev3.ApiVersion_V3,
	}
}

// host is an instance that is a host name.
type host struct {
	id   string
	name string
	port uint16
}

// hostsOf returns the host names of a service without addresses, in the order of the
// ids of the instances; the healthy ones, or all if none is healthy.
func hostsOf(svc *registry.Service, n *name) []host {
	checked := svc.HasHealth()
	var healthy, all []host
	for _, inst := range svc.Instances("") {
		h := host{id: string(inst.ID()), port: n.port}
		address := false
		for key, value := range inst.Attributes().All() {
			switch key {
			case registry.AttrIPv4, registry.AttrIPv6:
				address = true
			case registry.AttrCNAME, registry.AttrAliasDNSName:
				h.name = strings.TrimSuffix(value, ".")
			case registry.AttrPort:
				if p, err := strconv.ParseUint(value, 10, 16); err == nil && p > 0 {
					h.port = uint16(p)
				}
			}
		}
		if address {
			return nil
		}
		if h.name == "" || h.port == 0 || !n.matches(inst) {
			continue
		}
		all = append(all, h)
		if status := inst.HealthIn(checked); status == registry.Healthy || status == registry.Unknown && !checked {
			healthy = append(healthy, h)
		}
	}
	if len(healthy) > 0 {
		return healthy
	}
	return all
}

// hostCluster returns a cluster that resolves a host name.
func hostCluster(text string, h host) *clusterv3.Cluster {
	c := newCluster(text)
	c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_LOGICAL_DNS}
	c.LoadAssignment = &endpointv3.ClusterLoadAssignment{ClusterName: text, Endpoints: []*endpointv3.LocalityLbEndpoints{{
		Locality:            &corev3.Locality{},
		LoadBalancingWeight: wrapperspb.UInt32(1),
		LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{
			Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
				Address: h.name, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(h.port)},
			}}},
		}}}},
	}}}
	if addr, err := netip.ParseAddr(h.name); err == nil && addr.Is6() {
		c.DnsLookupFamily = clusterv3.Cluster_V6_ONLY
	}
	return c
}

// aggregate returns a cluster of the clusters of several hosts. A client uses the next
// one when it cannot reach the first.
func aggregate(text string, n name, hosts []host) *resource.Message {
	config := &aggregatev3.ClusterConfig{}
	var refs []resource.Ref
	for _, h := range hosts {
		n.instance = h.id
		config.Clusters = append(config.Clusters, n.String())
		refs = append(refs, resource.Ref{Type: resource.Cluster, Name: n.String()})
	}
	c := newCluster(text)
	c.TypedExtensionProtocolOptions = nil
	c.LbPolicy = clusterv3.Cluster_CLUSTER_PROVIDED
	c.ClusterDiscoveryType = &clusterv3.Cluster_ClusterType{ClusterType: &clusterv3.Cluster_CustomClusterType{
		Name: "envoy.clusters.aggregate", TypedConfig: Pack(config),
	}}
	return &resource.Message{Proto: c, Refs: refs}
}

// Pack returns a message as Any. Messages that are made here can always be encoded.
func Pack(m proto.Message) *anypb.Any {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()), Value: value}
}
