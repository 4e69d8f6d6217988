package registry

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/jsontext"
)

// HealthFilter selects the instances that DiscoverInstances returns.
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

// FindForDiscovery returns the service with these names in a namespace of owner
// that the account may see.
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

func (a *accountState) namespaceNamed(r *Rules, name string) (*Namespace, bool) {
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

// Discover appends the instances of the service that match the query, in no
// particular order.
func (svc *Service) Discover(q *Query, found []*Instance) []*Instance {
	start := len(found)
	for _, inst := range svc.instances.All() {
		if len(q.Parameters) == 0 || inst.Attributes().contains(q.Parameters) {
			found = append(found, inst)
		}
	}
	matches := found[start:]
	if svc.ShowsHealth() {
		matches = svc.filterHealth(matches, q.Health)
	}
	if len(q.Optional) > 0 {
		matches = preferring(matches, q.Optional)
	}
	return found[:start+len(matches)]
}

// filterHealth moves the instances that pass the filter to the front and returns
// them.
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
		return h == want || h == Unknown && !checked // without a check every filter passes
	})
	if kept == 0 && filter == FilterHealthyOrElseAll {
		return matches
	}
	return matches[:kept]
}

// preferring returns the instances with the optional attributes, or all instances
// if none has them.
func preferring(matches []*Instance, optional map[string]string) []*Instance {
	kept := keep(matches, func(i *Instance) bool { return i.Attributes().contains(optional) })
	if kept == 0 {
		return matches
	}
	return matches[:kept]
}

// keep moves the wanted instances to the front and returns their number. The
// others follow.
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

// buildSummary encodes the end of an HttpInstanceSummary, which is the same for all
// instances of the service, once for each health status.
func (svc *Service) buildSummary(ns *Namespace) {
	svc.check = newCheck(svc)
	for h := range svc.summarySuffix {
		b := []byte(`,"HealthStatus":"` + Health(h).String() + `","NamespaceName":`)
		b = jsontext.AppendString(b, ns.HTTPName)
		b = append(b, `,"ServiceName":`...)
		b = jsontext.AppendString(b, svc.Name)
		svc.summarySuffix[h] = string(append(b, '}'))
	}
}

// AppendSummary appends an instance of the service as an HttpInstanceSummary in
// JSON. Both parts were encoded when the state changed.
func (svc *Service) AppendSummary(b []byte, inst *Instance) []byte {
	b = append(b, summaryPrefix...)
	b = append(b, inst.summary()...)
	return append(b, svc.summarySuffix[svc.Health(inst)]...)
}
