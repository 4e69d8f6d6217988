package mesh

import (
	"slices"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// Scope implements resource.View. All proxies of a mesh share the endpoints; all proxies
// of one virtual node or gateway share the rest.
func (v *view) Scope(t resource.Type, name string) string {
	if t == resource.Endpoints {
		return v.mesh.ID()
	}
	return v.own
}

// Names implements resource.View.
func (v *view) Names(in *resource.Input, t resource.Type) []string {
	switch t {
	case resource.Cluster:
		return v.clusterNames(in)
	case resource.Listener:
		return v.listenerNames(in)
	}
	return nil
}

// Make implements resource.View.
func (v *view) Make(in *resource.Input, t resource.Type, name string) *resource.Message {
	switch t {
	case resource.Cluster:
		return v.cluster(in, name)
	case resource.Endpoints:
		return v.endpoints(in, name)
	case resource.Listener:
		return v.listener(in, name)
	case resource.Route:
		return v.routes(in, name)
	case resource.Secret:
		return v.secret(in, name)
	}
	return nil
}

// listeners returns the listeners of the virtual node or gateway of the proxy.
func (v *view) listeners(in *resource.Input) []model.Listener {
	if spec := v.selfNode(in); spec != nil {
		return spec.Listeners
	}
	if spec := v.selfGateway(in); spec != nil {
		return spec.Listeners
	}
	return nil
}

// clusterNames returns the names of all clusters of a proxy.
func (v *view) clusterNames(in *resource.Input) []string {
	names := v.newPlan(in).names
	names = append(names, v.redirects(in)...)
	if node := v.selfNode(in); node != nil {
		for i := range node.Listeners {
			names = append(names, v.ingressName(&node.Listeners[i].PortMapping))
		}
		if !v.listen.IsValid() {
			names = append(names, v.outsideName(in))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// outsideName returns the name of the cluster of what is not in the mesh.
func (v *view) outsideName(in *resource.Input) string {
	if v.allowsAll(in) {
		return v.allowAllName()
	}
	return v.amazonAWSName()
}

// allowsAll reports whether the egress filter of the mesh lets everything through.
func (v *view) allowsAll(in *resource.Input) bool {
	filter := v.meshSpec(in).EgressFilter
	return filter != nil && filter.Type == model.AllowAll
}
