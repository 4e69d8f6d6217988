package mesh

import (
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// fit checks a spec together with the resources that it names and that it is in. Each
// error names both sides.
//
// A stored resource is not checked when a resource that it names changes, with one
// exception: the routes of a virtual router must fit its listeners. Otherwise two resources
// that have to change together could never be changed.
func (s *State) fit(r Ref, spec Spec) error {
	if err := s.targetsExist(r, spec); err != nil {
		return err
	}
	switch spec := spec.(type) {
	case *VirtualRouterSpec:
		return s.fitRoutes(r, spec)
	case *RouteSpec:
		return s.fitRoute(r, spec)
	case *GatewayRouteSpec:
		return s.fitGatewayRoute(r, spec)
	}
	return nil
}

// targetsExist checks that what a spec names exists. Backends may name services that do not
// exist yet: the controller for Kubernetes needs this where nodes are backends of each
// other.
func (s *State) targetsExist(r Ref, spec Spec) error {
	if r.Kind == KindVirtualNode {
		return nil
	}
	var err error
	spec.references(func(k Kind, name string) bool {
		target := Ref{Owner: r.Owner, Mesh: r.Mesh, Kind: k, Name: name}
		if _, ok := s.Get(target); !ok {
			err = command.Invalid("%s with name %s is not present under mesh %s: a %s can only name one that exists", k, name, r.Mesh, r.Kind)
		}
		return err == nil
	})
	return err
}

// fitRoutes checks that the routes of a router fit its listeners.
func (s *State) fitRoutes(r Ref, spec *VirtualRouterSpec) error {
	for route := range s.In(r, KindRoute, "") {
		m := route.Spec.(*RouteSpec)
		if len(spec.Listeners) > 1 && m.Port() == 0 {
			return command.Invalid("All Routes for this Virtual Router must define a port match criteria if the Virtual Router has multiple listeners: route %s does not", route.Ref.Name)
		}
		if l := listenerFor(spec, m.Port()); l != nil && l.PortMapping.Protocol != m.Protocol() {
			return command.Invalid("Virtual router %s cannot have the protocol %s on port %d: its route %s has the protocol %s", r.Name, l.PortMapping.Protocol, l.PortMapping.Port, route.Ref.Name, m.Protocol())
		}
	}
	return nil
}

// listenerFor returns the listener of a router that a route with a port belongs to, or nil.
func listenerFor(spec *VirtualRouterSpec, port int64) *RouterListener {
	for i := range spec.Listeners {
		if port == 0 || spec.Listeners[i].PortMapping.Port == port {
			return &spec.Listeners[i]
		}
	}
	return nil
}

func (s *State) fitRoute(r Ref, m *RouteSpec) error {
	parent, ok := s.Get(r.ParentRef())
	if !ok {
		return nil // Create has looked for it
	}
	router := parent.Spec.(*VirtualRouterSpec)
	if len(router.Listeners) > 1 && m.Port() == 0 {
		return command.Invalid("Route must define a port match criteria if the Virtual Router has multiple listeners")
	}
	l := listenerFor(router, m.Port())
	switch {
	case l == nil && len(router.Listeners) > 0:
		return command.Invalid("The route matches port %d, and virtual router %s has no listener on it", m.Port(), r.Parent)
	case l != nil && l.PortMapping.Protocol != m.Protocol():
		return command.Invalid("The route has the protocol %s, and virtual router %s has the protocol %s on port %d", m.Protocol(), r.Parent, l.PortMapping.Protocol, l.PortMapping.Port)
	}
	for _, t := range m.Targets() {
		if err := s.fitTarget(r, m.Protocol(), t); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) fitTarget(r Ref, protocol string, t WeightedTarget) error {
	target, _ := s.Get(NodeRef(r.Owner, r.Mesh, t.VirtualNode))
	what := "virtual node " + t.VirtualNode
	listeners := portsOf(target.Spec.(*VirtualNodeSpec).Listeners)
	if err := fitPort(what, t.Port, listeners); err != nil {
		return err
	}
	for _, l := range listeners {
		// Only HTTP and TCP cannot be distinguished by what is sent.
		if (t.Port == 0 || t.Port == l.Port) && (l.Protocol == TCP) != (protocol == TCP) {
			return command.Invalid("The route has the protocol %s, and its target %s has the protocol %s on port %d", protocol, what, l.Protocol, l.Port)
		}
	}
	return nil
}

func portsOf(listeners []Listener) []PortMapping {
	var ports []PortMapping
	for _, l := range listeners {
		ports = append(ports, l.PortMapping)
	}
	return ports
}

// fitPort checks the port of a target. A target without a listener has every port.
func fitPort(what string, port int64, listeners []PortMapping) error {
	switch {
	case len(listeners) == 0:
	case port == 0 && len(listeners) > 1:
		return command.Invalid("The target must have a port, because %s has multiple listeners", what)
	case port != 0 && !slices.ContainsFunc(listeners, func(l PortMapping) bool { return l.Port == port }):
		return command.Invalid("The target has the port %d, and %s has no listener on it", port, what)
	}
	return nil
}

func (s *State) fitGatewayRoute(r Ref, m *GatewayRouteSpec) error {
	parent, ok := s.Get(r.ParentRef())
	if !ok {
		return nil // Create has looked for it
	}
	listeners := portsOf(parent.Spec.(*VirtualGatewaySpec).Listeners)
	if len(listeners) > 1 && m.Port() == 0 {
		return command.Invalid("Gateway Route must define a port match criteria if the Virtual Gateway has multiple listeners")
	}
	i := slices.IndexFunc(listeners, func(l PortMapping) bool { return m.Port() == 0 || l.Port == m.Port() })
	switch {
	case i < 0:
		return command.Invalid("The gateway route matches port %d, and virtual gateway %s has no listener on it", m.Port(), r.Parent)
	case listeners[i].Protocol != m.Protocol():
		return command.Invalid("The gateway route has the protocol %s, and virtual gateway %s has the protocol %s on port %d", m.Protocol(), r.Parent, listeners[i].Protocol, listeners[i].Port)
	}
	t := m.Target()
	name := ServiceName(t.VirtualService.VirtualServiceName)
	service, _ := s.Get(ServiceRef(r.Owner, r.Mesh, name))
	what, ports := s.provider(service)
	return fitPort(fmt.Sprintf("%s, which provides virtual service %s,", what, name), t.Port, ports)
}

// provider returns what provides a virtual service, with its listeners.
func (s *State) provider(service *Resource) (what string, listeners []PortMapping) {
	kind, name := service.Spec.(*VirtualServiceSpec).Target()
	found, ok := s.Get(Ref{Owner: service.Ref.Owner, Mesh: service.Ref.Mesh, Kind: kind, Name: name})
	if !ok {
		return "nothing", nil
	}
	switch spec := found.Spec.(type) {
	case *VirtualNodeSpec:
		return "virtual node " + name, portsOf(spec.Listeners)
	case *VirtualRouterSpec:
		for _, l := range spec.Listeners {
			listeners = append(listeners, l.PortMapping)
		}
		return "virtual router " + name, listeners
	}
	return "nothing", nil
}
