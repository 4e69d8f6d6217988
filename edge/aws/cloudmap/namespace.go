package cloudmap

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// CreateHttpNamespace makes a namespace without DNS.
func (a *api) CreateHttpNamespace(ctx context.Context, c *service.Call, in *CreateHttpNamespaceRequest) (*CreateHttpNamespaceResponse, error) {
	id, err := a.createNamespace(ctx, c, &registry.CreateNamespace{
		Type: registry.HTTP, Name: *in.Name, Description: service.Value(in.Description),
		Tags: tagsOf(in.Tags), CreatorRequestID: service.Value(in.CreatorRequestId),
	})
	return &CreateHttpNamespaceResponse{OperationId: id}, err
}

// CreatePrivateDnsNamespace makes a namespace whose zone only a VPC sees.
func (a *api) CreatePrivateDnsNamespace(ctx context.Context, c *service.Call, in *CreatePrivateDnsNamespaceRequest) (*CreatePrivateDnsNamespaceResponse, error) {
	cmd := &registry.CreateNamespace{
		Type: registry.DNSPrivate, Name: *in.Name, VPC: *in.Vpc, Description: service.Value(in.Description),
		Tags: tagsOf(in.Tags), CreatorRequestID: service.Value(in.CreatorRequestId),
	}
	if p := in.Properties; p != nil {
		cmd.SOATTL = p.DnsProperties.SOA.TTL
	}
	id, err := a.createNamespace(ctx, c, cmd)
	return &CreatePrivateDnsNamespaceResponse{OperationId: id}, err
}

// CreatePublicDnsNamespace makes a namespace whose zone everybody sees.
func (a *api) CreatePublicDnsNamespace(ctx context.Context, c *service.Call, in *CreatePublicDnsNamespaceRequest) (*CreatePublicDnsNamespaceResponse, error) {
	cmd := &registry.CreateNamespace{
		Type: registry.DNSPublic, Name: *in.Name, Description: service.Value(in.Description),
		Tags: tagsOf(in.Tags), CreatorRequestID: service.Value(in.CreatorRequestId),
	}
	if p := in.Properties; p != nil {
		cmd.SOATTL = p.DnsProperties.SOA.TTL
	}
	id, err := a.createNamespace(ctx, c, cmd)
	return &CreatePublicDnsNamespaceResponse{OperationId: id}, err
}

func (a *api) createNamespace(ctx context.Context, c *service.Call, cmd *registry.CreateNamespace) (string, error) {
	c.Target = cmd.Name
	cmd.NewKey = a.newKey(cmd.Tags)
	return a.proposeOperation(ctx, c, cmd)
}

// UpdateHttpNamespace changes the description.
func (a *api) UpdateHttpNamespace(ctx context.Context, c *service.Call, in *UpdateHttpNamespaceRequest) (*UpdateHttpNamespaceResponse, error) {
	id, err := a.updateNamespace(ctx, c, &registry.UpdateNamespace{
		Ref: *in.Id, Type: registry.HTTP, Description: in.Namespace.Description,
		UpdaterRequestID: service.Value(in.UpdaterRequestId),
	})
	return &UpdateHttpNamespaceResponse{OperationId: id}, err
}

// UpdatePrivateDnsNamespace changes the description or the SOA's TTL.
func (a *api) UpdatePrivateDnsNamespace(ctx context.Context, c *service.Call, in *UpdatePrivateDnsNamespaceRequest) (*UpdatePrivateDnsNamespaceResponse, error) {
	cmd := &registry.UpdateNamespace{
		Ref: *in.Id, Type: registry.DNSPrivate, Description: in.Namespace.Description,
		UpdaterRequestID: service.Value(in.UpdaterRequestId),
	}
	if p := in.Namespace.Properties; p != nil {
		cmd.SOATTL = p.DnsProperties.SOA.TTL
	}
	id, err := a.updateNamespace(ctx, c, cmd)
	return &UpdatePrivateDnsNamespaceResponse{OperationId: id}, err
}

// UpdatePublicDnsNamespace changes the description or the SOA's TTL.
func (a *api) UpdatePublicDnsNamespace(ctx context.Context, c *service.Call, in *UpdatePublicDnsNamespaceRequest) (*UpdatePublicDnsNamespaceResponse, error) {
	cmd := &registry.UpdateNamespace{
		Ref: *in.Id, Type: registry.DNSPublic, Description: in.Namespace.Description,
		UpdaterRequestID: service.Value(in.UpdaterRequestId),
	}
	if p := in.Namespace.Properties; p != nil {
		cmd.SOATTL = p.DnsProperties.SOA.TTL
	}
	id, err := a.updateNamespace(ctx, c, cmd)
	return &UpdatePublicDnsNamespaceResponse{OperationId: id}, err
}

func (a *api) updateNamespace(ctx context.Context, c *service.Call, cmd *registry.UpdateNamespace) (string, error) {
	c.Target = cmd.Ref
	return a.proposeOperation(ctx, c, cmd)
}

// DeleteNamespace removes a namespace without services.
func (a *api) DeleteNamespace(ctx context.Context, c *service.Call, in *DeleteNamespaceRequest) (*DeleteNamespaceResponse, error) {
	c.Target = *in.Id
	id, err := a.proposeOperation(ctx, c, &registry.DeleteNamespace{Ref: *in.Id})
	return &DeleteNamespaceResponse{OperationId: id}, err
}

// GetNamespace describes one namespace.
func (a *api) GetNamespace(_ context.Context, c *service.Call, in *GetNamespaceRequest) (*GetNamespaceResponse, error) {
	c.Target = *in.Id
	ns, err := c.State.Registry.FindNamespace(&c.Rules.Registry, c.Account, *in.Id)
	if err != nil {
		return nil, err
	}
	properties := namespaceProperties(ns)
	properties.DnsProperties.DNSSEC = dnssecOf(ns, time.Now())
	return &GetNamespaceResponse{Namespace: &Namespace{
		Arn: c.Rules.Registry.NamespaceARN(ns.Account, ns.ID), CreateDate: timestamp.Milliseconds(ns.CreateDate),
		CreatorRequestId: ns.CreatorRequestID, Description: ns.Description, Id: string(ns.ID),
		Name: ns.Name, Properties: properties, ResourceOwner: string(ns.Account),
		ServiceCount: count(ns.ServiceCount()), Type: NamespaceType(ns.Type),
	}}, nil
}

// ListNamespaces lists the namespaces that all filters let through.
func (a *api) ListNamespaces(_ context.Context, c *service.Call, in *ListNamespacesRequest) (*ListNamespacesResponse, error) {
	wanted, err := namespaceFilter(c, in.Filters)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, in.Filters, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListNamespacesResponse{Namespaces: []NamespaceSummary{}}
	for id, ns := range c.State.Registry.VisibleNamespaces(&c.Rules.Registry, c.Account, registry.NamespaceID(p.After)) {
		if !wanted(ns) {
			continue
		}
		if !p.Add(string(id)) {
			break
		}
		out.Namespaces = append(out.Namespaces, NamespaceSummary{
			Arn: c.Rules.Registry.NamespaceARN(ns.Account, ns.ID), CreateDate: timestamp.Milliseconds(ns.CreateDate),
			Description: ns.Description, Id: string(ns.ID), Name: ns.Name,
			Properties: namespaceProperties(ns), ResourceOwner: string(ns.Account),
			ServiceCount: count(ns.ServiceCount()), Type: NamespaceType(ns.Type),
		})
	}
	out.NextToken = p.Next
	return out, nil
}

func namespaceProperties(ns *registry.Namespace) *NamespaceProperties {
	p := &NamespaceProperties{
		DnsProperties:  &DnsProperties{HostedZoneId: ns.HostedZoneID},
		HttpProperties: &HttpProperties{HttpName: ns.HTTPName},
	}
	if ns.IsDNS() {
		p.DnsProperties.SOA = &SOA{TTL: &ns.SOATTL}
	}
	return p
}

func count(n int) *int64 { return new(int64(n)) }
