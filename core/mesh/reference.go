package mesh

import "iter"

// References yields the resources that the spec of a resource names, in its order. Some
// may not exist: those that backends name.
func (r *Resource) References() iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		r.Spec.references(func(k Kind, name string) bool {
			return yield(Ref{Owner: r.Ref.Owner, Mesh: r.Ref.Mesh, Kind: k, Name: name})
		})
	}
}

func (m *MeshSpec) references(func(Kind, string) bool) {}

func (m *VirtualNodeSpec) references(yield func(Kind, string) bool) {
	for _, b := range m.Backends {
		if b.VirtualService != nil && !yield(KindVirtualService, ServiceName(b.VirtualService.VirtualServiceName)) {
			return
		}
	}
}

func (m *VirtualServiceSpec) references(yield func(Kind, string) bool) {
	if k, name := m.Target(); name != "" {
		yield(k, name)
	}
}

// Target returns the kind and the name of the provider, or empty texts if there is none.
func (m *VirtualServiceSpec) Target() (Kind, string) {
	switch p := m.Provider; {
	case p == nil:
	case p.VirtualNode != nil:
		return KindVirtualNode, p.VirtualNode.VirtualNodeName
	case p.VirtualRouter != nil:
		return KindVirtualRouter, p.VirtualRouter.VirtualRouterName
	}
	return "", ""
}

func (m *VirtualRouterSpec) references(func(Kind, string) bool) {}

func (m *RouteSpec) references(yield func(Kind, string) bool) {
	for _, t := range m.Targets() {
		if !yield(KindVirtualNode, t.VirtualNode) {
			return
		}
	}
}

// Targets returns the targets of the route, whatever its protocol is.
func (m *RouteSpec) Targets() []WeightedTarget {
	switch {
	case m.HTTP != nil:
		return m.HTTP.Action.WeightedTargets
	case m.HTTP2 != nil:
		return m.HTTP2.Action.WeightedTargets
	case m.GRPC != nil:
		return m.GRPC.Action.WeightedTargets
	case m.TCP != nil:
		return m.TCP.Action.WeightedTargets
	}
	return nil
}

// Protocol returns the protocol of the route.
func (m *RouteSpec) Protocol() string {
	switch {
	case m.HTTP != nil:
		return HTTP
	case m.HTTP2 != nil:
		return HTTP2
	case m.GRPC != nil:
		return GRPC
	}
	return TCP
}

// Port returns the port that the route matches, or 0 if it matches any.
func (m *RouteSpec) Port() int64 {
	switch {
	case m.HTTP != nil:
		return m.HTTP.Match.Port
	case m.HTTP2 != nil:
		return m.HTTP2.Match.Port
	case m.GRPC != nil:
		return m.GRPC.Match.Port
	case m.TCP != nil && m.TCP.Match != nil:
		return m.TCP.Match.Port
	}
	return 0
}

func (m *VirtualGatewaySpec) references(func(Kind, string) bool) {}

func (m *GatewayRouteSpec) references(yield func(Kind, string) bool) {
	if t := m.Target(); t != nil {
		yield(KindVirtualService, ServiceName(t.VirtualService.VirtualServiceName))
	}
}

// Target returns the target of the gateway route, whatever its protocol is.
func (m *GatewayRouteSpec) Target() *GatewayTarget {
	switch {
	case m.HTTP != nil:
		return &m.HTTP.Action.Target
	case m.HTTP2 != nil:
		return &m.HTTP2.Action.Target
	case m.GRPC != nil:
		return &m.GRPC.Action.Target
	}
	return nil
}

// Protocol returns the protocol of the gateway route.
func (m *GatewayRouteSpec) Protocol() string {
	switch {
	case m.HTTP2 != nil:
		return HTTP2
	case m.GRPC != nil:
		return GRPC
	}
	return HTTP
}

// Port returns the port that the gateway route matches, or 0 if it matches any.
func (m *GatewayRouteSpec) Port() int64 {
	switch {
	case m.HTTP != nil:
		return m.HTTP.Match.Port
	case m.HTTP2 != nil:
		return m.HTTP2.Match.Port
	case m.GRPC != nil:
		return m.GRPC.Match.Port
	}
	return 0
}
