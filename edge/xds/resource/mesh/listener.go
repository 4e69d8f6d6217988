package mesh

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	originalv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/original_dst/v3"
	inspectorv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/tls_inspector/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// inspectTimeout is how long a listener waits for the first octets of a client where it
// must know whether it does TLS. Protocols in which the server speaks first wait as long.
const inspectTimeout = time.Second

// listenerNames returns the names of the listeners of a proxy.
func (v *view) listenerNames(in *resource.Input) []string {
	var names []string
	add := func(name string) {
		if v.listener(in, name) != nil {
			names = append(names, name)
		}
	}
	add(v.listenerName("egress", egressPort))
	add(v.listenerName("ingress", ingressPort))
	for _, l := range v.listeners(in) {
		add(v.listenerName("ingress", l.PortMapping.Port))
	}
	if v.listen.IsValid() {
		for _, at := range v.newPlan(in).egressPorts() {
			add(v.listenerName("egress", at.port))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// listener returns the listener with a name, or nil.
func (v *view) listener(in *resource.Input, name string) *resource.Message {
	if v.grpc {
		return v.apiListener(in, name)
	}
	redirected := !v.listen.IsValid() && v.self.Kind == model.KindVirtualNode
	if name == v.listenerName("egress", egressPort) {
		if redirected {
			return v.redirectedEgress(in, name)
		}
		return v.directEgress(in, name)
	}
	all := v.listeners(in)
	if redirected {
		if name == v.listenerName("ingress", ingressPort) && len(all) > 0 {
			return v.redirectedIngress(in, name, all)
		}
		return nil
	}
	for i := range all {
		if v.listenerName("ingress", all[i].PortMapping.Port) == name {
			return v.directIngress(in, name, &all[i], len(all) > 1)
		}
	}
	return v.directTCP(in, name)
}

// newListener returns a listener without filter chains.
func (v *view) newListener(in *resource.Input, name string, port int64, direction corev3.TrafficDirection) *listenerv3.Listener {
	addr := netip.IPv4Unspecified()
	preference := v.preferenceOf(in, v.selfNode(in))
	switch {
	case v.listen.IsValid():
		addr = v.listen
	case v.self.Kind == model.KindVirtualGateway && port == egressPort:
		addr = loopback // only the proxy itself connects to it
	case preference != "":
		addr = netip.IPv6Unspecified()
	}
	l := &listenerv3.Listener{Name: name, TrafficDirection: direction, Address: plain.SocketAddress(netip.AddrPortFrom(addr, uint16(port)))}
	if addr == netip.IPv6Unspecified() {
		l.Address.GetSocketAddress().Ipv4Compat = true
	}
	return l
}

// originalDestination makes a listener see the address to which a client has connected
// before iptables redirected it.
func originalDestination() *listenerv3.ListenerFilter {
	return listenerFilter("envoy.filters.listener.original_dst", &originalv3.OriginalDst{})
}

// inspectTLS makes a listener see whether a client does TLS, and with which server name.
// It does not wait for clients of the ports.
func inspectTLS(l *listenerv3.Listener, except []int64) {
	f := listenerFilter("envoy.filters.listener.tls_inspector", &inspectorv3.TlsInspector{})
	var rules []*listenerv3.ListenerFilterChainMatchPredicate
	for _, port := range except {
		rules = append(rules, &listenerv3.ListenerFilterChainMatchPredicate{Rule: &listenerv3.ListenerFilterChainMatchPredicate_DestinationPortRange{
			DestinationPortRange: &typev3.Int32Range{Start: int32(port), End: int32(port) + 1},
		}})
	}
	switch {
	case len(rules) == 1:
		f.FilterDisabled = rules[0]
	case len(rules) > 1:
		f.FilterDisabled = &listenerv3.ListenerFilterChainMatchPredicate{Rule: &listenerv3.ListenerFilterChainMatchPredicate_OrMatch{
			OrMatch: &listenerv3.ListenerFilterChainMatchPredicate_MatchSet{Rules: rules},
		}}
	}
	l.ListenerFilters = append(l.ListenerFilters, f)
	l.ListenerFiltersTimeout = durationpb.New(inspectTimeout)
	l.ContinueOnListenerFiltersTimeout = true
}

func listenerFilter(name string, config proto.Message) *listenerv3.ListenerFilter {
	return &listenerv3.ListenerFilter{Name: name, ConfigType: &listenerv3.ListenerFilter_TypedConfig{TypedConfig: plain.Pack(config)}}
}

// chain returns a filter chain with one filter.
func chain(name string, config proto.Message) *listenerv3.FilterChain {
	return &listenerv3.FilterChain{Filters: []*listenerv3.Filter{{Name: name, ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: plain.Pack(config)}}}}
}

// httpChain returns a filter chain for the HTTP family. Its routes are a resource of
// their own, which is added to the message.
func (v *view) httpChain(in *resource.Input, m *resource.Message, prefix, routes string, change func(*hcmv3.HttpConnectionManager)) *listenerv3.FilterChain {
	m.Refs = append(m.Refs, resource.Ref{Type: resource.Route, Name: routes})
	manager := &hcmv3.HttpConnectionManager{
		StatPrefix:                   prefix,
		RouteSpecifier:               &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: routes, ConfigSource: plain.ADS()}},
		HttpFilters:                  []*hcmv3.HttpFilter{routerFilter()},
		NormalizePath:                wrapperspb.Bool(true),
		MergeSlashes:                 true,
		PathWithEscapedSlashesAction: hcmv3.HttpConnectionManager_KEEP_UNCHANGED,
		UpgradeConfigs:               []*hcmv3.HttpConnectionManager_UpgradeConfig{{UpgradeType: "websocket"}},
		Tracing:                      &hcmv3.HttpConnectionManager_Tracing{},
		AccessLog:                    v.accessLogs(in),
	}
	if change != nil {
		change(manager)
	}
	return chain("envoy.filters.network.http_connection_manager", manager)
}

// tcpChain returns a filter chain for TCP.
func (v *view) tcpChain(in *resource.Input, prefix string, targets []target, idle *model.Duration) *listenerv3.FilterChain {
	proxy := &tcpv3.TcpProxy{StatPrefix: prefix, AccessLog: v.accessLogs(in)}
	if idle != nil {
		proxy.IdleTimeout = durationpb.New(millis(idle, 0))
	}
	var weighted []*tcpv3.TcpProxy_WeightedCluster_ClusterWeight
	for _, t := range targets {
		if t.weight > 0 {
			weighted = append(weighted, &tcpv3.TcpProxy_WeightedCluster_ClusterWeight{Name: t.cluster, Weight: t.weight})
		}
	}
	if len(weighted) == 1 {
		proxy.ClusterSpecifier = &tcpv3.TcpProxy_Cluster{Cluster: weighted[0].Name}
	} else {
		proxy.ClusterSpecifier = &tcpv3.TcpProxy_WeightedClusters{WeightedClusters: &tcpv3.TcpProxy_WeightedCluster{Clusters: weighted}}
	}
	if len(weighted) == 0 {
		proxy.ClusterSpecifier = &tcpv3.TcpProxy_Cluster{Cluster: v.nowhereName("")}
	}
	return chain("envoy.filters.network.tcp_proxy", proxy)
}

// statPrefix returns the prefix of statistics, which says the listener if there are
// several.
func statPrefix(direction string, several bool, m *model.PortMapping) string {
	if !several {
		return direction
	}
	return strings.Join([]string{direction, m.Protocol, portText(m.Port)}, ".")
}

// ingressChains returns the chains of a listener: one, or two if clients may do TLS or
// not.
func (v *view) ingressChains(in *resource.Input, m *resource.Message, l *model.Listener, several bool) []*listenerv3.FilterChain {
	prefix := statPrefix("ingress", several, &l.PortMapping)
	make := func() *listenerv3.FilterChain {
		if isHTTP(l.PortMapping.Protocol) {
			return v.httpChain(in, m, prefix, routeName("ingress", l.PortMapping.Protocol, l.PortMapping.Port), func(h *hcmv3.HttpConnectionManager) {
				if enabled(l.TLS) && l.TLS.Validation != nil {
					h.ForwardClientCertDetails = hcmv3.HttpConnectionManager_SANITIZE_SET
					h.SetCurrentClientCertDetails = &hcmv3.HttpConnectionManager_SetCurrentClientCertDetails{Subject: wrapperspb.Bool(true), Uri: true, Dns: true}
				}
			})
		}
		var idle *model.Duration
		if l.Timeout != nil && l.Timeout.TCP != nil {
			idle = l.Timeout.TCP.Idle
		}
		return v.tcpChain(in, prefix, []target{{v.ingressName(&l.PortMapping), 1}}, idle)
	}
	plainText := make()
	if !enabled(l.TLS) {
		return []*listenerv3.FilterChain{plainText}
	}
	secure := make()
	secure.TransportSocket = v.secureListener(in, m, l)
	if l.TLS.Mode != model.TLSPermissive {
		return []*listenerv3.FilterChain{secure}
	}
	secure.FilterChainMatch = &listenerv3.FilterChainMatch{TransportProtocol: "tls"}
	plainText.FilterChainMatch = &listenerv3.FilterChainMatch{TransportProtocol: "raw_buffer"}
	return []*listenerv3.FilterChain{secure, plainText}
}

// redirectedIngress returns the listener to which iptables redirect connections to the
// ports of the virtual node.
func (v *view) redirectedIngress(in *resource.Input, name string, all []model.Listener) *resource.Message {
	l := v.newListener(in, name, ingressPort, corev3.TrafficDirection_INBOUND)
	l.ListenerFilters = append(l.ListenerFilters, originalDestination())
	m := &resource.Message{Proto: l}
	inspect := false
	var except []int64
	for i := range all {
		one := &all[i]
		for _, c := range v.ingressChains(in, m, one, len(all) > 1) {
			if c.FilterChainMatch == nil {
				c.FilterChainMatch = &listenerv3.FilterChainMatch{}
			}
			c.FilterChainMatch.DestinationPort = portValue(one.PortMapping.Port)
			l.FilterChains = append(l.FilterChains, c)
		}
		if enabled(one.TLS) && one.TLS.Mode == model.TLSPermissive {
			inspect = true
		} else {
			except = append(except, one.PortMapping.Port)
		}
	}
	if inspect {
		inspectTLS(l, except)
	}
	return m
}

// directIngress returns a listener at the port of the virtual node or gateway.
func (v *view) directIngress(in *resource.Input, name string, one *model.Listener, several bool) *resource.Message {
	l := v.newListener(in, name, one.PortMapping.Port, corev3.TrafficDirection_INBOUND)
	m := &resource.Message{Proto: l}
	l.FilterChains = v.ingressChains(in, m, one, several)
	if len(l.FilterChains) > 1 {
		inspectTLS(l, nil)
	}
	return m
}

// egressPortOf is a port of virtual services.
type egressPortOf struct {
	port      int64
	http, tcp []*servicePort
}

// routes returns the name of the route configuration of the port.
func (e *egressPortOf) routes() string {
	return routeName("egress", e.http[0].mapping.Protocol, e.port)
}

// egressPorts returns the ports of all services, in order.
func (p *plan) egressPorts() []*egressPortOf {
	byPort := map[int64]*egressPortOf{}
	var all []*egressPortOf
	for _, s := range p.services {
		for _, port := range s.ports {
			e := byPort[port.mapping.Port]
			if e == nil {
				e = &egressPortOf{port: port.mapping.Port}
				byPort[e.port] = e
				all = append(all, e)
			}
			if isHTTP(port.mapping.Protocol) {
				e.http = append(e.http, port)
			} else {
				e.tcp = append(e.tcp, port)
			}
		}
	}
	slices.SortFunc(all, func(a, b *egressPortOf) int { return int(a.port - b.port) })
	return all
}

// redirectedEgress returns the listener to which iptables redirect the connections of the
// application. There is a chain for each port of its backends. Services of the HTTP
// family share it; TCP services that share a port with others are distinguished by the
// server name of TLS.
func (v *view) redirectedEgress(in *resource.Input, name string) *resource.Message {
	l := v.newListener(in, name, egressPort, corev3.TrafficDirection_OUTBOUND)
	l.ListenerFilters = append(l.ListenerFilters, originalDestination())
	m := &resource.Message{Proto: l}
	p := v.newPlan(in)
	ports := p.egressPorts()
	var except []int64
	for _, e := range ports {
		match := func() *listenerv3.FilterChainMatch {
			return &listenerv3.FilterChainMatch{DestinationPort: portValue(e.port)}
		}
		if len(e.http) > 0 {
			c := v.httpChain(in, m, statPrefix("egress", len(ports) > 1, &e.http[0].mapping), e.routes(), nil)
			c.FilterChainMatch = match()
			l.FilterChains = append(l.FilterChains, c)
		}
		named := map[string]bool{}
		for i, s := range e.tcp {
			c := p.tcpChainOf(s, len(ports) > 1)
			if i == 0 && len(e.http) == 0 {
				c.FilterChainMatch = match()
				l.FilterChains = append(l.FilterChains, c)
			}
			host := strings.ToLower(s.service.name)
			if len(e.tcp)+len(e.http) == 1 || named[host] || !isHostName(host) {
				continue
			}
			named[host] = true
			c = proto.Clone(c).(*listenerv3.FilterChain)
			c.FilterChainMatch = match()
			c.FilterChainMatch.ServerNames = []string{host}
			l.FilterChains = append(l.FilterChains, c)
		}
		if len(e.tcp) == 1 && len(e.http) == 0 {
			except = append(except, e.port)
		}
	}
	if v.allowsAll(in) {
		l.DefaultFilterChain = v.tcpChain(in, "egress", []target{{v.allowAllName(), 1}}, nil)
		m.Refs = append(m.Refs, resource.Ref{Type: resource.Cluster, Name: v.allowAllName()})
	} else {
		c := v.tcpChain(in, "egress", []target{{v.amazonAWSName(), 1}}, nil)
		c.FilterChainMatch = &listenerv3.FilterChainMatch{DestinationPort: portValue(443), ServerNames: []string{"*.amazonaws.com"}}
		l.FilterChains = append(l.FilterChains, c)
	}
	inspectTLS(l, except)
	return m
}

// tcpChainOf returns the chain of a TCP service: its first route.
func (p *plan) tcpChainOf(s *servicePort, several bool) *listenerv3.FilterChain {
	targets, idle := p.tcpTargets(s)
	return p.view.tcpChain(p.in, statPrefix("egress", several, &s.mapping), targets, idle)
}

// directEgress returns the listener whose clients say by the header Host which service
// they mean: that of a gateway for its own requests, and of a node without iptables.
func (v *view) directEgress(in *resource.Input, name string) *resource.Message {
	if v.self.Kind == model.KindVirtualNode && len(v.newPlan(in).services) == 0 {
		return nil
	}
	l := v.newListener(in, name, egressPort, corev3.TrafficDirection_OUTBOUND)
	m := &resource.Message{Proto: l}
	l.FilterChains = []*listenerv3.FilterChain{v.httpChain(in, m, "egress", routeName("egress", model.HTTP, egressPort), nil)}
	return m
}

// directTCP returns the listener of a TCP service without iptables, at its port, unless
// the virtual node listens there itself.
func (v *view) directTCP(in *resource.Input, name string) *resource.Message {
	if !v.listen.IsValid() || v.self.Kind != model.KindVirtualNode {
		return nil
	}
	p := v.newPlan(in)
	for _, e := range p.egressPorts() {
		if len(e.tcp) == 0 || v.listenerName("egress", e.port) != name || e.port == egressPort {
			continue
		}
		if slices.ContainsFunc(v.listeners(in), func(l model.Listener) bool { return l.PortMapping.Port == e.port }) {
			return nil
		}
		l := v.newListener(in, name, e.port, corev3.TrafficDirection_OUTBOUND)
		l.FilterChains = []*listenerv3.FilterChain{p.tcpChainOf(e.tcp[0], true)}
		return &resource.Message{Proto: l}
	}
	return nil
}

// isHostName reports whether a name can be the server name of TLS.
func isHostName(name string) bool {
	return name != "" && len(name) < 254 && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}

func portValue(port int64) *wrapperspb.UInt32Value { return wrapperspb.UInt32(uint32(port)) }
