package cloudmap

import (
	"github.com/cairn-discovery/cairn/core/registry"
)

// CreateService makes a service.
func (a *API) CreateService(c *call, in *CreateServiceRequest) (*CreateServiceResponse, error) {
	c.target = *in.Name
	cmd := &registry.CreateService{
		Name: *in.Name, NamespaceRef: value(in.NamespaceId), HTTPOnly: in.Type != nil,
		Description: value(in.Description), HealthCheck: healthCheckOf(in.HealthCheckConfig),
		CustomHealth: in.HealthCheckCustomConfig != nil, Tags: tagsOf(in.Tags),
		CreatorRequestID: value(in.CreatorRequestId),
	}
	if d := in.DnsConfig; d != nil {
		cmd.DNSNamespaceRef = value(d.NamespaceId)
		cmd.DNS = &registry.DNSConfig{
			Policy: registry.RoutingPolicy(value(d.RoutingPolicy)), Records: recordsOf(d.DnsRecords),
		}
	}
	reply, err := a.do(c, cmd)
	if err != nil {
		return nil, err
	}
	return &CreateServiceResponse{Service: a.service(c, reply.Value.(*registry.Service))}, nil
}

func healthCheckOf(in *HealthCheckConfig) *registry.HealthCheck {
	if in == nil {
		return nil
	}
	return &registry.HealthCheck{
		Type: registry.HealthCheckType(*in.Type), ResourcePath: value(in.ResourcePath),
		FailureThreshold: value(in.FailureThreshold),
	}
}

// recordsOf is never nil, so that an empty list is not taken for none.
func recordsOf(in []*DnsRecord) []registry.DNSRecord {
	records := []registry.DNSRecord{}
	for _, rec := range in {
		ttl := int64(-1) // left out
		if rec.TTL != nil {
			ttl = *rec.TTL
		}
		records = append(records, registry.DNSRecord{Type: registry.RecordType(*rec.Type), TTL: ttl})
	}
	return records
}

// UpdateService replaces the TTLs and the check of a service.
func (a *API) UpdateService(c *call, in *UpdateServiceRequest) (*UpdateServiceResponse, error) {
	c.target = *in.Id
	cmd := &registry.UpdateService{
		Ref: *in.Id, Description: in.Service.Description,
		HealthCheck: healthCheckOf(in.Service.HealthCheckConfig),
	}
	if d := in.Service.DnsConfig; d != nil {
		cmd.Records = recordsOf(d.DnsRecords)
	}
	id, err := a.asynchronous(c, cmd)
	return &UpdateServiceResponse{OperationId: id}, err
}

// DeleteService removes a service without instances.
func (a *API) DeleteService(c *call, in *DeleteServiceRequest) (*DeleteServiceResponse, error) {
	c.target = *in.Id
	_, err := a.do(c, &registry.DeleteService{Ref: *in.Id})
	return &DeleteServiceResponse{}, err
}

// GetService describes one service.
func (a *API) GetService(c *call, in *GetServiceRequest) (*GetServiceResponse, error) {
	c.target = *in.Id
	svc, err := a.state().Registry.FindService(c.rules, c.account, *in.Id)
	if err != nil {
		return nil, err
	}
	return &GetServiceResponse{Service: a.service(c, svc)}, nil
}

func (a *API) service(c *call, svc *registry.Service) *Service {
	s := a.serviceSummary(c, svc)
	return &Service{
		Arn: s.Arn, CreateDate: s.CreateDate, CreatedByAccount: s.CreatedByAccount,
		CreatorRequestId: svc.CreatorRequestID, Description: s.Description, DnsConfig: s.DnsConfig,
		HealthCheckConfig: s.HealthCheckConfig, HealthCheckCustomConfig: s.HealthCheckCustomConfig,
		Id: s.Id, InstanceCount: s.InstanceCount, Name: s.Name, NamespaceId: string(svc.Namespace),
		ResourceOwner: s.ResourceOwner, Type: s.Type,
	}
}

func (a *API) serviceSummary(c *call, svc *registry.Service) ServiceSummary {
	s := ServiceSummary{
		Arn: c.rules.ServiceARN(svc.Account, svc.ID), CreateDate: svc.CreateDate,
		CreatedByAccount: string(svc.CreatedBy), Description: svc.Description, Id: string(svc.ID),
		InstanceCount: count(svc.InstanceCount()), Name: svc.Name, ResourceOwner: string(svc.Account),
		Type: ServiceType(svc.Type), DnsConfig: dnsConfig(svc), HealthCheckConfig: healthCheckConfig(svc.HealthCheck),
	}
	if svc.CustomHealth {
		// The threshold is deprecated and always reads 1.
		s.HealthCheckCustomConfig = &HealthCheckCustomConfig{FailureThreshold: new(int64(1))}
	}
	return s
}

func dnsConfig(svc *registry.Service) *DnsConfig {
	if svc.DNS == nil {
		return nil
	}
	d := &DnsConfig{
		NamespaceId:   new(string(svc.Namespace)),
		RoutingPolicy: new(RoutingPolicy(svc.DNS.Policy)),
		DnsRecords:    []*DnsRecord{},
	}
	for _, rec := range svc.DNS.Records {
		d.DnsRecords = append(d.DnsRecords, &DnsRecord{Type: new(RecordType(rec.Type)), TTL: new(rec.TTL)})
	}
	return d
}

func healthCheckConfig(h *registry.HealthCheck) *HealthCheckConfig {
	if h == nil {
		return nil
	}
	out := &HealthCheckConfig{Type: new(HealthCheckType(h.Type)), FailureThreshold: new(h.FailureThreshold)}
	if h.ResourcePath != "" {
		out.ResourcePath = new(h.ResourcePath)
	}
	return out
}

// ListServices lists the services that all filters let through.
func (a *API) ListServices(c *call, in *ListServicesRequest) (*ListServicesResponse, error) {
	wanted, err := serviceFilter(c, in.Filters)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, "ListServices", in.Filters, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListServicesResponse{Services: []ServiceSummary{}}
	for id, svc := range a.state().Registry.VisibleServices(c.rules, c.account, registry.ServiceID(p.after)) {
		if !wanted(svc) {
			continue
		}
		if !p.take(string(id)) {
			break
		}
		out.Services = append(out.Services, a.serviceSummary(c, svc))
	}
	out.NextToken = p.next
	return out, nil
}

// GetServiceAttributes returns the attributes of a service itself.
func (a *API) GetServiceAttributes(c *call, in *GetServiceAttributesRequest) (*GetServiceAttributesResponse, error) {
	c.target = *in.ServiceId
	svc, err := a.state().Registry.FindService(c.rules, c.account, *in.ServiceId)
	if err != nil {
		return nil, err
	}
	return &GetServiceAttributesResponse{ServiceAttributes: &ServiceAttributes{
		Attributes: svc.Attributes.Map(), ResourceOwner: string(svc.Account),
		ServiceArn: c.rules.ServiceARN(svc.Account, svc.ID),
	}}, nil
}

// UpdateServiceAttributes adds or replaces attributes of a service itself.
func (a *API) UpdateServiceAttributes(c *call, in *UpdateServiceAttributesRequest) (*UpdateServiceAttributesResponse, error) {
	c.target = *in.ServiceId
	_, err := a.do(c, &registry.UpdateServiceAttributes{Ref: *in.ServiceId, Attributes: in.Attributes})
	return &UpdateServiceAttributesResponse{}, err
}

// DeleteServiceAttributes removes attributes of a service itself.
func (a *API) DeleteServiceAttributes(c *call, in *DeleteServiceAttributesRequest) (*DeleteServiceAttributesResponse, error) {
	c.target = *in.ServiceId
	_, err := a.do(c, &registry.DeleteServiceAttributes{Ref: *in.ServiceId, Keys: in.Attributes})
	return &DeleteServiceAttributesResponse{}, err
}
