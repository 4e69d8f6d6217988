package cloudmap

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

func describeCreateHTTP(c *service.Call, a *service.Authorization, in *CreateHttpNamespaceRequest) {
	createNamespaceResources(c, a, in.Tags)
}

func describeCreatePrivate(c *service.Call, a *service.Authorization, in *CreatePrivateDnsNamespaceRequest) {
	createNamespaceResources(c, a, in.Tags)
}

func describeCreatePublic(c *service.Call, a *service.Authorization, in *CreatePublicDnsNamespaceRequest) {
	createNamespaceResources(c, a, in.Tags)
}

func createNamespaceResources(c *service.Call, a *service.Authorization, tags []*Tag) {
	a.Resource("*", nil)
	a.Tags(requestTags(tags))
	a.TagOnCreation(c.Rules.Registry.ARN(c.Account, "namespace/*"))
}

func requestTags(in []*Tag) []service.Tag {
	var tags []service.Tag
	for _, t := range in {
		tags = append(tags, service.Tag{Key: *t.Key, Value: *t.Value})
	}
	return tags
}

// onNamespace describes an operation on the namespace that ref returns.
func onNamespace[I any](ref func(*I) string) func(*service.Call, *service.Authorization, any) {
	return func(c *service.Call, a *service.Authorization, in any) { namespaceResource(c, a, ref(in.(*I))) }
}

// onService describes an operation on the service that ref returns.
func onService[I any](ref func(*I) string) func(*service.Call, *service.Authorization, any) {
	return func(c *service.Call, a *service.Authorization, in any) { serviceResource(c, a, ref(in.(*I))) }
}

// arnOf returns the ARN that a reference to a resource means.
func arnOf(c *service.Call, kind, ref string) string {
	if strings.HasPrefix(ref, "arn:") {
		return ref
	}
	return c.Rules.Registry.ARN(c.Account, kind+"/"+ref)
}

func namespaceResource(c *service.Call, a *service.Authorization, ref string) {
	arn := arnOf(c, "namespace", ref)
	if ns, err := c.State.Registry.FindNamespace(&c.Rules.Registry, c.Account, ref); err == nil {
		a.Resource(arn, (*namespaceTags)(ns))
		namespaceKeys(c, a, ns)
		return
	}
	a.Resource(arn, nil)
}

// namespaceKeys adds the condition keys of the namespace that a call is about. AWS
// has them for CreateService and discovery only; with them everywhere one
// statement can cover all that is in a namespace. Strict mode is as AWS.
func namespaceKeys(c *service.Call, a *service.Authorization, ns *registry.Namespace) {
	if c.Rules.Registry.Strict {
		return
	}
	a.Key(keyNamespaceARN, c.Rules.Registry.NamespaceARN(ns.Account, ns.ID))
	namespaceNames(a, ns)
}

// namespaceNames adds the names of a namespace. Policies need both: a DNS
// namespace can be discovered by either.
func namespaceNames(a *service.Authorization, ns *registry.Namespace) {
	a.Key(keyNamespaceName, ns.HTTPName)
	if ns.Name != ns.HTTPName {
		a.Key(keyNamespaceName, ns.Name)
	}
}

// serviceKeys adds the condition keys of the namespace of a service.
func serviceKeys(c *service.Call, a *service.Authorization, svc *registry.Service) {
	if ns, err := c.State.Registry.FindNamespace(&c.Rules.Registry, svc.Account, string(svc.Namespace)); err == nil {
		namespaceKeys(c, a, ns)
	}
}

func serviceResource(c *service.Call, a *service.Authorization, ref string) {
	arn := arnOf(c, "service", ref)
	a.Key(keyServiceARN, arn)
	if svc, err := c.State.Registry.FindService(&c.Rules.Registry, c.Account, ref); err == nil {
		a.Resource(arn, (*serviceTags)(svc))
		a.Key(keyCreatedBy, string(svc.CreatedBy))
		serviceKeys(c, a, svc)
		return
	}
	a.Resource(arn, nil)
}

// describeCreateService names the namespace as the resource. The service does not exist
// yet, so only a denial of all services can concern it.
func describeCreateService(c *service.Call, a *service.Authorization, in *CreateServiceRequest) {
	ref := service.Value(in.NamespaceId)
	if ref == "" && in.DnsConfig != nil {
		ref = service.Value(in.DnsConfig.NamespaceId)
	}
	namespaceResource(c, a, ref)
	if c.Rules.Registry.Strict {
		a.Key(keyNamespaceARN, arnOf(c, "namespace", ref))
	}
	owner, _, err := c.Rules.Registry.ID(c.Account, "namespace", ref)
	if err != nil {
		owner = c.Account // the handler reports what is wrong with it
	}
	a.OptionalResource(c.Rules.Registry.ARN(owner, "service/*"), nil)
	a.Tags(requestTags(in.Tags))
	a.TagOnCreation(c.Rules.Registry.ARN(c.Account, "service/*"))
}

func describeDiscover(c *service.Call, a *service.Authorization, in *DiscoverInstancesRequest) {
	discoveryResources(c, a, *in.NamespaceName, *in.ServiceName, in.OwnerAccount)
}

func describeDiscoverRevision(c *service.Call, a *service.Authorization, in *DiscoverInstancesRevisionRequest) {
	discoveryResources(c, a, *in.NamespaceName, *in.ServiceName, in.OwnerAccount)
}

// discoveryResources describes a discovery, which is by names, of which one
// namespace can have several. The condition keys have those that the registry
// knows, so that a policy on one name cannot be bypassed with another one or with
// other case.
func discoveryResources(c *service.Call, a *service.Authorization, namespace, name string, owner *string) {
	account := c.Owner(owner)
	ns, ok := c.State.Registry.NamespaceForDiscovery(&c.Rules.Registry, c.Account, account, namespace)
	if !ok {
		a.Resource(c.Rules.Registry.ARN(account, "namespace/*"), nil)
		a.Key(keyNamespaceName, namespace)
		unknownService(c, a, account, name)
		return
	}
	a.Resource(c.Rules.Registry.NamespaceARN(ns.Account, ns.ID), (*namespaceTags)(ns))
	namespaceNames(a, ns)
	svc, ok := ns.Service(name)
	if !ok {
		unknownService(c, a, account, name)
		return
	}
	a.Resource(c.Rules.Registry.ServiceARN(svc.Account, svc.ID), (*serviceTags)(svc))
	a.Key(keyServiceName, svc.Name)
}

func unknownService(c *service.Call, a *service.Authorization, account command.AccountID, name string) {
	a.Resource(c.Rules.Registry.ARN(account, "service/*"), nil)
	a.Key(keyServiceName, name)
}

// describeOperation names as resources the namespace, and the service, that the
// operation was on.
func describeOperation(c *service.Call, a *service.Authorization, in *GetOperationRequest) {
	op, err := c.State.Registry.Operation(c.Account, registry.OperationID(*in.OperationId))
	if err != nil {
		namespaceResource(c, a, c.Rules.Registry.ARN(c.Account, "namespace/*"))
		return
	}
	account := op.OwnerAccount()
	namespaceResource(c, a, c.Rules.Registry.ARN(account, "namespace/"+string(op.Namespace)))
	if op.Service == "" {
		return
	}
	arn := c.Rules.Registry.ARN(account, "service/"+string(op.Service))
	if svc, err := c.State.Registry.FindService(&c.Rules.Registry, c.Account, arn); err == nil {
		a.OptionalResource(arn, (*serviceTags)(svc))
		return
	}
	a.OptionalResource(arn, nil)
}

func describeTag(c *service.Call, a *service.Authorization, in *TagResourceRequest) {
	taggedResource(c, a, *in.ResourceARN)
	a.Tags(requestTags(in.Tags))
}

func describeUntag(c *service.Call, a *service.Authorization, in *UntagResourceRequest) {
	taggedResource(c, a, *in.ResourceARN)
	a.TagKeys(in.TagKeys)
}

// taggedResource adds the namespace or the service that an ARN names.
func taggedResource(c *service.Call, a *service.Authorization, arn string) {
	ns, svc, err := c.State.Registry.FindResource(&c.Rules.Registry, c.Account, arn)
	switch {
	case err != nil:
		a.Resource(arn, nil)
	case ns != nil:
		a.Resource(arn, (*namespaceTags)(ns))
		namespaceKeys(c, a, ns)
	default:
		a.Resource(arn, (*serviceTags)(svc))
		serviceKeys(c, a, svc)
	}
}

// namespaceTags and serviceTags implement access.Tagged without an allocation.
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

// known returns what the registry has of a namespace or a service.
func known(s *state.State, rules *state.Rules, text string) service.Known {
	k := service.Known{Keys: access.MapContext{}}
	a, ok := arn.Parse(text)
	if !ok {
		return k
	}
	set := func(key string, values ...string) { k.Keys[strings.ToLower(key)] = values }
	if strings.HasPrefix(a.Resource, "service/") {
		set(keyServiceARN, text)
	} else {
		set(keyNamespaceARN, text)
	}
	ns, svc, err := s.Registry.FindResource(&rules.Registry, a.Account, text)
	switch {
	case err != nil: // it does not exist
	case ns != nil:
		k.Tags = (*namespaceTags)(ns)
		set(keyNamespaceName, slices.Compact([]string{ns.HTTPName, ns.Name})...)
	default:
		k.Tags = (*serviceTags)(svc)
		set(keyServiceName, svc.Name)
		set(keyCreatedBy, string(svc.CreatedBy))
		ns, err := s.Registry.FindNamespace(&rules.Registry, svc.Account, string(svc.Namespace))
		if err == nil && !rules.Registry.Strict {
			set(keyNamespaceARN, rules.Registry.NamespaceARN(ns.Account, ns.ID))
			set(keyNamespaceName, slices.Compact([]string{ns.HTTPName, ns.Name})...)
		}
	}
	return k
}
