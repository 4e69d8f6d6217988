package task

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// ConnectTTL is the TTL in seconds of names of Service Connect.
const ConnectTTL = 5

// ConnectName is a name of Service Connect that DNS answers.
type ConnectName struct {
	Account          command.AccountID
	Cluster, Service string
	// CloudMapService is the id of the Cloud Map service in which the tasks are.
	CloudMapService string
	Name            string
	VPCs            []string
	// Owner is the account that owns the name: the one that shares its namespace with
	// Account, for a name in the namespace, else Account.
	Owner command.AccountID
	// Since is when the service has claimed the name, in milliseconds since 1970.
	Since int64
}

// Observer receives the changes of a Draft that concern names of Service Connect.
type Observer interface {
	ConnectNameAdded(n *ConnectName)
	ConnectNameRemoved(n *ConnectName)
	// TaskChanged is called for each name of the service of a task. Old and new may be nil.
	TaskChanged(n *ConnectName, old, new *Task)
}

// Observe sets the observer of all later changes.
func (d *Draft) Observe(o Observer) { d.observer = o }

// connectNames returns the names of a service, of all its deployments.
func (svc *Service) connectNames() []*ConnectName {
	if svc == nil || svc.Status == Inactive {
		return nil
	}
	var all []*ConnectName
	for i := range svc.Deployments {
		for _, r := range svc.Deployments[i].ServiceConnectServices {
			for j, name := range r.DNSNames {
				n := &ConnectName{svc.Account, svc.Cluster, svc.Name, r.Service, name, r.VPCs, svc.Account, 0}
				if j == 0 && r.Owner != "" {
					n.Owner = r.Owner
				}
				if j < len(r.Since) {
					n.Since = r.Since[j]
				}
				if !slices.ContainsFunc(all, n.same) {
					all = append(all, n)
				}
			}
		}
	}
	return all
}

func (n *ConnectName) same(o *ConnectName) bool {
	return n.CloudMapService == o.CloudMapService && n.Name == o.Name && slices.Equal(n.VPCs, o.VPCs)
}

func (d *Draft) serviceChanged(old, new *Service) {
	if d.observer == nil {
		return
	}
	before, after := old.connectNames(), new.connectNames()
	for _, n := range before {
		if !slices.ContainsFunc(after, n.same) {
			d.observer.ConnectNameRemoved(n)
		}
	}
	for _, n := range after {
		if !slices.ContainsFunc(before, n.same) {
			d.observer.ConnectNameAdded(n)
		}
	}
}

func (d *Draft) taskChanged(old, new *Task) {
	x := new
	if x == nil {
		x = old
	}
	if d.observer == nil || x.Service == "" {
		return
	}
	svc, _ := d.State().Service(x.Account, x.Cluster, x.Service)
	for _, n := range svc.connectNames() {
		d.observer.TaskChanged(n, old, new)
	}
}

// RegisteredIn reports whether the task has an instance in a Cloud Map service.
func (x *Task) RegisteredIn(service string) bool {
	return slices.ContainsFunc(x.Registrations, func(r Registration) bool { return r.Service == service && r.Registered != 0 })
}

// dnsNames returns the names of a service of Service Connect: DISCOVERY-NAME.NAMESPACE and
// those of its client aliases, in lower case.
func (s *ServiceConnectService) dnsNames(ns *registry.Namespace) []string {
	var names []string
	add := func(name string) {
		name = lowerName(name)
		if validDNSName(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(s.discoveryName() + "." + ns.Name)
	for _, alias := range s.ClientAliases {
		add(alias.DNSName)
	}
	return names
}

// connectVPCs returns the VPCs in which names of a namespace are answered: that of the
// namespace or, for one without DNS, those of all private namespaces of the account.
func (t *transaction) connectVPCs(account command.AccountID, ns *registry.Namespace) []string {
	if ns.VPC != "" {
		return []string{ns.VPC}
	}
	var vpcs []string
	for _, other := range t.registry().Namespaces(account, "") {
		if other.VPC != "" && !slices.Contains(vpcs, other.VPC) {
			vpcs = append(vpcs, other.VPC)
		}
	}
	slices.Sort(vpcs)
	return vpcs
}
