package cloudmap

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Permit decides on what a caller asks for.
type Permit interface {
	// Context gives the condition keys that every request has.
	access.Context
	// Permit returns nil, or the error to answer with.
	Permit(*access.Request) error
}

// authorization is what a call is about, in the terms of IAM; see "Actions,
// resources, and condition keys for AWS Cloud Map" in the Service Authorization
// Reference.
type authorization struct {
	access.Request
	c *call
	// Values of the condition keys of Cloud Map; nil where the call has none.
	namespaceARN, serviceARN, createdBy []string
	namespaceName, serviceName          []string
	tags                                []*Tag
	tagKeys                             []string

	room  [2]access.Resource // for Resources
	names [3]string          // for namespaceName, up to two, and serviceName
}

// authorize asks whether the caller may do what the input says.
func (c *call) authorize(in input) error {
	a := &authorization{c: c}
	a.Action, a.Context = "servicediscovery:"+c.action, a
	a.Resources = a.room[:0]
	a.describe(in)
	if err := c.permit.Permit(&a.Request); err != nil {
		return err
	}
	return a.authorizeTags(in)
}

// authorizeTags asks once more where something is created with tags, which
// takes the permission to tag it.
func (a *authorization) authorizeTags(in input) error {
	kind := "namespace/*"
	switch in.(type) {
	case *CreateHttpNamespaceRequest, *CreatePrivateDnsNamespaceRequest, *CreatePublicDnsNamespaceRequest:
	case *CreateServiceRequest:
		kind = "service/*"
	default:
		return nil
	}
	if len(a.tags) == 0 {
		return nil
	}
	a.Action = "servicediscovery:TagResource"
	a.Resources = append(a.room[:0], access.Resource{ARN: a.c.rules.ARN(a.c.account, kind)})
	return a.c.permit.Permit(&a.Request)
}

// describe fills in the resources and condition keys. What the registry does
// not know is described by what the caller said, so a refusal does not tell
// whether there is something.
func (a *authorization) describe(in input) {
	switch in := in.(type) {
	case *CreateHttpNamespaceRequest:
		a.anything(in.Tags)
	case *CreatePrivateDnsNamespaceRequest:
		a.anything(in.Tags)
	case *CreatePublicDnsNamespaceRequest:
		a.anything(in.Tags)
	case *CreateServiceRequest:
		a.createService(in)
	case *DeleteNamespaceRequest:
		a.namespace(*in.Id)
	case *GetNamespaceRequest:
		a.namespace(*in.Id)
	case *UpdateHttpNamespaceRequest:
		a.namespace(*in.Id)
	case *UpdatePrivateDnsNamespaceRequest:
		a.namespace(*in.Id)
	case *UpdatePublicDnsNamespaceRequest:
		a.namespace(*in.Id)
	case *DiscoverInstancesRequest:
		a.discovery(*in.NamespaceName, *in.ServiceName, in.OwnerAccount)
	case *DiscoverInstancesRevisionRequest:
		a.discovery(*in.NamespaceName, *in.ServiceName, in.OwnerAccount)
	case *GetOperationRequest:
		a.operation(in)
	case *TagResourceRequest:
		a.tagged(*in.ResourceARN)
		a.withTags(in.Tags)
	case *UntagResourceRequest:
		a.tagged(*in.ResourceARN)
		a.tagKeys = in.TagKeys
	case *ListNamespacesRequest, *ListServicesRequest, *ListOperationsRequest, *ListTagsForResourceRequest:
		a.anything(nil)
	default:
		a.ofService(in)
	}
}

// ofService describes the operations on one service. An input that is not in
// any list here leaves no resource, and nothing is allowed on that.
func (a *authorization) ofService(in input) {
	switch in := in.(type) {
	case *DeleteServiceRequest:
		a.service(*in.Id)
	case *GetServiceRequest:
		a.service(*in.Id)
	case *UpdateServiceRequest:
		a.service(*in.Id)
	case *GetServiceAttributesRequest:
		a.service(*in.ServiceId)
	case *UpdateServiceAttributesRequest:
		a.service(*in.ServiceId)
	case *DeleteServiceAttributesRequest:
		a.service(*in.ServiceId)
	case *RegisterInstanceRequest:
		a.service(*in.ServiceId)
	case *DeregisterInstanceRequest:
		a.service(*in.ServiceId)
	case *UpdateInstanceCustomHealthStatusRequest:
		a.service(*in.ServiceId)
	case *GetInstanceRequest:
		a.service(*in.ServiceId)
	case *GetInstancesHealthStatusRequest:
		a.service(*in.ServiceId)
	case *ListInstancesRequest:
		a.service(*in.ServiceId)
	}
}

func (a *authorization) anything(tags []*Tag) {
	a.Resources = append(a.Resources, access.Resource{ARN: "*"})
	a.withTags(tags)
}

func (a *authorization) withTags(tags []*Tag) {
	a.tags = tags
	for _, t := range tags {
		a.tagKeys = append(a.tagKeys, *t.Key)
	}
}

func (a *authorization) registry() *registry.State { return &a.c.api.state().Registry }

// arn returns the ARN that a reference to a resource means.
func (a *authorization) arn(kind, ref string) string {
	if strings.HasPrefix(ref, "arn:") {
		return ref
	}
	return a.c.rules.ARN(a.c.account, kind+"/"+ref)
}

func (a *authorization) namespace(ref string) {
	r := access.Resource{ARN: a.arn("namespace", ref)}
	if ns, err := a.registry().FindNamespace(a.c.rules, a.c.account, ref); err == nil {
		r.Tags = (*namespaceTags)(ns)
	}
	a.Resources = append(a.Resources, r)
	a.namespaceARN = []string{r.ARN}
}

func (a *authorization) service(ref string) {
	r := access.Resource{ARN: a.arn("service", ref)}
	if svc, err := a.registry().FindService(a.c.rules, a.c.account, ref); err == nil {
		r.Tags = (*serviceTags)(svc)
		a.createdBy = []string{string(svc.CreatedBy)}
	}
	a.Resources = append(a.Resources, r)
	a.serviceARN = []string{r.ARN}
}

// createService is about the namespace; the service is not there yet, so only
// denials of all services can hit it.
func (a *authorization) createService(in *CreateServiceRequest) {
	ref := value(in.NamespaceId)
	if ref == "" && in.DnsConfig != nil {
		ref = value(in.DnsConfig.NamespaceId)
	}
	a.namespace(ref)
	a.withTags(in.Tags)
	owner, _, err := a.c.rules.ID(a.c.account, "namespace", ref)
	if err != nil {
		owner = a.c.account // the handler says what is wrong with it
	}
	a.Resources = append(a.Resources, access.Resource{ARN: a.c.rules.ARN(owner, "service/*"), Optional: true})
}

// discovery is by names, of which one thing can have several; the condition keys
// have those that the registry knows, so that a policy on one name cannot be
// got around with another or with other case.
func (a *authorization) discovery(namespace, service string, owner *string) {
	a.names = [3]string{namespace, "", service}
	a.namespaceName, a.serviceName = a.names[:1:1], a.names[2:]
	account := a.c.account
	if owner != nil {
		account = command.AccountID(*owner)
	}
	var nsr, svcr access.Resource
	if ns, ok := a.registry().NamespaceForDiscovery(a.c.rules, a.c.account, account, namespace); ok {
		nsr = access.Resource{ARN: a.c.rules.NamespaceARN(ns.Account, ns.ID), Tags: (*namespaceTags)(ns)}
		if a.names[0] = ns.HTTPName; ns.Name != ns.HTTPName {
			a.names[1] = ns.Name
			a.namespaceName = a.names[:2:2]
		}
		if svc, ok := ns.Service(service); ok {
			svcr = access.Resource{ARN: a.c.rules.ServiceARN(svc.Account, svc.ID), Tags: (*serviceTags)(svc)}
			a.names[2] = svc.Name
		}
	}
	if nsr.ARN == "" {
		nsr.ARN = a.c.rules.ARN(account, "namespace/*")
	}
	if svcr.ARN == "" {
		svcr.ARN = a.c.rules.ARN(account, "service/*")
	}
	a.Resources = append(a.Resources, nsr, svcr)
}

// operation is about the namespace, and the service, that an operation was on.
func (a *authorization) operation(in *GetOperationRequest) {
	namespace, service, account := "*", "", a.c.account
	if op, err := a.registry().Operation(a.c.account, registry.OperationID(*in.OperationId)); err == nil {
		namespace, service, account = string(op.Namespace), string(op.Service), op.OwnerAccount()
	}
	a.namespace(a.c.rules.ARN(account, "namespace/"+namespace))
	if service != "" {
		a.service(a.c.rules.ARN(account, "service/"+service))
		a.Resources[1].Optional = true
	}
}

// tagged is about whatever the ARN names.
func (a *authorization) tagged(arn string) {
	r := access.Resource{ARN: arn}
	if ns, svc, err := a.registry().FindResource(a.c.rules, a.c.account, arn); err == nil {
		if ns != nil {
			r.Tags = (*namespaceTags)(ns)
		} else {
			r.Tags = (*serviceTags)(svc)
		}
	}
	a.Resources = append(a.Resources, r)
}

// Values implements access.Context. Of the keys of Cloud Map an action has those
// that its row in the reference names, and no others.
func (a *authorization) Values(key string) []string {
	if strings.HasPrefix(key, "servicediscovery:") && !access.HasKey(a.Action, key) {
		return nil
	}
	switch key {
	case "servicediscovery:namespacearn":
		return a.namespaceARN
	case "servicediscovery:servicearn":
		return a.serviceARN
	case "servicediscovery:servicecreatedbyaccount":
		return a.createdBy
	case "servicediscovery:namespacename":
		return a.namespaceName
	case "servicediscovery:servicename":
		return a.serviceName
	case "aws:tagkeys":
		return a.tagKeys
	}
	if tag, ok := strings.CutPrefix(key, "aws:requesttag/"); ok {
		var values []string
		for _, t := range a.tags {
			if strings.EqualFold(*t.Key, tag) {
				values = append(values, *t.Value)
			}
		}
		return values
	}
	return a.c.permit.Values(key)
}

type (
	namespaceTags registry.Namespace
	serviceTags   registry.Service
)

func (ns *namespaceTags) TagValues(key string) []string { return tagValues(ns.Tags, key) }
func (s *serviceTags) TagValues(key string) []string    { return tagValues(s.Tags, key) }

func tagValues(tags registry.Attributes, key string) []string {
	var values []string
	for k, v := range tags.All() {
		if strings.EqualFold(k, key) {
			values = append(values, v)
		}
	}
	return values
}
