package task

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// enabled reports whether Service Connect is used.
func (c *ServiceConnectConfiguration) enabled() bool {
	return c != nil && c.Enabled != nil && *c.Enabled
}

// discoveryName returns the name of a service of Service Connect in Cloud Map.
func (s *ServiceConnectService) discoveryName() string { return or(s.DiscoveryName, s.PortName) }

// namedPort returns the container and the port of a named port mapping.
func (d *Definition) namedPort(name string) (container string, port int, ok bool) {
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		for j := range c.PortMappings {
			if p := &c.PortMappings[j]; p.Name == name && name != "" {
				return c.Name, int(deref(p.ContainerPort)), true
			}
		}
	}
	return "", 0, false
}

// connectPort returns the container and port of a service of Service Connect. If the proxy of
// the task listens at another port than the container, it is that one, without a container:
// other proxies send to it, as in ECS.
func (c *runContext) connectPort(discoveryName string) (container string, port int) {
	if c.workload == nil || c.workload.ServiceConnect == nil {
		return "", 0
	}
	for i := range c.workload.ServiceConnect.Services {
		s := &c.workload.ServiceConnect.Services[i]
		if s.discoveryName() != discoveryName {
			continue
		}
		if o := int(deref(s.IngressPortOverride)); o != 0 && c.proxied {
			return "", o
		}
		container, port, _ = c.definition.namedPort(s.PortName)
	}
	return container, port
}

// managedBy returns the description of a Cloud Map service that Service Connect made.
func (t *transaction) managedBy(svc *Service) string {
	return "Managed by " + t.rules.ServiceARN(svc.Account, svc.Cluster, svc.Name)
}

// connectNamespaceOf returns the namespace of a configuration: its own, or the default
// of the cluster.
func (t *transaction) connectNamespaceOf(cluster *Cluster, account command.AccountID, c *ServiceConnectConfiguration) (*registry.Namespace, error) {
	ref := or(c.Namespace, cluster.ServiceConnectNamespace)
	if ref == "" {
		return nil, command.Invalid("Namespace is missing")
	}
	if ns, ok := findConnectNamespace(t.registry(), t.cloudMap, account, ref); ok {
		return ns, nil
	}
	return nil, NewError(NamespaceNotFound, "The namespace %s was not found.", quote(ref))
}

// ensureConnect creates the Cloud Map services of Service Connect.
func (t *transaction) ensureConnect(svc *Service, w *Workload) ([]ServiceConnectResource, error) {
	if !w.ServiceConnect.enabled() {
		return nil, nil
	}
	cluster, _ := t.state().Cluster(svc.Account, svc.Cluster)
	ns, err := t.connectNamespaceOf(cluster, svc.Account, w.ServiceConnect)
	if err != nil {
		return nil, err
	}
	var all []ServiceConnectResource
	for i := range w.ServiceConnect.Services {
		name := w.ServiceConnect.Services[i].discoveryName()
		ns, _ := t.registry().Namespace(ns.Account, ns.ID)
		made, ok := ns.Service(name)
		if !ok {
			reply, err := t.call(svc.Account, &registry.CreateService{
				Name: name, NamespaceRef: t.cloudMap.NamespaceARN(ns.Account, ns.ID), HTTPOnly: true, CustomHealth: true, Description: t.managedBy(svc),
			})
			if err != nil {
				return nil, err
			}
			made = reply.Value.(*registry.Service)
		}
		all = append(all, ServiceConnectResource{
			DiscoveryName: name, Service: string(made.ID), ARN: t.cloudMap.ServiceARN(made.Account, made.ID),
			DNSNames: w.ServiceConnect.Services[i].dnsNames(ns), VPCs: t.connectVPCs(svc.Account, ns),
		})
		r := &all[len(all)-1]
		if ns.Account != svc.Account && slices.Contains(r.DNSNames[:min(1, len(r.DNSNames))], strings.ToLower(name+"."+ns.Name)) {
			r.Owner = ns.Account
		}
		for _, name := range r.DNSNames {
			r.Since = append(r.Since, svc.claimedSince(name, t.meta.Now))
		}
	}
	return all, nil
}

// claimedSince returns since when a service has a name of Service Connect: now if it is
// new.
func (svc *Service) claimedSince(name string, now int64) int64 {
	for i := range svc.Deployments {
		for j := range svc.Deployments[i].ServiceConnectServices {
			r := &svc.Deployments[i].ServiceConnectServices[j]
			if at := slices.Index(r.DNSNames, name); at >= 0 && at < len(r.Since) {
				now = min(now, r.Since[at])
			}
		}
	}
	return now
}

// deleteConnect deletes the Cloud Map services that Service Connect made for a service.
// One that still has instances stays.
func (t *transaction) deleteConnect(svc *Service) {
	for i := range svc.Deployments {
		for _, r := range svc.Deployments[i].ServiceConnectServices {
			made, err := t.registry().FindService(t.cloudMap, svc.Account, r.ARN)
			if err == nil && made.Description == t.managedBy(svc) {
				_, _ = t.call(svc.Account, &registry.DeleteService{Ref: r.ARN})
			}
		}
	}
}
