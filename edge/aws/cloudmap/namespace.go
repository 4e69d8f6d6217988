package cloudmap

import (
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// CreateHttpNamespace makes a namespace without DNS.
func (a *API) CreateHttpNamespace(c *call, in *CreateHttpNamespaceRequest) (*CreateHttpNamespaceResponse, error) {
	id, err := a.createNamespace(c, &registry.CreateNamespace{
		Type: registry.HTTP, Name: *in.Name, Description: value(in.Description),
		Tags: tagsOf(in.Tags), CreatorRequestID: value(in.CreatorRequestId),
	})
	return &CreateHttpNamespaceResponse{OperationId: id}, err
}

// CreatePrivateDnsNamespace makes a namespace whose zone only a VPC sees.
func (a *API) CreatePrivateDnsNamespace(c *call, in *CreatePrivateDnsNamespaceRequest) (*CreatePrivateDnsNamespaceResponse, error) {
	cmd := &registry.CreateNamespace{
		Type: registry.DNSPrivate, Name: *in.Name, VPC: *in.Vpc, Description: value(in.Description),
		Tags: tagsOf(in.Tags), CreatorRequestID: value(in.CreatorRequestId),
	}
	if p := in.Properties; p != nil {
		cmd.SOATTL = p.DnsProperties.SOA.TTL
	}
	id, err := a.createNamespace(c, cmd)
	return &CreatePrivateDnsNamespaceResponse{OperationId: id}, err
}

// CreatePublicDnsNamespace makes a namespace whose zone everybody sees.
func (a *API) CreatePublicDnsNamespace(c *call, in *CreatePublicDnsNamespaceRequest) (*CreatePublicDnsNamespaceResponse, error) {
	cmd := &registry.CreateNamespace{
		Type: registry.DNSPublic, Name: *in.Name, Description: value(in.Description),
		Tags: tagsOf(in.Tags), CreatorRequestID: value(in.CreatorRequestId),
	}
	if p := in.Properties; p != nil {
		cmd.SOATTL = p.DnsProperties.SOA.TTL
	}
	id, err := a.createNamespace(c, cmd)
	return &CreatePublicDnsNamespaceResponse{OperationId: id}, err
}

func (a *API) createNamespace(c *call, cmd *registry.CreateNamespace) (string, error) {
	c.target = cmd.Name
	cmd.NewKey = a.newKey(cmd.Tags)
	return a.asynchronous(c, cmd)
}

// asynchronous carries out a command that AWS answers with an operation.
func (a *API) asynchronous(c *call, cmd command.Command) (string, error) {
	reply, err := a.do(c, cmd)
	return reply.ID, err
}

// UpdateHttpNamespace changes the description.
func (a *API) UpdateHttpNamespace(c *call, in *UpdateHttpNamespaceRequest) (*UpdateHttpNamespaceResponse, error) {
	id, err := a.updateNamespace(c, &registry.UpdateNamespace{
		Ref: *in.Id, Type: registry.HTTP, Description: in.Namespace.Description,
		UpdaterRequestID: value(in.UpdaterRequestId),
	})
	return &UpdateHttpNamespaceResponse{OperationId: id}, err
}

// UpdatePrivateDnsNamespace changes the description or the SOA's TTL.
func (a *API) UpdatePrivateDnsNamespace(c *call, in *UpdatePrivateDnsNamespaceRequest) (*UpdatePrivateDnsNamespaceResponse, error) {
	cmd := &registry.UpdateNamespace{
		Ref: *in.Id, Type: registry.DNSPrivate, Description: in.Namespace.Description,
		UpdaterRequestID: value(in.UpdaterRequestId),
	}
	if p := in.Namespace.Properties; p != nil {
		cmd.SOATTL = p.DnsProperties.SOA.TTL
	}
	id, err := a.updateNamespace(c, cmd)
	return &UpdatePrivateDnsNamespaceResponse{OperationId: id}, err
}

// UpdatePublicDnsNamespace changes the description or the SOA's TTL.
func (a *API) UpdatePublicDnsNamespace(c *call, in *UpdatePublicDnsNamespaceRequest) (*UpdatePublicDnsNamespaceResponse, error) {
	cmd := &registry.UpdateNamespace{
		Ref: *in.Id, Type: registry.DNSPublic, Description: in.Namespace.Description,
		UpdaterRequestID: value(in.UpdaterRequestId),
	}
	if p := in.Namespace.Properties; p != nil {
		cmd.SOATTL = p.DnsProperties.SOA.TTL
	}
	id, err := a.updateNamespace(c, cmd)
	return &UpdatePublicDnsNamespaceResponse{OperationId: id}, err
}

func (a *API) updateNamespace(c *call, cmd *registry.UpdateNamespace) (string, error) {
	c.target = cmd.Ref
	return a.asynchronous(c, cmd)
}

// DeleteNamespace removes a namespace without services.
func (a *API) DeleteNamespace(c *call, in *DeleteNamespaceRequest) (*DeleteNamespaceResponse, error) {
	c.target = *in.Id
	id, err := a.asynchronous(c, &registry.DeleteNamespace{Ref: *in.Id})
	return &DeleteNamespaceResponse{OperationId: id}, err
}

// GetNamespace describes one namespace.
func (a *API) GetNamespace(c *call, in *GetNamespaceRequest) (*GetNamespaceResponse, error) {
	c.target = *in.Id
	ns, err := a.state().Registry.FindNamespace(c.rules, c.account, *in.Id)
	if err != nil {
		return nil, err
	}
	properties := namespaceProperties(ns)
	properties.DnsProperties.DNSSEC = dnssecOf(ns, time.Now())
	return &GetNamespaceResponse{Namespace: &Namespace{
		Arn: c.rules.NamespaceARN(ns.Account, ns.ID), CreateDate: ns.CreateDate,
		CreatorRequestId: ns.CreatorRequestID, Description: ns.Description, Id: string(ns.ID),
		Name: ns.Name, Properties: properties, ResourceOwner: string(ns.Account),
		ServiceCount: count(ns.ServiceCount()), Type: NamespaceType(ns.Type),
	}}, nil
}

// ListNamespaces lists the namespaces that all filters let through.
func (a *API) ListNamespaces(c *call, in *ListNamespacesRequest) (*ListNamespacesResponse, error) {
	wanted, err := namespaceFilter(c, in.Filters)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, "ListNamespaces", in.Filters, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListNamespacesResponse{Namespaces: []NamespaceSummary{}}
	for id, ns := range a.state().Registry.VisibleNamespaces(c.rules, c.account, registry.NamespaceID(p.after)) {
		if !wanted(ns) {
			continue
		}
		if !p.take(string(id)) {
			break
		}
		out.Namespaces = append(out.Namespaces, NamespaceSummary{
			Arn: c.rules.NamespaceARN(ns.Account, ns.ID), CreateDate: ns.CreateDate,
			Description: ns.Description, Id: string(ns.ID), Name: ns.Name,
			Properties: namespaceProperties(ns), ResourceOwner: string(ns.Account),
			ServiceCount: count(ns.ServiceCount()), Type: NamespaceType(ns.Type),
		})
	}
	out.NextToken = p.next
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
