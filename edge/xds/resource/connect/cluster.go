package connect

import (
	"net/netip"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

const connectTimeout = time.Second

// clusterName returns the name of the cluster of a target: DISCOVERY-NAME.NAMESPACE.
func (v *view) clusterName(t *task.ConnectTarget) string {
	return t.DiscoveryName + "." + v.owner.Name
}

// upstreamCluster returns the cluster of another service. Its endpoints have the same name.
func upstreamCluster(name string, t *task.ConnectTarget) *resource.Message {
	c := &clusterv3.Cluster{
		Name:                 name,
		ConnectTimeout:       durationpb.New(connectTimeout),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:     &clusterv3.Cluster_EdsClusterConfig{EdsConfig: plain.ADS()},
		LbPolicy:             clusterv3.Cluster_ROUND_ROBIN,
		OutlierDetection:     outlierDetection(),
		// The endpoints have all instances if none is healthy. A proxy that used unhealthy
		// hosts by itself would also use those that leave.
		CommonLbConfig:                &clusterv3.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{}},
		IgnoreHealthOnHostRemoval:     true,
		TypedExtensionProtocolOptions: protocolOptions(t),
	}
	return &resource.Message{Proto: c, Refs: []resource.Ref{{Type: resource.Endpoints, Name: name}}}
}

// outlierDetection avoids hosts as ECS documents it: after five failures, for 30 to 300
// seconds. Half of the hosts stay in any case.
func outlierDetection() *clusterv3.OutlierDetection {
	return &clusterv3.OutlierDetection{
		Consecutive_5Xx:                    wrapperspb.UInt32(5),
		ConsecutiveGatewayFailure:          wrapperspb.UInt32(5),
		EnforcingConsecutiveGatewayFailure: wrapperspb.UInt32(100),
		EnforcingSuccessRate:               wrapperspb.UInt32(0),
		Interval:                           durationpb.New(30 * time.Second),
		BaseEjectionTime:                   durationpb.New(30 * time.Second),
		MaxEjectionTime:                    durationpb.New(300 * time.Second),
		MaxEjectionPercent:                 wrapperspb.UInt32(50),
	}
}

// localCluster returns the cluster of a port of the own task.
func localCluster(s *task.ConnectServed) *resource.Message {
	name := ingressName(s.PortName)
	address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.Port)
	return &resource.Message{Proto: &clusterv3.Cluster{
		Name:                 name,
		ConnectTimeout:       durationpb.New(connectTimeout),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC},
		LoadAssignment: &endpointv3.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{{
			LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{
				Endpoint: &endpointv3.Endpoint{Address: plain.SocketAddress(address)},
			}}},
		}}},
		TypedExtensionProtocolOptions: protocolOptions(&s.ConnectTarget),
	}}
}

// protocolOptions makes a proxy speak the appProtocol of a port. It returns nil for TCP.
func protocolOptions(t *task.ConnectTarget) map[string]*anypb.Any {
	config := &httpv3.HttpProtocolOptions_ExplicitHttpConfig{}
	switch t.Protocol {
	case "":
		return nil
	case "http":
		config.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_HttpProtocolOptions{HttpProtocolOptions: &corev3.Http1ProtocolOptions{}}
	default:
		config.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{Http2ProtocolOptions: &corev3.Http2ProtocolOptions{}}
	}
	return map[string]*anypb.Any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": plain.Pack(&httpv3.HttpProtocolOptions{
		CommonHttpProtocolOptions: &corev3.HttpProtocolOptions{IdleTimeout: seconds(t.IdleTimeout)},
		UpstreamProtocolOptions:   &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: config},
	})}
}

// seconds returns a time limit; 0 is none.
func seconds(n int64) *durationpb.Duration { return durationpb.New(time.Duration(n) * time.Second) }
