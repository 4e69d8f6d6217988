package task

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// ConnectEndpoint is a client alias of Service Connect: a name and a port by which the
// proxies of a namespace reach a service. See "Service Connect" in the ECS developer guide.
type ConnectEndpoint struct {
	// Name is in lower case.
	Name string
	Port uint16
	ConnectTarget
}

// ConnectTarget is a service of Service Connect.
type ConnectTarget struct {
	// DiscoveryName is the name of the service of Cloud Map, Service its id, and Owner the
	// account of both.
	DiscoveryName string
	Service       registry.ServiceID
	Owner         command.AccountID
	// Protocol is the appProtocol of the port: "http", "http2", "grpc", or "" for TCP.
	Protocol string
	// IdleTimeout and RequestTimeout are in seconds. 0: there is none.
	IdleTimeout, RequestTimeout int64
}

// Time limits of Service Connect, in seconds; see TimeoutConfiguration in the ECS API.
const (
	idleHTTP, idleTCP = 5 * 60, 60 * 60
	requestHTTP       = 15
)

// findConnectNamespace returns the namespace that a configuration names, or that of the cluster.
func findConnectNamespace(reg *registry.State, rules *registry.Rules, account command.AccountID, ref string) (*registry.Namespace, bool) {
	if ns, err := reg.FindNamespace(rules, account, ref); err == nil {
		return ns, true
	}
	for _, ns := range reg.VisibleNamespaces(rules, account, "") {
		if ns.Name == ref {
			return ns, true
		}
	}
	return nil, false
}

// ConnectNamespace returns the namespace of Service Connect of a task: the one that it has
// registered in, so that a later change of the cluster's default does not matter, else the
// one that its configuration or its cluster names.
func (s *State) ConnectNamespace(reg *registry.State, rules *registry.Rules, x *Task) (*registry.Namespace, bool) {
	config, resources := s.ConnectOf(x)
	if config == nil {
		return nil, false
	}
	for i := range resources {
		if svc, ok := resources[i].CloudMap(reg); ok {
			return reg.Namespace(svc.Account, svc.Namespace)
		}
	}
	ref := config.Namespace
	if cluster, ok := s.Cluster(x.Account, x.Cluster); ok {
		ref = or(ref, cluster.ServiceConnectNamespace)
	}
	return findConnectNamespace(reg, rules, x.Account, ref)
}

// CloudMap returns the service of Cloud Map of a resource.
func (r *ServiceConnectResource) CloudMap(reg *registry.State) (*registry.Service, bool) {
	a, ok := arn.Parse(r.ARN)
	if !ok {
		return nil, false
	}
	return reg.Service(a.Account, registry.ServiceID(r.Service))
}

// ConnectEndpoints returns the client aliases of a namespace, in order of name and port. If
// two services have the same one, which was possible before it was refused, the older service
// has it.
func (s *State) ConnectEndpoints(reg *registry.State, ns *registry.Namespace) []ConnectEndpoint {
	all := slices.SortedStableFunc(s.connectServices(), func(a, b *Service) int { return cmp.Compare(a.Created, b.Created) })
	var found []ConnectEndpoint
	for _, svc := range all {
		for i := range svc.Deployments {
			found = append(found, s.endpointsOf(reg, ns, svc, &svc.Deployments[i])...)
		}
	}
	byName := func(a, b ConnectEndpoint) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Port, b.Port))
	}
	slices.SortStableFunc(found, byName)
	return slices.CompactFunc(found, func(a, b ConnectEndpoint) bool { return byName(a, b) == 0 })
}

// connectServices yields the services that may have client aliases.
func (s *State) connectServices() iter.Seq[*Service] {
	return func(yield func(*Service) bool) {
		for svc := range table.Within(s.services, "", "") {
			if svc.Status != Inactive && len(svc.Deployments) > 0 && !yield(svc) {
				return
			}
		}
	}
}

// endpointsOf returns the client aliases of a deployment in a namespace.
func (s *State) endpointsOf(reg *registry.State, ns *registry.Namespace, svc *Service, d *Deployment) []ConnectEndpoint {
	var all []ConnectEndpoint
	for i := range d.ServiceConnectServices {
		r := &d.ServiceConnectServices[i]
		made, ok := r.CloudMap(reg)
		if !ok || made.Namespace != ns.ID {
			continue
		}
		config := d.ServiceConnect.service(r.DiscoveryName)
		if config == nil {
			continue
		}
		target := ConnectTarget{DiscoveryName: r.DiscoveryName, Service: made.ID, Owner: made.Account}
		target.configure(config, s.protocolOf(svc.Account, &d.Workload, config.PortName))
		for _, alias := range config.ClientAliases {
			a := aliasOf(&alias, r.DiscoveryName, ns)
			all = append(all, ConnectEndpoint{Name: a.name, Port: a.port, ConnectTarget: target})
		}
	}
	return all
}

// connectAlias is a client alias as it must be unique in its namespace.
type connectAlias struct {
	name string // in lower case
	port uint16
}

func (a connectAlias) String() string { return fmt.Sprintf("%s:%d", a.name, a.port) }

// aliasOf returns the name and port of a client alias of a service of Service Connect.
func aliasOf(alias *ServiceConnectClientAlias, discoveryName string, ns *registry.Namespace) connectAlias {
	return connectAlias{name: lowerName(or(alias.DNSName, discoveryName+"."+ns.Name)), port: uint16(deref(alias.Port))}
}

// service returns the service with a discovery name, or nil.
func (c *ServiceConnectConfiguration) service(discoveryName string) *ServiceConnectService {
	if !c.enabled() {
		return nil
	}
	for i := range c.Services {
		if c.Services[i].discoveryName() == discoveryName {
			return &c.Services[i]
		}
	}
	return nil
}

// configure sets the protocol and the time limits of a target.
func (t *ConnectTarget) configure(s *ServiceConnectService, protocol string) {
	t.Protocol, t.IdleTimeout = protocol, idleTCP
	if protocol != "" {
		t.IdleTimeout, t.RequestTimeout = idleHTTP, requestHTTP
	}
	if s.Timeout == nil {
		return
	}
	if s.Timeout.IdleTimeoutSeconds != nil {
		t.IdleTimeout = *s.Timeout.IdleTimeoutSeconds
	}
	if s.Timeout.PerRequestTimeoutSeconds != nil && protocol != "" {
		t.RequestTimeout = *s.Timeout.PerRequestTimeoutSeconds
	}
}

// protocolOf returns the appProtocol of a named port of a workload; "" for TCP.
func (s *State) protocolOf(account command.AccountID, w *Workload, portName string) string {
	d, ok := s.Definition(account, w.Family, w.Revision)
	if !ok {
		return ""
	}
	for i := range d.ContainerDefinitions {
		for _, p := range d.ContainerDefinitions[i].PortMappings {
			if p.Name == portName {
				return p.AppProtocol
			}
		}
	}
	return ""
}

// ConnectServed is a port of a task that its proxy serves.
type ConnectServed struct {
	PortName string
	Port     uint16
	ConnectTarget
}

// ConnectServed returns the ports that the proxy of a task serves.
func (s *State) ConnectServed(x *Task) []ConnectServed {
	c := contextOf(s, x)
	if c.definition == nil || c.workload == nil || !c.workload.ServiceConnect.enabled() {
		return nil
	}
	var all []ConnectServed
	for i := range c.workload.ServiceConnect.Services {
		config := &c.workload.ServiceConnect.Services[i]
		_, port, ok := c.definition.namedPort(config.PortName)
		if !ok {
			continue
		}
		served := ConnectServed{PortName: config.PortName, Port: uint16(port)}
		served.configure(config, s.protocolOf(x.Account, c.workload, config.PortName))
		all = append(all, served)
	}
	return all
}

// connectAddress returns the i-th address of names of Service Connect.
func connectAddress(i int) string {
	const hosts = 254 // of the last octet, without 0 and 255
	return netip.AddrFrom4([4]byte{127, 255, byte(i / hosts), byte(i%hosts + 1)}).String()
}

// DiffConnect calls changed for the service of Cloud Map of every service of Service Connect
// that differs between two states. Its cost depends on the number of services that differ.
func DiffConnect(old, now *State, changed func(resource *ServiceConnectResource)) {
	ptree.Diff(old.services, now.services, func(_ string, a, b *Service) {
		if a.sameConnect(b) {
			return
		}
		for _, svc := range []*Service{a, b} {
			if svc == nil {
				continue
			}
			for i := range svc.Deployments {
				for j := range svc.Deployments[i].ServiceConnectServices {
					changed(&svc.Deployments[i].ServiceConnectServices[j])
				}
			}
		}
	})
}

// sameConnect reports whether two versions of a service have the same client aliases. The
// workload of a deployment is fixed.
func (svc *Service) sameConnect(o *Service) bool {
	if svc == nil || o == nil || svc.Status != o.Status || len(svc.Deployments) != len(o.Deployments) {
		return false
	}
	for i := range svc.Deployments {
		if svc.Deployments[i].Number != o.Deployments[i].Number {
			return false
		}
	}
	return true
}
