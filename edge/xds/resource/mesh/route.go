package mesh

import (
	"slices"
	"strconv"
	"strings"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// requestTimeout limits a request of HTTP where nothing else is said.
const requestTimeout = 15 * time.Second

func routerFilter() *hcmv3.HttpFilter {
	return &hcmv3.HttpFilter{Name: "envoy.filters.http.router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: plain.Pack(&routerv3.Router{})}}
}

func portText(port int64) string { return strconv.FormatInt(port, 10) }

// routes returns the route configuration with a name, or nil.
func (v *view) routes(in *resource.Input, name string) *resource.Message {
	config := &routev3.RouteConfiguration{Name: name, ValidateClusters: wrapperspb.Bool(false)}
	all := v.listeners(in)
	for i := range all {
		l := &all[i]
		if name != routeName("ingress", l.PortMapping.Protocol, l.PortMapping.Port) || !isHTTP(l.PortMapping.Protocol) {
			continue
		}
		host := &routev3.VirtualHost{Name: "ingress", Domains: []string{"*"}, Routes: []*routev3.Route{v.ingressRoute(l)}}
		if v.self.Kind == model.KindVirtualGateway {
			host = v.gatewayHost(in, l)
		}
		config.VirtualHosts = []*routev3.VirtualHost{host}
		return &resource.Message{Proto: config}
	}
	p := v.newPlan(in)
	if name == routeName("egress", model.HTTP, egressPort) && (v.listen.IsValid() || v.self.Kind == model.KindVirtualGateway) {
		config.VirtualHosts = p.directHosts()
		return &resource.Message{Proto: config}
	}
	for _, e := range p.egressPorts() {
		if len(e.http) > 0 && e.routes() == name {
			config.VirtualHosts = p.portHosts(e)
			return &resource.Message{Proto: config}
		}
	}
	return nil
}

// ingressRoute sends everything to the application.
func (v *view) ingressRoute(l *model.Listener) *routev3.Route {
	action := &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: v.ingressName(&l.PortMapping)}}
	setTimeouts(action, listenerTimeout(l), l.PortMapping.Protocol)
	return &routev3.Route{Match: anyPath(), Action: &routev3.Route_Route{Route: action}}
}

func anyPath() *routev3.RouteMatch {
	return &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}}
}

// listenerTimeout returns the time limits of a listener for requests.
func listenerTimeout(l *model.Listener) *model.RequestTimeout {
	switch t := l.Timeout; {
	case t == nil:
		return nil
	case t.HTTP != nil:
		return t.HTTP
	case t.HTTP2 != nil:
		return t.HTTP2
	}
	return l.Timeout.GRPC
}

// setTimeouts sets the time limits of requests. A limit of 0 is none. gRPC has none by
// default, because its streams may be long.
func setTimeouts(a *routev3.RouteAction, t *model.RequestTimeout, protocol string) {
	limit := requestTimeout
	if protocol == model.GRPC {
		limit = 0
	}
	if t != nil && t.PerRequest != nil {
		limit = millis(t.PerRequest, 0)
	}
	a.Timeout = durationpb.New(limit)
	if t != nil && t.Idle != nil {
		a.IdleTimeout = durationpb.New(millis(t.Idle, 0))
	}
}

// domains returns the domains of a service that are not used yet. Proxies reject a
// domain that two hosts have.
func domains(used map[string]bool, wanted ...string) []string {
	var all []string
	for _, d := range wanted {
		key := strings.ToLower(d)
		if !used[key] && !strings.ContainsFunc(d, func(r rune) bool { return r <= ' ' || r == 0x7f }) && d != "" {
			used[key] = true
			all = append(all, d)
		}
	}
	return all
}

// portHosts returns a virtual host for each service of the HTTP family at a port.
func (p *plan) portHosts(e *egressPortOf) []*routev3.VirtualHost {
	used := map[string]bool{}
	var all []*routev3.VirtualHost
	for _, s := range e.http {
		name := s.service.name
		if d := domains(used, name, name+":"+portText(e.port)); len(d) > 0 {
			all = append(all, &routev3.VirtualHost{Name: name, Domains: d, Routes: p.routesOf(s)})
		}
	}
	return all
}

// directHosts returns virtual hosts for the services of all ports. A host without a port
// means the first one. The host "*" has the services that requests name in a header.
func (p *plan) directHosts() []*routev3.VirtualHost {
	used := map[string]bool{}
	var all []*routev3.VirtualHost
	for _, s := range p.services {
		hosted := false
		for _, port := range s.ports {
			if !isHTTP(port.mapping.Protocol) {
				continue
			}
			wanted := []string{s.name + ":" + portText(port.mapping.Port)}
			if !hosted {
				wanted = append([]string{s.name}, wanted...)
			}
			hosted = true
			if d := domains(used, wanted...); len(d) > 0 {
				all = append(all, &routev3.VirtualHost{Name: d[0], Domains: d, Routes: p.routesOf(port)})
			}
		}
		if d := domains(used, s.name); !hosted && len(d) > 0 {
			all = append(all, &routev3.VirtualHost{Name: d[0], Domains: d, Routes: []*routev3.Route{unavailable(anyPath())}})
		}
	}
	if routes := p.headerRoutes(); len(routes) > 0 {
		all = append(all, &routev3.VirtualHost{Name: "*", Domains: []string{"*"}, Routes: routes, RequestHeadersToRemove: []string{serviceHeader}})
	}
	return all
}

// unavailable answers 503.
func unavailable(m *routev3.RouteMatch) *routev3.Route {
	return &routev3.Route{Match: m, Action: &routev3.Route_DirectResponse{DirectResponse: &routev3.DirectResponseAction{Status: 503}}}
}

// routesOf returns the routes of a service at a port.
func (p *plan) routesOf(s *servicePort) []*routev3.Route {
	if !s.isRouter {
		return []*routev3.Route{p.nodeRoute(s)}
	}
	var all []*routev3.Route
	for _, r := range s.routes {
		if route := p.route(s, r); route != nil {
			all = append(all, route)
		}
	}
	return all
}

// readyRoute returns a route for gRPC that no call matches, with the targets of weight 0:
// gRPC ignores them in other routes, so it would know a cluster only when it gets weight,
// and gRPC for Go fails the calls to a cluster that it has known for no time.
func (p *plan) readyRoute(s *servicePort) []*routev3.Route {
	var all []target
	for _, r := range s.routes {
		targets, _ := p.targets(s.service, r.Spec.(*model.RouteSpec).Targets())
		for _, t := range targets {
			if t.weight == 0 && !strings.HasSuffix(t.cluster, nowhere) {
				all = append(all, target{t.cluster, 1})
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.cluster, b.cluster) })
	all = slices.Compact(all)
	weighted := weightedClusters(all)
	setTotal(weighted, uint32(len(all)))
	return []*routev3.Route{{
		Name: "ready", Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Path{Path: "/cairn.Targets/WithoutWeight"}},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_WeightedClusters{WeightedClusters: weighted}}},
	}}
}

// nodeRoute sends everything to the virtual node that provides a service, with the time
// limits of its listener.
func (p *plan) nodeRoute(s *servicePort) *routev3.Route {
	action := &routev3.RouteAction{
		ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: p.cluster(s.service, s.node, s.mapping.Port)},
		RetryPolicy:      p.view.retryPolicy(nil),
	}
	_, spec := p.view.node(p.in, s.node)
	var limits *model.RequestTimeout
	if l := listenerOf(spec, s.mapping.Port); l != nil {
		limits = listenerTimeout(l)
	}
	p.view.finish(action, limits, s.mapping.Protocol)
	return &routev3.Route{Match: anyPath(), Action: &routev3.Route_Route{Route: action}}
}

// finish sets the time limits of a route of egress. gRPC reads another field than Envoy.
func (v *view) finish(a *routev3.RouteAction, t *model.RequestTimeout, protocol string) {
	setTimeouts(a, t, protocol)
	if v.grpc {
		a.MaxStreamDuration = &routev3.RouteAction_MaxStreamDuration{MaxStreamDuration: a.Timeout}
	}
}

// target is a cluster with its weight.
type target struct {
	cluster string
	weight  uint32
}

// targets returns the clusters of a route.
func (p *plan) targets(s *service, all []model.WeightedTarget) (targets []target, total uint32) {
	for _, t := range all {
		one := target{p.cluster(s, t.VirtualNode, t.Port), uint32(min(max(t.Weight, 0), 100))}
		targets = append(targets, one)
		total += one.weight
	}
	return targets, total
}

// tcpTargets returns the clusters of a TCP service and its time limit.
func (p *plan) tcpTargets(s *servicePort) ([]target, *model.Duration) {
	if !s.isRouter {
		return []target{{p.cluster(s.service, s.node, s.mapping.Port), 1}}, nil
	}
	if len(s.routes) == 0 {
		return nil, nil
	}
	spec := s.routes[0].Spec.(*model.RouteSpec) // TCP has nothing to match: the first route counts
	targets, _ := p.targets(s.service, spec.Targets())
	if t := spec.TCP.Timeout; t != nil {
		return targets, t.Idle
	}
	return targets, nil
}

// route returns a route of a virtual router, or nil if nothing can match it.
func (p *plan) route(s *servicePort, r *model.Resource) *routev3.Route {
	spec := r.Spec.(*model.RouteSpec)
	var match *routev3.RouteMatch
	var retry *model.RetryPolicy
	var limits *model.RequestTimeout
	switch {
	case spec.HTTP != nil:
		match, retry, limits = httpMatch(&spec.HTTP.Match), spec.HTTP.RetryPolicy, spec.HTTP.Timeout
	case spec.HTTP2 != nil:
		match, retry, limits = httpMatch(&spec.HTTP2.Match), spec.HTTP2.RetryPolicy, spec.HTTP2.Timeout
	case spec.GRPC != nil:
		match, retry, limits = grpcMatch(&spec.GRPC.Match), spec.GRPC.RetryPolicy, spec.GRPC.Timeout
	}
	if match == nil {
		return nil
	}
	targets, total := p.targets(s.service, spec.Targets())
	if total == 0 {
		route := unavailable(match)
		route.Name = r.Ref.Name
		return route
	}
	action := &routev3.RouteAction{RetryPolicy: p.view.retryPolicy(retry)}
	if len(targets) == 1 {
		action.ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: targets[0].cluster}
	} else {
		weighted := weightedClusters(targets)
		if p.view.grpc {
			setTotal(weighted, total)
		}
		action.ClusterSpecifier = &routev3.RouteAction_WeightedClusters{WeightedClusters: weighted}
	}
	p.view.finish(action, limits, spec.Protocol())
	return &routev3.Route{Name: r.Ref.Name, Match: match, Action: &routev3.Route_Route{Route: action}}
}

// weightedClusters has the targets of weight 0 too, so that their clusters are ready
// when they get weight. A cluster that is there twice gets both weights.
func weightedClusters(targets []target) *routev3.WeightedCluster {
	w := &routev3.WeightedCluster{}
	for _, t := range targets {
		w.Clusters = append(w.Clusters, &routev3.WeightedCluster_ClusterWeight{Name: t.cluster, Weight: wrapperspb.UInt32(t.weight)})
	}
	return w
}

// setTotal sets the sum of the weights, without which gRPC's C core, at least until 1.51,
// rejects a sum other than 100. Newer clients ignore it.
func setTotal(w *routev3.WeightedCluster, total uint32) {
	//lint:ignore SA1019 see above
	w.TotalWeight = wrapperspb.UInt32(total)
}

// retriableCodes are the status codes of answers for which a request is tried again, by event.
var retriableCodes = map[string][]uint32{
	"server-error":  {500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511},
	"gateway-error": {502, 503, 504},
	"client-error":  {409},
}

// retryConditions are the names that Envoy has for other events.
var retryConditions = map[string]string{
	"stream-error":       "refused-stream",
	"connection-error":   "connect-failure",
	"cancelled":          "cancelled",
	"deadline-exceeded":  "deadline-exceeded",
	"internal":           "internal",
	"resource-exhausted": "resource-exhausted",
	"unavailable":        "unavailable",
}

// retryPolicy returns when a request is tried again. Without a policy, it is tried two
// times more if the server did not get it, or says that it is unavailable.
func (v *view) retryPolicy(policy *model.RetryPolicy) *routev3.RetryPolicy {
	out := &routev3.RetryPolicy{
		NumRetries:           wrapperspb.UInt32(2),
		RetryHostPredicate:   []*routev3.RetryPolicy_RetryHostPredicate{previousHosts()},
		RetriableStatusCodes: []uint32{503}, HostSelectionRetryMaxAttempts: 5,
	}
	conditions := []string{"connect-failure", "refused-stream", "reset", "unavailable", "retriable-status-codes"}
	if policy != nil {
		conditions = []string{"reset"}
		out.RetriableStatusCodes = nil
		seen := map[uint32]bool{}
		for _, events := range [][]string{policy.HTTPRetryEvents, policy.TCPRetryEvents, policy.GRPCRetryEvents} {
			for _, event := range events {
				for _, code := range retriableCodes[event] {
					if !seen[code] {
						seen[code] = true
						out.RetriableStatusCodes = append(out.RetriableStatusCodes, code)
					}
				}
				if condition, ok := retryConditions[event]; ok {
					conditions = append(conditions, condition)
				}
			}
		}
		if len(out.RetriableStatusCodes) > 0 {
			conditions = append(conditions, "retriable-status-codes")
		}
		if policy.MaxRetries == 0 {
			return nil
		}
		out.NumRetries = wrapperspb.UInt32(uint32(min(policy.MaxRetries, 1000)))
		if d := millis(&policy.PerRetryTimeout, 0); d > 0 {
			out.PerTryTimeout = durationpb.New(d)
		}
	}
	out.RetryOn = strings.Join(conditions, ",")
	if v.grpc {
		out.RetryHostPredicate, out.RetriableStatusCodes = nil, nil
	}
	return out
}

// apiListener returns the listener of a gRPC client that dials xds:///SERVICE[:PORT], or
// of a gRPC server.
func (v *view) apiListener(in *resource.Input, name string) *resource.Message {
	if m := plain.ServerListener(name); m != nil {
		return m
	}
	p := v.newPlan(in)
	for _, s := range p.services {
		for i, port := range s.ports {
			if !isHTTP(port.mapping.Protocol) || name != s.name+":"+portText(port.mapping.Port) && (name != s.name || i > 0) {
				continue
			}
			m := &resource.Message{}
			host := &routev3.VirtualHost{Name: name, Domains: []string{"*"}, Routes: append(p.routesOf(port), p.readyRoute(port)...)}
			manager := &hcmv3.HttpConnectionManager{
				StatPrefix:     "egress",
				RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: &routev3.RouteConfiguration{Name: name, VirtualHosts: []*routev3.VirtualHost{host}}},
				HttpFilters:    []*hcmv3.HttpFilter{routerFilter()},
			}
			m.Proto = plain.APIListener(name, manager)
			return m
		}
	}
	return nil
}
