package mesh

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// plan is what a proxy sends to: virtual services with their ports, and the clusters of
// the virtual nodes behind them.
type plan struct {
	view     *view
	in       *resource.Input
	services []*service
	// variants has the clusters by their name without a variant.
	variants map[string][]*upstream
	clusters map[string]*upstream
	names    []string // of the clusters, in the order in which they were found
}

// service is a virtual service that the proxy may send to.
type service struct {
	name   string
	policy *model.ClientTLS // nil: none
	ports  []*servicePort
}

// servicePort is a port of a service: a listener of its router or node.
type servicePort struct {
	service  *service
	mapping  model.PortMapping
	node     string // of a service that a virtual node provides
	isRouter bool
	routes   []*model.Resource // of the router for this port, the first match first
}

// upstream is a listener of a virtual node as a target.
type upstream struct {
	name     string
	node     *model.Resource
	listener *model.Listener
	policy   *model.ClientTLS // nil: none
}

// isHTTP reports whether a protocol is one of the HTTP family.
func isHTTP(protocol string) bool { return protocol != model.TCP }

// newPlan finds out what the proxy sends to.
func (v *view) newPlan(in *resource.Input) *plan {
	p := &plan{view: v, in: in, variants: map[string][]*upstream{}, clusters: map[string]*upstream{}}
	if spec := v.selfNode(in); spec != nil {
		defaults := tlsOf(spec.BackendDefaults)
		for _, b := range spec.Backends {
			if b.VirtualService == nil {
				continue
			}
			policy := defaults
			if own := b.VirtualService.ClientPolicy; own != nil {
				policy = own.TLS
			}
			p.add(model.ServiceName(b.VirtualService.VirtualServiceName), policy)
		}
	}
	if spec := v.selfGateway(in); spec != nil {
		for r := range v.list(in, v.mesh, model.KindVirtualService) {
			p.add(r.Ref.Name, tlsOf(spec.BackendDefaults))
		}
	}
	for _, s := range p.services {
		for _, port := range s.ports {
			p.findClusters(port)
		}
	}
	return p
}

func tlsOf(d *model.BackendDefaults) *model.ClientTLS {
	if d == nil || d.ClientPolicy == nil {
		return nil
	}
	return d.ClientPolicy.TLS
}

// add adds a virtual service.
func (p *plan) add(name string, policy *model.ClientTLS) {
	if slices.ContainsFunc(p.services, func(s *service) bool { return s.name == name }) {
		return
	}
	s := &service{name: name, policy: policy}
	p.services = append(p.services, s)
	r, ok := p.view.get(p.in, model.KindVirtualService, name)
	if !ok {
		return
	}
	switch kind, target := r.Spec.(*model.VirtualServiceSpec).Target(); kind {
	case model.KindVirtualNode:
		if _, spec := p.view.node(p.in, target); spec != nil {
			for _, l := range spec.Listeners {
				s.ports = append(s.ports, &servicePort{service: s, mapping: l.PortMapping, node: target})
			}
		}
	case model.KindVirtualRouter:
		p.addRouter(s, target)
	}
}

// addRouter adds the ports of a service with a virtual router.
func (p *plan) addRouter(s *service, name string) {
	r, ok := p.view.get(p.in, model.KindVirtualRouter, name)
	if !ok {
		return
	}
	var routes []*model.Resource
	for route := range p.view.list(p.in, r.Ref, model.KindRoute) {
		routes = append(routes, route)
	}
	slices.SortStableFunc(routes, compareRoutes)
	for _, l := range r.Spec.(*model.VirtualRouterSpec).Listeners {
		port := &servicePort{service: s, mapping: l.PortMapping, isRouter: true}
		for _, route := range routes {
			spec := route.Spec.(*model.RouteSpec)
			if at := spec.Port(); (at == 0 || at == l.PortMapping.Port) && isHTTP(spec.Protocol()) == isHTTP(l.PortMapping.Protocol) {
				port.routes = append(port.routes, route)
			}
		}
		s.ports = append(s.ports, port)
	}
}

// compareRoutes orders routes: by priority, then the one that matches less first.
func compareRoutes(a, b *model.Resource) int {
	x, y := a.Spec.(*model.RouteSpec), b.Spec.(*model.RouteSpec)
	return cmp.Or(comparePriority(x.Priority, y.Priority), compareSpecificity(specificityOf(x), specificityOf(y)), cmp.Compare(a.Ref.Name, b.Ref.Name))
}

// comparePriority orders priorities, the lowest first, those without one last.
func comparePriority(a, b *int64) int {
	rank := func(p *int64) int64 {
		if p == nil {
			return 1 << 40
		}
		return *p
	}
	return cmp.Compare(rank(a), rank(b))
}

// specificity says how much a match restricts: its kind of path, the length of the path,
// and the number of further conditions.
type specificity struct{ kind, length, conditions int }

// compareSpecificity puts the more specific match first.
func compareSpecificity(a, b specificity) int {
	return cmp.Or(cmp.Compare(b.kind, a.kind), cmp.Compare(b.length, a.length), cmp.Compare(b.conditions, a.conditions))
}

func specificityOf(r *model.RouteSpec) specificity {
	switch {
	case r.HTTP != nil:
		return specificityOfHTTP(&r.HTTP.Match)
	case r.HTTP2 != nil:
		return specificityOfHTTP(&r.HTTP2.Match)
	case r.GRPC != nil:
		return specificityOfGRPC(&r.GRPC.Match)
	}
	return specificity{}
}

func specificityOfHTTP(m *model.HTTPMatch) specificity {
	s := specificity{conditions: len(m.Headers) + len(m.QueryParameters)}
	for _, given := range []bool{m.Method != "", m.Scheme != "", m.Hostname != nil} {
		if given {
			s.conditions++
		}
	}
	switch {
	case m.Path != nil && m.Path.Exact != "":
		s.kind, s.length = 2, len(m.Path.Exact)
	case m.Path != nil:
		s.kind, s.length = 1, len(m.Path.Regex)
	case m.Prefix != nil:
		s.length = len(*m.Prefix)
	}
	return s
}

func specificityOfGRPC(m *model.GRPCMatch) specificity {
	s := specificity{conditions: len(m.Metadata)}
	if m.Hostname != nil {
		s.conditions++
	}
	if m.ServiceName != nil {
		s.length = len(*m.ServiceName)
	}
	if m.MethodName != "" {
		s.kind = 2
	}
	return s
}

// findClusters adds the clusters of a port to the plan.
func (p *plan) findClusters(port *servicePort) {
	if !port.isRouter {
		p.cluster(port.service, port.node, port.mapping.Port)
		return
	}
	for _, r := range port.routes {
		for _, t := range r.Spec.(*model.RouteSpec).Targets() {
			p.cluster(port.service, t.VirtualNode, t.Port)
		}
	}
}

// cluster returns the name of the cluster of a virtual node for a service. Port 0 is the
// first listener of the node.
func (p *plan) cluster(s *service, node string, port int64) string {
	r, spec := p.view.node(p.in, node)
	l := listenerOf(spec, port)
	if l == nil {
		return p.view.nowhereName(node)
	}
	base := p.view.egressName(node, &l.PortMapping)
	for _, u := range p.variants[base] {
		if u.policy == s.policy || reflect.DeepEqual(u.policy, s.policy) {
			return u.name
		}
	}
	u := &upstream{name: base, node: r, listener: l, policy: s.policy}
	if n := len(p.variants[base]); n > 0 {
		u.name += variant + strconv.Itoa(n+1)
	}
	p.variants[base] = append(p.variants[base], u)
	p.clusters[u.name] = u
	p.names = append(p.names, u.name)
	return u.name
}

// listenerOf returns the listener of a node for a port, or nil.
func listenerOf(spec *model.VirtualNodeSpec, port int64) *model.Listener {
	if spec == nil {
		return nil
	}
	for i := range spec.Listeners {
		if l := &spec.Listeners[i]; port == 0 || l.PortMapping.Port == port {
			return l
		}
	}
	return nil
}

// upstreamOf returns the upstream of a cluster. It needs the plan only if client policies
// differ between backends.
func (v *view) upstreamOf(in *resource.Input, name string) *upstream {
	var defaults *model.BackendDefaults
	if spec := v.selfNode(in); spec != nil {
		if slices.ContainsFunc(spec.Backends, func(b model.Backend) bool { return b.VirtualService != nil && b.VirtualService.ClientPolicy != nil }) {
			return v.newPlan(in).clusters[name]
		}
		defaults = spec.BackendDefaults
	}
	if spec := v.selfGateway(in); spec != nil {
		defaults = spec.BackendDefaults
	}
	node, _, port, ok := v.parseEgress(name)
	if !ok {
		return nil
	}
	r, spec := v.node(in, node)
	l := listenerOf(spec, port)
	if l == nil || v.egressName(node, &l.PortMapping) != name {
		return nil
	}
	return &upstream{name: name, node: r, listener: l, policy: tlsOf(defaults)}
}
