package cloudmap

import (
	"context"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// CreateService makes a service.
func (a *api) CreateService(ctx context.Context, c *service.Call, in *CreateServiceRequest) (*CreateServiceResponse, error) {
	c.Target = *in.Name
	cmd := &registry.CreateService{
		Name: *in.Name, NamespaceRef: service.Value(in.NamespaceId), HTTPOnly: in.Type != nil,
		Description: service.Value(in.Description), HealthCheck: healthCheckOf(in.HealthCheckConfig),
		CustomHealth: in.HealthCheckCustomConfig != nil, Tags: tagsOf(in.Tags),
		CreatorRequestID: service.Value(in.CreatorRequestId),
	}
	if d := in.DnsConfig; d != nil {
		cmd.DNSNamespaceRef = service.Value(d.NamespaceId)
		cmd.DNS = &registry.DNSConfig{
			Policy: registry.RoutingPolicy(service.Value(d.RoutingPolicy)), Records: recordsOf(d.DnsRecords),
		}
	}
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &CreateServiceResponse{Service: serviceOf(c, reply.Value.(*registry.Service))}, nil
}

func healthCheckOf(in *HealthCheckConfig) *registry.HealthCheck {
	if in == nil {
		return nil
	}
	return &registry.HealthCheck{
		Type: registry.HealthCheckType(*in.Type), ResourcePath: service.Value(in.ResourcePath),
		FailureThreshold: service.Value(in.FailureThreshold),
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
func (a *api) UpdateService(ctx context.Context, c *service.Call, in *UpdateServiceRequest) (*UpdateServiceResponse, error) {
	c.Target = *in.Id
	cmd := &registry.UpdateService{
		Ref: *in.Id, Description: in.Service.Description,
		HealthCheck: healthCheckOf(in.Service.HealthCheckConfig),
	}
	if d := in.Service.DnsConfig; d != nil {
		cmd.Records = recordsOf(d.DnsRecords)
	}
	id, err := a.proposeOperation(ctx, c, cmd)
	return &UpdateServiceResponse{OperationId: id}, err
}

// DeleteService removes a service without instances.
func (a *api) DeleteService(ctx context.Context, c *service.Call, in *DeleteServiceRequest) (*DeleteServiceResponse, error) {
	c.Target = *in.Id
	_, err := c.Propose(ctx, &registry.DeleteService{Ref: *in.Id})
	return &DeleteServiceResponse{}, err
}

// GetService describes one service.
func (a *api) GetService(_ context.Context, c *service.Call, in *GetServiceRequest) (*GetServiceResponse, error) {
	c.Target = *in.Id
	svc, err := c.State.Registry.FindService(&c.Rules.Registry, c.Account, *in.Id)
	if err != nil {
		return nil, err
	}
	return &GetServiceResponse{Service: serviceOf(c, svc)}, nil
}

func serviceOf(c *service.Call, svc *registry.Service) *Service {
	s := serviceSummary(c, svc)
	return &Service{
		Arn: s.Arn, CreateDate: s.CreateDate, CreatedByAccount: s.CreatedByAccount,
		CreatorRequestId: svc.CreatorRequestID, Description: s.Description, DnsConfig: s.DnsConfig,
		HealthCheckConfig: s.HealthCheckConfig, HealthCheckCustomConfig: s.HealthCheckCustomConfig,
		Id: s.Id, InstanceCount: s.InstanceCount, Name: s.Name, NamespaceId: string(svc.Namespace),
		ResourceOwner: s.ResourceOwner, Type: s.Type,
	}
}

func serviceSummary(c *service.Call, svc *registry.Service) ServiceSummary {
	s := ServiceSummary{
		Arn: c.Rules.Registry.ServiceARN(svc.Account, svc.ID), CreateDate: timestamp.Milliseconds(svc.CreateDate),
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
func (a *api) ListServices(_ context.Context, c *service.Call, in *ListServicesRequest) (*ListServicesResponse, error) {
	wanted, err := serviceFilter(c, in.Filters)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, in.Filters, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListServicesResponse{Services: []ServiceSummary{}}
	for id, svc := range c.State.Registry.VisibleServices(&c.Rules.Registry, c.Account, registry.ServiceID(p.After)) {
		if !wanted(svc) {
			continue
		}
		if !p.Add(string(id)) {
			break
		}
		out.Services = append(out.Services, serviceSummary(c, svc))
	}
	out.NextToken = p.Next
	return out, nil
}

// GetServiceAttributes returns the attributes of a service itself.
func (a *api) GetServiceAttributes(_ context.Context, c *service.Call, in *GetServiceAttributesRequest) (*GetServiceAttributesResponse, error) {
	c.Target = *in.ServiceId
	svc, err := c.State.Registry.FindService(&c.Rules.Registry, c.Account, *in.ServiceId)
	if err != nil {
		return nil, err
	}
	return &GetServiceAttributesResponse{ServiceAttributes: &ServiceAttributes{
		Attributes: svc.Attributes.Map(), ResourceOwner: string(svc.Account),
		ServiceArn: c.Rules.Registry.ServiceARN(svc.Account, svc.ID),
	}}, nil
}

// UpdateServiceAttributes adds or replaces attributes of a service itself.
func (a *api) UpdateServiceAttributes(ctx context.Context, c *service.Call, in *UpdateServiceAttributesRequest) (*UpdateServiceAttributesResponse, error) {
	c.Target = *in.ServiceId
	_, err := c.Propose(ctx, &registry.UpdateServiceAttributes{Ref: *in.ServiceId, Attributes: in.Attributes})
	return &UpdateServiceAttributesResponse{}, err
}

// DeleteServiceAttributes removes attributes of a service itself.
func (a *api) DeleteServiceAttributes(ctx context.Context, c *service.Call, in *DeleteServiceAttributesRequest) (*DeleteServiceAttributesResponse, error) {
	c.Target = *in.ServiceId
	_, err := c.Propose(ctx, &registry.DeleteServiceAttributes{Ref: *in.ServiceId, Keys: in.Attributes})
	return &DeleteServiceAttributesResponse{}, err
}
