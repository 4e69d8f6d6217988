package registry

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/jsontext"
)

// HealthFilter says which instances DiscoverInstances returns.
type HealthFilter string

// The filters of the API.
const (
	FilterHealthy          HealthFilter = "HEALTHY"
	FilterUnhealthy        HealthFilter = "UNHEALTHY"
	FilterAll              HealthFilter = "ALL"
	FilterHealthyOrElseAll HealthFilter = "HEALTHY_OR_ELSE_ALL"
)

// Query is a DiscoverInstances request.
type Query struct {
	Account   command.AccountID
	Namespace string // the HTTP name; in extended mode also the name
	Service   string
	// Parameters must all match exactly.
	Parameters map[string]string
	// Optional parameters narrow the answer unless nothing would be left.
	Optional map[string]string
	Health   HealthFilter // empty: FilterHealthy
}

// FindForDiscovery returns the service that a namespace name and a service name
// mean to DiscoverInstances, in the namespaces of owner that the account sees.
func (s *State) FindForDiscovery(r *Rules, account, owner command.AccountID, namespace, service string) (*Service, error) {
	ns, ok := s.NamespaceForDiscovery(r, account, owner, namespace)
	if !ok {
		return nil, &NamespaceNotFound{ID: namespace}
	}
	svc, ok := ns.Service(service)
	if !ok {
		return nil, &ServiceNotFound{ID: service}
	}
	return svc, nil
}

func (a *Account) namespaceNamed(r *Rules, name string) (*Namespace, bool) {
	if id, ok := a.byHTTPName.Get(name); ok {
		return a.namespaces.Get(id)
	}
	if r.Strict {
		return nil, false
	}
	for _, ns := range a.namespaces.All() {
		if sameName(ns.Type, ns.Name, name) {
			return ns, true
		}
	}
	return nil, false
}

// Discover appends to found the instances of the service that a query asks for,
// in no particular order.
func (svc *Service) Discover(q *Query, found []*Instance) []*Instance {
	start := len(found)
	for _, inst := range svc.instances.All() {
		if len(q.Parameters) == 0 || inst.Attributes().Contains(q.Parameters) {
			found = append(found, inst)
		}
	}
	matches := found[start:]
	if svc.HasHealth() || svc.lapsed > 0 {
		matches = svc.filterHealth(matches, q.Health)
	}
	if len(q.Optional) > 0 {
		matches = preferring(matches, q.Optional)
	}
	return found[:start+len(matches)]
}

// filterHealth keeps what the filter asks for, at the front of matches.
func (svc *Service) filterHealth(matches []*Instance, filter HealthFilter) []*Instance {
	want := Healthy
	switch filter {
	case FilterAll:
		return matches
	case FilterUnhealthy:
		want = Unhealthy
	}
	checked := svc.HasHealth()
	kept := keep(matches, func(i *Instance) bool {
		h := i.HealthIn(checked)
		return h == want || h == Unknown && !checked // which no filter drops
	})
	if kept == 0 && filter == FilterHealthyOrElseAll {
		return matches
	}
	return matches[:kept]
}

// preferring keeps those that have the optional attributes, or if none has, all.
func preferring(matches []*Instance, optional map[string]string) []*Instance {
	kept := keep(matches, func(i *Instance) bool { return i.Attributes().Contains(optional) })
	if kept == 0 {
		return matches
	}
	return matches[:kept]
}

// keep moves what is wanted to the front, loses nothing, and returns how many
// were wanted.
func keep(matches []*Instance, wanted func(*Instance) bool) int {
	n := 0
	for i, inst := range matches {
		if wanted(inst) {
			matches[n], matches[i] = inst, matches[n]
			n++
		}
	}
	return n
}

// prepare encodes the parts of a discovery answer that the service's instances
// have in common, one for each health status.
func (svc *Service) prepare(ns *Namespace) {
	svc.check = newCheck(svc)
	for h := range svc.tails {
		b := []byte(`,"HealthStatus":"` + Health(h).String() + `","NamespaceName":`)
		b = jsontext.AppendString(b, ns.HTTPName)
		b = append(b, `,"ServiceName":`...)
		b = jsontext.AppendString(b, svc.Name)
		svc.tails[h] = string(append(b, '}'))
	}
}

// AppendSummary appends an instance of the service as an HttpInstanceSummary in
// JSON, from parts that were prepared when the state changed.
func (svc *Service) AppendSummary(b []byte, inst *Instance) []byte {
	b = append(b, summaryStart...)
	b = append(b, inst.summary()...)
	return append(b, svc.tails[svc.Health(inst)]...)
}
