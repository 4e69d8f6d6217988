package mesh

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// A gateway sends each request to its own egress listener, with the name of the virtual
// service as the host; there the routes of the service's router apply.

// serviceHeader names the virtual service of a request whose host stays as it is.
const serviceHeader = "x-app-mesh-virtual-service"

// gatewayRoutes returns the routes of the gateway for a listener, the first match first.
func (v *view) gatewayRoutes(in *resource.Input, l *model.Listener) []*model.Resource {
	var all []*model.Resource
	for r := range v.list(in, v.self, model.KindGatewayRoute) {
		if port := r.Spec.(*model.GatewayRouteSpec).Port(); port == 0 || port == l.PortMapping.Port {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b *model.Resource) int {
		x, y := a.Spec.(*model.GatewayRouteSpec), b.Spec.(*model.GatewayRouteSpec)
		return cmp.Or(comparePriority(x.Priority, y.Priority), compareSpecificity(gatewaySpecificity(x), gatewaySpecificity(y)), cmp.Compare(a.Ref.Name, b.Ref.Name))
	})
	return all
}

func gatewaySpecificity(s *model.GatewayRouteSpec) specificity {
	switch {
	case s.HTTP != nil:
		return specificityOfHTTP(&s.HTTP.Match)
	case s.HTTP2 != nil:
		return specificityOfHTTP(&s.HTTP2.Match)
	case s.GRPC != nil:
		return specificityOfGRPC(&s.GRPC.Match)
	}
	return specificity{}
}

// hop is the second way of a request through a gateway: its cluster and its host.
type hop struct{ cluster, host string }

// hopOf returns the hop to the target of a gateway route. If the route names a port, the
// host does too.
func (v *view) hopOf(in *resource.Input, l *model.Listener, t *model.GatewayTarget) hop {
	h := hop{host: model.ServiceName(t.VirtualService.VirtualServiceName)}
	mapping := model.PortMapping{Port: egressPort, Protocol: model.HTTP}
	if t.Port != 0 {
		mapping = model.PortMapping{Port: t.Port, Protocol: l.PortMapping.Protocol}
		h.host += ":" + portText(t.Port)
	}
	h.cluster = v.redirectName(len(v.listeners(in)) > 1 || t.Port != 0, &l.PortMapping, &mapping)
	return h
}

// redirects returns the names of the clusters with which the gateway sends requests to
// itself.
func (v *view) redirects(in *resource.Input) []string {
	var names []string
	spec := v.selfGateway(in)
	if spec == nil {
		return nil
	}
	for i := range spec.Listeners {
		l := &spec.Listeners[i]
		for _, r := range v.gatewayRoutes(in, l) {
			if t := r.Spec.(*model.GatewayRouteSpec).Target(); t != nil {
				names = append(names, v.hopOf(in, l, t).cluster)
			}
		}
	}
	return names
}

// redirectCluster returns a cluster of redirects, or nil. It has the limits of the
// connection pool of its listener.
func (v *view) redirectCluster(in *resource.Input, name string) *resource.Message {
	spec := v.selfGateway(in)
	if spec == nil {
		return nil
	}
	for i := range spec.Listeners {
		l := &spec.Listeners[i]
		for _, r := range v.gatewayRoutes(in, l) {
			t := r.Spec.(*model.GatewayRouteSpec).Target()
			if t == nil || v.hopOf(in, l, t).cluster != name {
				continue
			}
			addr := loopback
			if v.listen.IsValid() {
				addr = v.listen
			}
			c := staticCluster(name, netip.AddrPortFrom(addr, egressPort))
			c.CircuitBreakers = circuitBreakers(l.ConnectionPool)
			c.TypedExtensionProtocolOptions = sameProtocol()
			return &resource.Message{Proto: c}
		}
	}
	return nil
}

// sameProtocol makes a proxy use the protocol of its client.
func sameProtocol() map[string]*anypb.Any {
	return map[string]*anypb.Any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": plain.Pack(&httpv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_UseDownstreamProtocolConfig{UseDownstreamProtocolConfig: &httpv3.HttpProtocolOptions_UseDownstreamHttpConfig{
			HttpProtocolOptions: &corev3.Http1ProtocolOptions{}, Http2ProtocolOptions: &corev3.Http2ProtocolOptions{},
		}},
	})}
}

// gatewayHost returns the virtual host of a listener of a gateway.
func (v *view) gatewayHost(in *resource.Input, l *model.Listener) *routev3.VirtualHost {
	host := &routev3.VirtualHost{Name: "self_redirect", Domains: []string{"*"}}
	for _, r := range v.gatewayRoutes(in, l) {
		host.Routes = append(host.Routes, v.gatewayRoute(in, l, r)...)
	}
	return host
}

// gatewayRoute returns the routes of a gateway route. A prefix /x has two: for what is
// below /x/, and for the rest.
func (v *view) gatewayRoute(in *resource.Input, l *model.Listener, r *model.Resource) []*routev3.Route {
	spec := r.Spec.(*model.GatewayRouteSpec)
	t := spec.Target()
	if t == nil {
		return nil
	}
	h := v.hopOf(in, l, t)
	route := &routev3.Route{Name: r.Ref.Name}
	// The routes of the second hop have the time limits.
	action := &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: h.cluster}, Timeout: durationpb.New(0)}
	route.Action = &routev3.Route_Route{Route: action}
	var hostname *model.HostnameRewrite
	var match *model.HTTPMatch
	var rewrite *model.HTTPRewrite
	if g := spec.GRPC; g != nil {
		route.Match = grpcMatch(&g.Match)
		if g.Action.Rewrite != nil {
			hostname = g.Action.Rewrite.Hostname
		}
	} else {
		http := cmp.Or(spec.HTTP, spec.HTTP2)
		match, rewrite = &http.Match, http.Action.Rewrite
		route.Match = httpMatch(match)
		if rewrite != nil {
			hostname = rewrite.Hostname
		}
	}
	if route.Match == nil {
		return nil
	}
	if hostname != nil && hostname.DefaultTargetHostname == model.RewriteDisabled {
		route.RequestHeadersToAdd = []*corev3.HeaderValueOption{{
			Header: &corev3.HeaderValue{Key: serviceHeader, Value: h.host}, AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		}}
	} else {
		action.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: h.host}
	}
	if match == nil {
		return []*routev3.Route{route}
	}
	return rewritten(route, action, match, rewrite)
}

// rewritten returns a route whose requests get another path.
func rewritten(route *routev3.Route, action *routev3.RouteAction, match *model.HTTPMatch, rewrite *model.HTTPRewrite) []*routev3.Route {
	if match.Path != nil {
		if rewrite != nil && rewrite.Path != nil && rewrite.Path.Exact != "" {
			action.RegexRewrite = &matcherv3.RegexMatchAndSubstitute{Pattern: regexMatcher("^/.*$"), Substitution: escapeSubstitution(rewrite.Path.Exact)}
		}
		return []*routev3.Route{route}
	}
	if match.Prefix == nil {
		return []*routev3.Route{route}
	}
	replacement := "/"
	if rewrite != nil && rewrite.Prefix != nil {
		if rewrite.Prefix.Value != "" {
			replacement = rewrite.Prefix.Value
		} else if rewrite.Prefix.DefaultPrefix == model.RewriteDisabled {
			replacement = ""
		}
	}
	prefix := *match.Prefix
	if replacement == "" || prefix == replacement {
		return []*routev3.Route{route}
	}
	action.PrefixRewrite = replacement
	if strings.HasSuffix(prefix, "/") {
		return []*routev3.Route{route}
	}
	below := proto.Clone(route).(*routev3.Route)
	below.Match.PathSpecifier = &routev3.RouteMatch_Prefix{Prefix: prefix + "/"}
	return []*routev3.Route{below, route}
}

// escapeSubstitution returns a text that a substitution leaves as it is.
func escapeSubstitution(text string) string { return strings.ReplaceAll(text, `\`, `\\`) }

// headerRoutes returns the routes for requests that name their service in a header,
// because their host stays as it is.
func (p *plan) headerRoutes() []*routev3.Route {
	spec := p.view.selfGateway(p.in)
	if spec == nil {
		return nil
	}
	var all []*routev3.Route
	done := map[string]bool{}
	for i := range spec.Listeners {
		for _, r := range p.view.gatewayRoutes(p.in, &spec.Listeners[i]) {
			route := r.Spec.(*model.GatewayRouteSpec)
			t := route.Target()
			if t == nil || !keepsHost(route) {
				continue
			}
			host := p.view.hopOf(p.in, &spec.Listeners[i], t).host
			port := p.portOf(model.ServiceName(t.VirtualService.VirtualServiceName), t.Port)
			if port == nil || done[host] {
				continue
			}
			done[host] = true
			for _, one := range p.routesOf(port) {
				one.Match.Headers = append(one.Match.Headers, exactHeader(serviceHeader, host))
				all = append(all, one)
			}
		}
	}
	return all
}

// keepsHost reports whether a gateway route leaves the host of requests as it is.
func keepsHost(s *model.GatewayRouteSpec) bool {
	var h *model.HostnameRewrite
	switch {
	case s.GRPC != nil && s.GRPC.Action.Rewrite != nil:
		h = s.GRPC.Action.Rewrite.Hostname
	case s.HTTP != nil && s.HTTP.Action.Rewrite != nil:
		h = s.HTTP.Action.Rewrite.Hostname
	case s.HTTP2 != nil && s.HTTP2.Action.Rewrite != nil:
		h = s.HTTP2.Action.Rewrite.Hostname
	}
	return h != nil && h.DefaultTargetHostname == model.RewriteDisabled
}

// portOf returns a port of a service of the HTTP family, or nil. 0 is the first one.
func (p *plan) portOf(service string, port int64) *servicePort {
	for _, s := range p.services {
		for _, at := range s.ports {
			if s.name == service && isHTTP(at.mapping.Protocol) && (port == 0 || at.mapping.Port == port) {
				return at
			}
		}
	}
	return nil
}
