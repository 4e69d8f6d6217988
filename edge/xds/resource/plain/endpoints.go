package plain

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// The attributes that say where an instance is. ECS writes them.
const (
	attrZone   = "AVAILABILITY_ZONE"
	attrRegion = "REGION"
)

// EndpointOptions are the options of Endpoints.
type EndpointOptions struct {
	// Port is the port of instances that have none. 0: such instances are left out.
	Port uint16
	// Region is the region of instances that do not name theirs.
	Region string
	// Where has the attributes that instances must have. Nil means all instances.
	Where map[string]string
	// Family is which addresses are used.
	Family Family

	// OwnPort means that Port is used for all instances, also for those with a port.
	OwnPort bool

	match func(*registry.Instance) bool
	near  *locality // priorities by the distance from here; nil: one priority
}

// Family is a preference of address families.
type Family uint8

// The preferences. The zero value gives the IPv4 address, and the IPv6 address as a
// further one.
const (
	AnyFamily Family = iota
	IPv4Only
	IPv6Only
	IPv4Preferred // one address
	IPv6Preferred // one address
)

// endpoint is an instance that can be reached.
type endpoint struct {
	id       string
	addr     netip.AddrPort
	second   netip.AddrPort // a further address, or invalid
	weight   uint32
	draining bool
	locality locality
}

// locality is where an instance or a client is.
type locality struct{ region, zone string }

func (l locality) String() string { return l.region + "/" + l.zone }

// Endpoints returns the endpoints of a service: its healthy instances, or all of them if
// none is healthy, as DNS does, and those that left a short time ago as DRAINING.
//
// Clients reject a weight of 0, two endpoints with one address, a gap between
// priorities, and ignore a locality without a weight: none of these is in the result.
func Endpoints(in *resource.Input, svc *registry.Service, name string, o EndpointOptions) *endpointv3.ClusterLoadAssignment {
	in.Use(resource.InstancesOf(svc.ID))
	found := withoutWeightless(unique(collect(in, svc, &o)))
	cla := &endpointv3.ClusterLoadAssignment{ClusterName: name}
	for priority, group := range byPriority(found, o.near) {
		cla.Endpoints = append(cla.Endpoints, localities(group, uint32(priority))...)
	}
	return cla
}

// collect returns the endpoints of a service in the order of their ids.
func collect(in *resource.Input, svc *registry.Service, o *EndpointOptions) []endpoint {
	var healthy, others []endpoint
	checked, strict := svc.HasHealth(), in.Rules.Registry.Strict
	for _, inst := range svc.Instances("") {
		e, ok := endpointOf(inst, o, strict)
		if !ok || !o.selects(inst) {
			continue
		}
		switch h := inst.HealthIn(checked); {
		case h == registry.Healthy || h == registry.Unknown && !checked:
			healthy = append(healthy, e)
		default:
			others = append(others, e)
		}
	}
	if len(healthy) == 0 {
		return others
	}
	if in.Leaving == nil {
		return healthy
	}
	for _, inst := range in.Leaving(svc.ID) {
		if _, back := svc.Instance(inst.ID()); back || !o.selects(inst) {
			continue
		}
		if e, ok := endpointOf(inst, o, strict); ok {
			e.draining = true
			healthy = append(healthy, e)
		}
	}
	return healthy
}

func (o *EndpointOptions) selects(inst *registry.Instance) bool {
	for key, want := range o.Where {
		if got, ok := inst.Attributes().Get(key); !ok || got != want {
			return false
		}
	}
	return o.match == nil || o.match(inst)
}

// endpointOf returns the endpoint of an instance. It returns false if the instance has
// no address of the family, or no port.
func endpointOf(inst *registry.Instance, o *EndpointOptions, strict bool) (endpoint, bool) {
	e := endpoint{id: string(inst.ID()), weight: 1, locality: locality{region: o.Region}}
	port := o.Port
	var v4, v6 netip.Addr
	for key, value := range inst.Attributes().All() {
		switch key {
		case registry.AttrIPv4:
			v4, _ = netip.ParseAddr(value)
		case registry.AttrIPv6:
			v6, _ = netip.ParseAddr(value)
		case registry.AttrPort:
			if p, err := strconv.ParseUint(value, 10, 16); err == nil && p > 0 && !o.OwnPort {
				port = uint16(p)
			}
		case registry.AttrWeight:
			if w, err := strconv.ParseUint(value, 10, 8); err == nil && !strict {
				e.weight = uint32(w)
			}
		case attrZone:
			e.locality.zone = value
		case attrRegion:
			e.locality.region = value
		}
	}
	first, second := o.Family.choose(v4, v6)
	if !first.IsValid() || port == 0 {
		return e, false
	}
	e.addr = netip.AddrPortFrom(first, port)
	if second.IsValid() {
		e.second = netip.AddrPortFrom(second, port)
	}
	return e, true
}

// choose returns the address to use, and a further one.
func (f Family) choose(v4, v6 netip.Addr) (first, second netip.Addr) {
	switch f {
	case IPv4Only:
		return v4, second
	case IPv6Only:
		return v6, second
	case IPv4Preferred:
		if v4.IsValid() {
			return v4, second
		}
		return v6, second
	case IPv6Preferred:
		if v6.IsValid() {
			return v6, second
		}
		return v4, second
	}
	if v4.IsValid() {
		return v4, v6
	}
	return v6, second
}

// unique leaves each address to the first endpoint with it; its weight is the sum, as in
// DNS. An endpoint that stays wins over one that leaves.
func unique(all []endpoint) []endpoint {
	at := make(map[netip.AddrPort]int, len(all))
	kept := all[:0]
	for _, e := range all {
		if i, ok := at[e.addr]; ok {
			if !e.draining {
				kept[i].weight += e.weight
			}
			continue
		}
		at[e.addr] = len(kept)
		kept = append(kept, e)
	}
	for i := range kept {
		if j, ok := at[kept[i].second]; ok && j != i {
			kept[i].second = netip.AddrPort{}
		} else if kept[i].second.IsValid() {
			at[kept[i].second] = i
		}
	}
	return kept
}

// withoutWeightless drops endpoints of weight 0, unless all have it.
func withoutWeightless(all []endpoint) []endpoint {
	some := slices.ContainsFunc(all, func(e endpoint) bool { return e.weight > 0 && !e.draining })
	kept := all[:0]
	for _, e := range all {
		if e.weight == 0 && some {
			continue
		}
		e.weight = max(e.weight, 1)
		kept = append(kept, e)
	}
	return kept
}

// group is the endpoints of one locality and weight. round_robin of gRPC ignores weights
// of endpoints and uses those of localities: where the weights of a zone differ, each
// weight is a sub-zone.
type group struct {
	locality
	weight uint32 // 0: all endpoints have the same
}

// localities returns the endpoints of one priority by their localities, in order.
func localities(all []endpoint, priority uint32) []*endpointv3.LocalityLbEndpoints {
	weights := map[locality]uint32{}
	mixed := map[locality]bool{}
	for _, e := range all {
		if w, ok := weights[e.locality]; ok && w != e.weight {
			mixed[e.locality] = true
		}
		weights[e.locality] = e.weight
	}
	groups := map[group]*endpointv3.LocalityLbEndpoints{}
	var order []group
	for _, e := range all {
		g := group{locality: e.locality}
		if mixed[e.locality] {
			g.weight = e.weight
		}
		l := groups[g]
		if l == nil {
			l = newLocality(g, priority)
			groups[g] = l
			order = append(order, g)
		}
		l.LbEndpoints = append(l.LbEndpoints, e.proto())
		if !e.draining {
			l.LoadBalancingWeight.Value += e.weight
		}
	}
	slices.SortFunc(order, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.region, b.region), cmp.Compare(a.zone, b.zone), cmp.Compare(a.weight, b.weight))
	})
	out := make([]*endpointv3.LocalityLbEndpoints, 0, len(order))
	for _, g := range order {
		l := groups[g]
		l.LoadBalancingWeight.Value = max(l.LoadBalancingWeight.Value, 1)
		out = append(out, l)
	}
	return out
}

func newLocality(g group, priority uint32) *endpointv3.LocalityLbEndpoints {
	l := &endpointv3.LocalityLbEndpoints{
		Locality:            &corev3.Locality{Region: g.region, Zone: g.zone},
		Priority:            priority,
		LoadBalancingWeight: wrapperspb.UInt32(0),
	}
	if g.weight != 0 {
		l.Locality.SubZone = fmt.Sprintf("weight-%d", g.weight)
	}
	return l
}

func (e *endpoint) proto() *endpointv3.LbEndpoint {
	inner := &endpointv3.Endpoint{Address: SocketAddress(e.addr)}
	if e.second.IsValid() {
		inner.AdditionalAddresses = []*endpointv3.Endpoint_AdditionalAddress{{Address: SocketAddress(e.second)}}
	}
	out := &endpointv3.LbEndpoint{
		HostIdentifier:      &endpointv3.LbEndpoint_Endpoint{Endpoint: inner},
		LoadBalancingWeight: wrapperspb.UInt32(e.weight),
		HealthStatus:        corev3.HealthStatus_HEALTHY,
	}
	if e.draining {
		out.HealthStatus = corev3.HealthStatus_DRAINING
	}
	return out
}

// SocketAddress returns an address and a port as proxies write them.
func SocketAddress(a netip.AddrPort) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address:       a.Addr().String(),
		PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(a.Port())},
	}}}
}
