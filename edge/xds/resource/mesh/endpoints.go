package mesh

import (
	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
)

// endpoints returns the endpoints of a cluster of a virtual node that is found by Cloud
// Map, or nil. They are the same for all proxies of the mesh.
func (v *view) endpoints(in *resource.Input, name string) *resource.Message {
	node, protocol, port, ok := v.parseEgress(name)
	if !ok {
		return nil
	}
	r, spec := v.node(in, node)
	l := listenerOf(spec, port)
	if port == 0 || l == nil || l.PortMapping.Protocol != protocol || spec.ServiceDiscovery == nil || spec.ServiceDiscovery.CloudMap == nil {
		return nil
	}
	d := spec.ServiceDiscovery.CloudMap
	svc, ok := plain.Find(in, r.Account, d.NamespaceName, d.ServiceName)
	if !ok {
		return &resource.Message{Proto: &endpointv3.ClusterLoadAssignment{ClusterName: name}}
	}
	o := plain.EndpointOptions{
		Port: uint16(port), Region: v.region, Family: families[v.preferenceOf(in, spec)],
		// The port of an instance is that of the first listener.
		OwnPort: port != spec.Listeners[0].PortMapping.Port,
	}
	for _, a := range d.Attributes {
		if o.Where == nil {
			o.Where = map[string]string{}
		}
		o.Where[a.Key] = a.Value
	}
	return &resource.Message{Proto: plain.Endpoints(in, svc, name, o)}
}

// families has the addresses of an instance that are used, by preference.
var families = map[string]plain.Family{
	"":                  plain.IPv4Preferred,
	model.IPv4Preferred: plain.IPv4Preferred,
	model.IPv6Preferred: plain.IPv6Preferred,
	model.IPv4Only:      plain.IPv4Only,
	model.IPv6Only:      plain.IPv6Only,
}
