package registry

import (
	"github.com/cairn-discovery/cairn/core/command"
)

// CreateService creates a service. Reply.Value is the *Service.
type CreateService struct {
	Name             string
	NamespaceRef     string // id or ARN
	DNSNamespaceRef  string // the deprecated DnsConfig.NamespaceId
	HTTPOnly         bool   // Type is HTTP
	Description      string
	DNS              *DNSConfig // Policy may be empty; a missing TTL is negative
	HealthCheck      *HealthCheck
	CustomHealth     bool
	Tags             []Tag
	CreatorRequestID string
}

func (c *CreateService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
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
	if existing, ok := ns.existingService(m.Account, c.CreatorRequestID, svc.key); ok {
		if c.CreatorRequestID != "" && existing.CreatorRequestID == c.CreatorRequestID && existing.fingerprint == svc.fingerprint {
			return command.Decision{Reply: command.Reply{Value: existing}}, nil
		}
		return command.Decision{}, &ServiceAlreadyExists{ID: existing.ID, Account: existing.Account, CreatorRequestID: existing.CreatorRequestID}
	}
	if limit := v.Quota(ns.Account, &quotaServices); limit > 0 && ns.services.Len() >= limit {
		return command.Decision{}, r.limitExceeded(&quotaServices, limit)
	}
	return command.Decision{
		Changes: []command.Change{putService{svc}, s.firstRevision(svc), bumpRevision{account: ns.Account, namespace: ns.ID}},
		Reads:   []command.Read{ns.Read(), {Key: serviceKeyOf(svc.Account, ns.ID, svc.key)}},
		Reply:   command.Reply{Value: svc},
	}, nil
}

// firstRevision returns the change that sets the InstancesRevision of a new service. It
// is higher than that of every deleted service of the account, so that it does not
// fall if a service is created again.
func (s *State) firstRevision(svc *Service) bumpRevision {
	return bumpRevision{account: svc.Account, namespace: svc.Namespace, service: svc.ID, revision: s.account(svc.Account).lastRevision + 1}
}

// existingService returns the service with the key, or the service that the same
// request of the account created.
func (ns *Namespace) existingService(account command.AccountID, request, key string) (*Service, bool) {
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

// serviceRequest identifies a request. Accounts that share a namespace choose their
// CreatorRequestIds independently.
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
	if err := c.checkType(r, ns); err != nil {
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

func (c *CreateService) checkType(r *Rules, ns *Namespace) error {
	switch {
	case !ns.IsDNS() && c.DNS != nil:
		return r.invalid("When you create a service using a namespace that has a type of HTTP, you can't include a DnsConfig element.",
			"When you specify an HTTP service, you can't include a DnsConfig element.")
	case c.HTTPOnly && c.DNS != nil:
		return command.Invalid("When you specify an HTTP service, you can't include a DnsConfig element.")
	case ns.IsDNS() && !c.HTTPOnly && c.DNS == nil:
		return command.Invalid("DnsConfig is required in namespace %s of type %s, unless Type is HTTP", ns.ID, ns.Type)
	}
	return nil
}

// parameters returns the fingerprint of the requested service, defaults included.
func (svc *Service) parameters(c *CreateService) uint64 {
	plain := *svc
	plain.ID, plain.CreateDate, plain.Tags, plain.CreatorRequestID = "", 0, "", ""
	return fingerprint(append([]string{string(plain.encode(nil))}, tagParts(c.Tags)...)...)
}
