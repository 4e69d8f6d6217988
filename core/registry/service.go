package registry

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// ServiceType says whether a service has DNS records.
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

// RoutingPolicy says which instances a DNS answer holds.
type RoutingPolicy string

// The routing policies. LATENCY is ours, and not accepted in strict mode.
const (
	Multivalue RoutingPolicy = "MULTIVALUE"
	Weighted   RoutingPolicy = "WEIGHTED"
	Latency    RoutingPolicy = "LATENCY"
)

// DNSRecord is a kind of record that every instance of a service gets.
type DNSRecord struct {
	Type RecordType
	TTL  int64 // seconds, 0 to 2147483647
}

// DNSConfig is the DNS side of a service. It is immutable.
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

// HealthCheck is an active check, run by cairn. It is immutable.
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
	CustomHealth     bool         // health is told by UpdateInstanceCustomHealthStatus
	Tags             Attributes
	Attributes       Attributes // of the service itself
	CreatorRequestID string
	CreatedBy        command.AccountID
	CreateDate       int64 // milliseconds since 1970

	owner       *ptree.Token // the Draft that may change it in place
	fingerprint uint64
	key         string // in Namespace.services
	instances   ptree.Map[InstanceID, *Instance]
	revision    uint64
	tails       [3]string // see prepare
	check       *Check    // made from HealthCheck and Attributes; nil without
	lapsed      int       // instances whose lease has run out
}

// HasHealth reports whether instances of the service have a health status other
// than UNKNOWN.
func (svc *Service) HasHealth() bool { return svc.CustomHealth || svc.HealthCheck != nil }

// InstanceCount returns the number of registered instances.
func (svc *Service) InstanceCount() int { return svc.instances.Len() }

// InstancesRevision rises with every registration and deregistration, and only
// with them. It never falls, not even for a service of the same name made anew.
func (svc *Service) InstancesRevision() uint64 { return svc.revision }

// Instance returns an instance by id.
func (svc *Service) Instance(id InstanceID) (*Instance, bool) { return svc.instances.Get(id) }

func (svc *Service) read() command.Read {
	return command.Read{Key: serviceKeyOf(svc.Account, svc.Namespace, svc.key), Exists: true}
}

// initialHealth is the health of an instance that has just been registered.
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
		return Healthy // the check is not attached to an alias: there never is data
	}
	return Unknown
}

// serviceKey is what must be unique in the namespace: DNS names do not differ
// by case alone.
func serviceKey(ns *Namespace, name string) string {
	if ns.IsDNS() {
		return strings.ToLower(name)
	}
	return name
}

// CreateService makes a service.
type CreateService struct {
	Name             string
	NamespaceRef     string // id or ARN
	DNSNamespaceRef  string // the deprecated place for it, DnsConfig.NamespaceId
	HTTPOnly         bool   // Type HTTP was asked for
	Description      string
	DNS              *DNSConfig // Policy may be empty, a TTL negative where left out
	HealthCheck      *HealthCheck
	CustomHealth     bool
	Tags             []Tag
	CreatorRequestID string
}

func (c *CreateService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
	tags, err := newTags(c.Name, c.Tags)
	if err == nil {
		err = serviceTags(tags)
	}
	if err != nil {
		return command.Decision{}, err
	}
	ns, err := c.findNamespace(s, r, m)
	if err != nil {
		return command.Decision{}, err
	}
	if ns.Account != m.Account && len(tags) > 0 {
		return command.Decision{}, r.owned(m, ns)
	}
	svc, err := c.service(r, m, ns, tags)
	if err != nil {
		return command.Decision{}, err
	}
	if existing, ok := ns.serviceMeant(m.Account, c.CreatorRequestID, svc.key); ok {
		if c.CreatorRequestID != "" && existing.CreatorRequestID == c.CreatorRequestID && existing.fingerprint == svc.fingerprint {
			return command.Decision{Reply: command.Reply{Value: existing}}, nil
		}
		return command.Decision{}, &ServiceAlreadyExists{ID: existing.ID, Account: existing.Account, CreatorRequestID: existing.CreatorRequestID}
	}
	if limit := v.Quota(ns.Account, &quotaServices); limit > 0 && ns.services.Len() >= limit {
		return command.Decision{}, &command.LimitExceeded{What: quotaServices.What, Limit: limit}
	}
	return command.Decision{
		Changes: []command.Change{putService{svc}, touch{svc.Account, ns.ID, svc.ID}, touch{ns.Account, ns.ID, ""}},
		Reads:   []command.Read{ns.read(), {Key: serviceKeyOf(svc.Account, ns.ID, svc.key)}},
		Reply:   command.Reply{Value: svc},
	}, nil
}

// serviceMeant returns the service that has the name, or else the one that the
// same request of the account made.
func (ns *Namespace) serviceMeant(account command.AccountID, request, key string) (*Service, bool) {
	if svc, ok := ns.services.Get(key); ok {
		return svc, true
	}
	if request == "" {
		return nil, false
	}
	key, ok := ns.servicesByRequest.Get(serviceRequest(account, request))
	if !ok {
		return nil, false
	}
	return ns.services.Get(key)
}

// serviceRequest names a request: accounts that share a namespace choose their
// CreatorRequestIds without knowing of each other.
func serviceRequest(account command.AccountID, request string) string {
	return string(account) + "/" + request
}

func (c *CreateService) findNamespace(s *State, r *Rules, m *command.Meta) (*Namespace, error) {
	ref := c.NamespaceRef
	if ref == "" {
		ref = c.DNSNamespaceRef
	}
	if ref == "" {
		return nil, command.Invalid("Service namespace id cannot be null")
	}
	ns, err := s.FindNamespace(r, m.Account, ref)
	if err != nil || c.DNSNamespaceRef == "" || c.NamespaceRef == "" {
		return ns, err
	}
	if other, err := s.FindNamespace(r, m.Account, c.DNSNamespaceRef); err != nil || other.ID != ns.ID {
		return nil, command.Invalid("NamespaceId %q and DnsConfig.NamespaceId %q name different namespaces", c.NamespaceRef, c.DNSNamespaceRef)
	}
	return ns, nil
}

func (c *CreateService) service(r *Rules, m *command.Meta, ns *Namespace, tags Attributes) (*Service, error) {
	svc := &Service{
		ID: newServiceID(m, r, ns, c.Name), Account: ns.Account, Namespace: ns.ID, Name: c.Name,
		Type: ServiceHTTP, Description: c.Description, HealthCheck: c.HealthCheck, CustomHealth: c.CustomHealth,
		Tags: tags, CreatorRequestID: c.CreatorRequestID, CreatedBy: m.Account, CreateDate: m.Now,
		key: serviceKey(ns, c.Name),
	}
	if err := c.checkType(ns); err != nil {
		return nil, err
	}
	if c.DNS != nil {
		dns, err := newDNSConfig(r, ns, c.Name, c.DNS)
		if err != nil {
			return nil, err
		}
		svc.Type, svc.DNS = ServiceDNSHTTP, dns
	}
	check, err := newHealthCheck(r, ns, svc, c.HealthCheck)
	if err != nil {
		return nil, err
	}
	svc.HealthCheck = check
	svc.fingerprint = svc.parameters(c)
	return svc, nil
}

func (c *CreateService) checkType(ns *Namespace) error {
	switch {
	case !ns.IsDNS() && c.DNS != nil:
		return command.Invalid("When you specify an HTTP service, you can't include a DnsConfig element.")
	case c.HTTPOnly && c.DNS != nil:
		return command.Invalid("When you specify an HTTP service, you can't include a DnsConfig element.")
	case ns.IsDNS() && !c.HTTPOnly && c.DNS == nil:
		return command.Invalid("DnsConfig is required in namespace %s of type %s, unless Type is HTTP", ns.ID, ns.Type)
	}
	return nil
}

// parameters fingerprints what the service was asked to be, after defaults.
func (svc *Service) parameters(c *CreateService) uint64 {
	plain := *svc
	plain.ID, plain.CreateDate, plain.Tags, plain.CreatorRequestID = "", 0, "", ""
	return fingerprint(append([]string{string(plain.encode(nil))}, tagParts(c.Tags)...)...)
}

// UpdateService changes a service. Records and check are replaced by what is
// given, so what is nil is removed; a nil Description stays.
type UpdateService struct {
	Ref         string // id or ARN
	Description *string
	Records     []DNSRecord // nil: no DnsConfig was given
	HealthCheck *HealthCheck
}

func (c *UpdateService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
	svc, err := s.FindService(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	ns, _ := s.Namespace(svc.Account, svc.Namespace)
	if err := r.mayUpdate(m, ns, svc); err != nil {
		return command.Decision{}, err
	}
	if !ns.IsDNS() {
		return command.Decision{}, command.Invalid("Service %s is in an HTTP namespace: it cannot be updated", svc.ID)
	}
	next := *svc
	if c.Description != nil {
		next.Description = *c.Description
	}
	if err := c.changeRecords(r, ns, &next); err != nil {
		return command.Decision{}, err
	}
	if err := c.changeCheck(r, ns, &next); err != nil {
		return command.Decision{}, err
	}
	op := newOperation(m, s.account(m.Account), UpdateServiceOperation, string(svc.ID))
	op.Namespace, op.Service = ns.ID, svc.ID
	op.own(ns.Account)
	changes := []command.Change{putService{&next}, putOperation{op}}
	return command.Decision{
		Changes: append(changes, healthAfterUpdate(r, m, svc, &next)...),
		Reads:   []command.Read{ns.read(), svc.read()},
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

func (c *UpdateService) changeRecords(r *Rules, ns *Namespace, svc *Service) error {
	if c.Records == nil {
		svc.DNS = nil
		return nil
	}
	if svc.Type == ServiceHTTP {
		return command.Invalid("When you specify an HTTP service, you can't include a DnsConfig element.")
	}
	policy := RoutingPolicy("")
	if svc.DNS != nil {
		policy = svc.DNS.Policy
	}
	dns, err := newDNSConfig(r, ns, svc.Name, &DNSConfig{Policy: policy, Records: c.Records})
	if err != nil {
		return err
	}
	// Records that were removed may come back, but not over instances that were
	// registered without the attributes for them.
	had := svc.DNS
	if had == nil && svc.instances.Len() > 0 || had != nil && !slices.Equal(had.types(), dns.types()) {
		return command.Invalid("The record types in the request must be the same as those present in the existing service."+
			" Records in the existing service are %v, but the records in the request are %v."+
			" The record types of a service cannot be changed.", had.types(), dns.types())
	}
	svc.DNS = dns
	return nil
}

func (c *UpdateService) changeCheck(r *Rules, ns *Namespace, svc *Service) error {
	if c.HealthCheck != nil && svc.HealthCheck != nil && c.HealthCheck.Type != svc.HealthCheck.Type {
		return command.Invalid("Type of health check cannot be changed")
	}
	check, err := newHealthCheck(r, ns, svc, c.HealthCheck)
	svc.HealthCheck = check
	if err == nil && check != nil && !r.Strict {
		all := svc.Attributes.Map()
		err = checkFit(svc, all, all)
	}
	return err
}

// healthAfterUpdate starts the health of all instances anew where the service
// has got a check that it did not have.
func healthAfterUpdate(r *Rules, m *command.Meta, old, next *Service) []command.Change {
	if next.HealthCheck == nil || old.HealthCheck != nil {
		return nil
	}
	var changes []command.Change
	for _, inst := range old.instances.All() {
		changes = append(changes, putInstance{next.place(), inst.withHealth(next.initialHealth(r, inst.Attributes()), m.Now)})
	}
	return changes
}

// DeleteService removes a service that has no instances.
type DeleteService struct{ Ref string }

func (c *DeleteService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
	svc, err := s.FindService(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.mayChange(m, svc); err != nil {
		return command.Decision{}, err
	}
	if svc.instances.Len() > 0 {
		text := "Service contains registered instances; delete the instances before deleting the service"
		return command.Decision{}, &command.Conflict{Message: text + r.blockers(svc.instances.Len(), svc.firstInstances(maxBlockers))}
	}
	return command.Decision{
		Changes: []command.Change{
			deleteService{svc.Account, svc.Namespace, svc.key},
			untouch{svc.Account, svc.Namespace, svc.ID},
			touch{svc.Account, svc.Namespace, ""},
		},
		Reads: []command.Read{svc.read(), {Key: touchKey(svc.Account, svc.Namespace, svc.ID), Exists: true}},
	}, nil
}

func (svc *Service) firstInstances(n int) []string {
	var ids []string
	for id := range svc.instances.All() {
		if len(ids) == n {
			break
		}
		ids = append(ids, string(id))
	}
	return ids
}
