// Package explain says in plain words why a name answers as it does: which zone
// and view, which policy, and for each instance whether it is in the answer and
// why. It is pure; it looks at the same State as the answers do.
//
//	a := explain.Name(&s.Registry, &s.Zones, &explain.Query{Name: "web.example.internal", …}, reports)
//	fmt.Print(a)
package explain

import (
	"net/netip"
	"strings"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Query is what is to be explained.
type Query struct {
	// Name is a DNS name, or NAMESPACE/SERVICE as DiscoverInstances takes them.
	Name string
	// From is the client's address, View what it may see, and Trusted whether
	// that is because it is trusted.
	From    netip.Addr
	View    zone.View
	Trusted bool
	Strict  bool
	// Fixed has the names that the configuration sets. Nil: there are none.
	Fixed *zone.Fixed
	// Parameters are the QueryParameters of a DiscoverInstances call.
	Parameters map[string]string
	// Now is in milliseconds since 1970.
	Now int64
}

// Reports gives what the prober knows of the instances of a service.
type Reports func(registry.ServiceID) map[registry.InstanceID]health.Report

// Answer is the explanation. Its String is for people, its JSON for programs.
type Answer struct {
	Name string `json:"name"`
	From string `json:"from"`
	// Outcome is what DNS answers: REFUSED, NXDOMAIN, NODATA, NOERROR or SERVFAIL. For
	// NAMESPACE/SERVICE it is HTTP, or the error that DiscoverInstances gives.
	Outcome string `json:"outcome"`
	// Findings lead from the name to the service, one sentence each.
	Findings []string `json:"findings"`
	Zone     *Zone    `json:"zone,omitempty"`
	Service  *Service `json:"service,omitempty"`
	// Instances are those of the service, those that are out first.
	Instances []Instance `json:"instances,omitempty"`
	// Hints are what usually helps.
	Hints []string `json:"hints,omitempty"`
}

// Zone is the hosted zone that the name is in.
type Zone struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace_id,omitempty"` // empty: the configuration sets the name
	Public    bool   `json:"public"`
	VPC       string `json:"vpc,omitempty"`
}

// Service is the service that the name means.
type Service struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Policy  string   `json:"policy,omitempty"`
	Records []string `json:"records,omitempty"` // such as "A 60"
	Check   string   `json:"check"`
	// FailsOpen: no instance is healthy, so DNS answers with unhealthy ones.
	FailsOpen bool `json:"fails_open"`
}

// Instance is one instance of the service.
type Instance struct {
	ID     string `json:"id"`
	Health string `json:"health"`
	// InDNS and InDiscover say whether DNS may answer with the instance, and
	// whether DiscoverInstances does for HEALTHY.
	InDNS      bool     `json:"in_dns"`
	InDiscover bool     `json:"in_discover"`
	Reasons    []string `json:"reasons"`
	Events     []string `json:"events,omitempty"` // the last changes of health

	healthy   bool // or of a service without a check
	failsOpen bool // in DNS because no instance is healthy
}

// explanation is an Answer that is being made.
type explanation struct {
	*Answer
	q       *Query
	reg     *registry.State
	zones   *zone.Index
	reports Reports
	hinted  map[string]bool
}

// Name explains a name.
func Name(reg *registry.State, zones *zone.Index, q *Query, reports Reports) *Answer {
	e := &explanation{&Answer{Name: q.Name, From: q.From.String()}, q, reg, zones, reports, map[string]bool{}}
	if ns, svc, ok := strings.Cut(q.Name, "/"); ok {
		e.pair(ns, svc)
	} else {
		e.dnsName()
	}
	return e.Answer
}

func (e *explanation) find(format string, args ...any) {
	e.Findings = append(e.Findings, sprintf(format, args...))
}

// hint gives each piece of advice once.
func (e *explanation) hint(format string, args ...any) {
	text := sprintf(format, args...)
	if !e.hinted[text] {
		e.hinted[text] = true
		e.Hints = append(e.Hints, text)
	}
}

// pair explains a service by the two names that DiscoverInstances takes.
func (e *explanation) pair(namespace, service string) {
	e.Outcome = "HTTP"
	for ns := range e.reg.AllNamespaces() {
		if ns.HTTPName != namespace && ns.Name != namespace {
			continue
		}
		e.find("namespace %s is %s, type %s, of account %s", namespace, ns.ID, ns.Type, ns.Account)
		svc, ok := ns.Service(service)
		if !ok {
			e.Outcome = "ServiceNotFound"
			e.find("it has no service %s", service)
			e.services(ns)
			return
		}
		e.service(ns, svc, false)
		return
	}
	e.Outcome = "NamespaceNotFound"
	e.find("there is no namespace %s", namespace)
	for ns := range e.reg.AllNamespaces() {
		if strings.EqualFold(ns.Name, namespace) {
			e.hint("there is a namespace %s: case matters here", ns.Name)
		}
	}
}
