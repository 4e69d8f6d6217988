package registry

import (
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// ServiceType is whether a service has DNS records.
type ServiceType string

// The service types of the API; DNS alone is reserved there.
const (
	ServiceHTTP    ServiceType = "HTTP"
	ServiceDNSHTTP ServiceType = "DNS_HTTP"
)

// RecordType is a type of DNS record that a service may have.
type RecordType string

// The record types of the API.
const (
	RecordA     RecordType = "A"
	RecordAAAA  RecordType = "AAAA"
	RecordSRV   RecordType = "SRV"
	RecordCNAME RecordType = "CNAME"
)

// RoutingPolicy selects the instances of a DNS answer.
type RoutingPolicy string

// The routing policies. LATENCY is our extension; strict mode rejects it.
const (
	Multivalue RoutingPolicy = "MULTIVALUE"
	Weighted   RoutingPolicy = "WEIGHTED"
	Latency    RoutingPolicy = "LATENCY"
)

// DNSRecord is a kind of record that every instance of a service has.
type DNSRecord struct {
	Type RecordType
	TTL  int64 // seconds, 0 to 2147483647
}

// DNSConfig is the DNS configuration of a service. It is immutable.
type DNSConfig struct {
	Policy  RoutingPolicy
	Records []DNSRecord
}

// HealthCheckType is the protocol of an active check.
type HealthCheckType string

// The check types of the API.
const (
	CheckHTTP  HealthCheckType = "HTTP"
	CheckHTTPS HealthCheckType = "HTTPS"
	CheckTCP   HealthCheckType = "TCP"
)

// HealthCheck is an active check that cairn runs. It is immutable.
type HealthCheck struct {
	Type             HealthCheckType
	ResourcePath     string // empty for TCP
	FailureThreshold int64  // 1 to 10
}

// Service is immutable; a change makes a new one.
type Service struct {
	ID               ServiceID
	Account          command.AccountID
	Namespace        NamespaceID
	Name             string
	Type             ServiceType
	Description      string
	DNS              *DNSConfig   // nil without records
	HealthCheck      *HealthCheck // nil without an active check
	CustomHealth     bool         // health is set by UpdateInstanceCustomHealthStatus
	Tags             Attributes
	Attributes       Attributes // of the service itself
	CreatorRequestID string
	CreatedBy        command.AccountID
	CreateDate       int64 // milliseconds since 1970

	owner         *ptree.Owner // the Draft that may change it in place
	fingerprint   uint64
	key           string // in Namespace.services
	instances     ptree.Map[InstanceID, *Instance]
	revision      uint64    // the sum of all counters
	counters      []counter // of writers above 0, by writer; immutable
	tag           uint64    // of the counter of writer 0
	summarySuffix [3]string // by health status; see buildSummary
	check         *Check    // made from HealthCheck and Attributes; nil without
	expired       int       // number of instances with an expired lease
}

// HasHealth reports whether instances of the service have a health status other
// than UNKNOWN, also if their leases have not run out.
func (svc *Service) HasHealth() bool { return svc.CustomHealth || svc.HealthCheck != nil }

// ShowsHealth reports whether an instance of the service may have a health status other than
// UNKNOWN now.
func (svc *Service) ShowsHealth() bool { return svc.HasHealth() || svc.expired > 0 }

// InstanceCount returns the number of registered instances.
func (svc *Service) InstanceCount() int { return svc.instances.Len() }

// InstancesRevision rises by one with every registration and deregistration in the
// service, and only with them. It never falls, not even if the service is deleted and
// created again.
func (svc *Service) InstancesRevision() uint64 { return svc.revision }

// Instance returns an instance by id.
func (svc *Service) Instance(id InstanceID) (*Instance, bool) { return svc.instances.Get(id) }

func (svc *Service) read() command.Read {
	return command.Read{Key: serviceKeyOf(svc.Account, svc.Namespace, svc.key), Exists: true}
}

// initialHealth returns the health of a newly registered instance.
func (svc *Service) initialHealth(r *Rules, attrs InstanceAttributes) Health {
	switch {
	case svc.CustomHealth:
		if v, _ := attrs.Get(AttrInitHealthStatus); v == Unhealthy.String() {
			return Unhealthy
		}
		return Healthy
	case svc.HealthCheck != nil && r.Strict:
		return Healthy // Route 53: healthy until data says otherwise
	case svc.HealthCheck != nil && attrs.has(AttrAliasDNSName):
		return Healthy // an alias is not checked, so there never is data
	}
	return Unknown
}

// probesSameTarget reports whether the health check probes the same target for two
// versions of an instance. If so, the new version keeps the health of the old one: a client
// that registers all instances again, such as a controller, must not remove them from DNS
// until the next probe. Old may be nil: there is none.
func (svc *Service) probesSameTarget(old, next *Instance) bool {
	if old == nil || svc.HealthCheck == nil {
		return false
	}
	a, b := old.Attributes(), next.Attributes()
	for _, k := range []string{AttrIPv4, AttrIPv6, AttrPort, AttrAliasDNSName} {
		was, had := a.Get(k)
		is, has := b.Get(k)
		if was != is || had != has {
			return false
		}
	}
	return true
}

// serviceKey returns the key of a service in its namespace. DNS names ignore case.
func serviceKey(ns *Namespace, name string) string {
	if ns.IsDNS() {
		return strings.ToLower(name)
	}
	return name
}

// Services yields the services of the account after the given id, in order of
// their ids.
func (s *State) Services(account command.AccountID, after ServiceID) iter.Seq2[ServiceID, *Service] {
	a := s.account(account)
	return func(yield func(ServiceID, *Service) bool) {
		for id := range a.services.After(after) {
			if svc, ok := a.service(id); ok && !yield(id, svc) {
				return
			}
		}
	}
}

// ServicesNamed yields the services of one namespace after the given name, in
// order of their names.
func (ns *Namespace) ServicesNamed(after string) iter.Seq2[string, *Service] {
	return ns.services.After(after)
}
