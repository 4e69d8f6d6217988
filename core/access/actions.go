package access

import (
	"slices"
	"strings"
)

// Action is an action of an API that is served here.
type Action struct {
	Name string // service:Operation
	// Namespace and Service say which resources the action is about. One that
	// is about neither is authorized on "*".
	Namespace, Service Need
	// Keys are the condition keys that the action has besides the global ones.
	Keys []string
}

// Need says whether an action is about a kind of resource.
type Need int

// The needs. Optional resources are checked for denials only.
const (
	No Need = iota
	Optional
	Required
)

// FindAction returns the action of that name, whose case must be right.
func FindAction(name string) (*Action, bool) {
	i, ok := slices.BinarySearchFunc(actions[:], name, func(a Action, name string) int { return strings.Compare(a.Name, name) })
	if !ok {
		return nil, false
	}
	return &actions[i], true
}

// HasKey reports whether an action has a condition key of its own. The key is in
// lower case.
func HasKey(action, key string) bool {
	a, ok := FindAction(action)
	return ok && slices.ContainsFunc(a.Keys, func(k string) bool { return strings.EqualFold(k, key) })
}

// Actions lists all actions in order of their names.
func Actions() []Action { return slices.Clone(actions[:]) }

func served(service string) bool {
	return strings.EqualFold(service, "servicediscovery") || strings.EqualFold(service, "sts")
}

func matchesAction(p *pattern) bool {
	for i := range actions {
		if p.match(actions[i].Name) {
			return true
		}
	}
	return false
}

const (
	keyRequestTag   = "aws:RequestTag"
	keyTagKeys      = "aws:TagKeys"
	keyNamespaceARN = "servicediscovery:NamespaceArn"
	keyServiceARN   = "servicediscovery:ServiceArn"
	keyCreatedBy    = "servicediscovery:ServiceCreatedByAccount"
)

// actions are in order of their names; see "Actions, resources, and condition
// keys for AWS Cloud Map" and "… for AWS Security Token Service" in the Service
// Authorization Reference. It is never changed.
var actions = [...]Action{
	{Name: "servicediscovery:CreateHttpNamespace", Keys: []string{keyRequestTag, keyTagKeys}},
	{Name: "servicediscovery:CreatePrivateDnsNamespace", Keys: []string{keyRequestTag, keyTagKeys}},
	{Name: "servicediscovery:CreatePublicDnsNamespace", Keys: []string{keyRequestTag, keyTagKeys}},
	{Name: "servicediscovery:CreateService", Namespace: Required, Service: Optional, Keys: []string{keyNamespaceARN, keyRequestTag, keyTagKeys}},
	{Name: "servicediscovery:DeleteNamespace", Namespace: Required},
	{Name: "servicediscovery:DeleteResourcePolicy", Namespace: Required},
	{Name: "servicediscovery:DeleteService", Service: Required, Keys: []string{keyCreatedBy}},
	{Name: "servicediscovery:DeleteServiceAttributes", Service: Required, Keys: []string{keyCreatedBy}},
	{Name: "servicediscovery:DeregisterInstance", Service: Required, Keys: []string{keyServiceARN, keyCreatedBy}},
	{Name: "servicediscovery:DiscoverInstances", Namespace: Required, Service: Required, Keys: []string{"servicediscovery:NamespaceName", "servicediscovery:ServiceName"}},
	{Name: "servicediscovery:DiscoverInstancesRevision", Namespace: Required, Service: Required, Keys: []string{"servicediscovery:NamespaceName", "servicediscovery:ServiceName"}},
	{Name: "servicediscovery:GetInstance", Service: Required, Keys: []string{keyServiceARN}},
	{Name: "servicediscovery:GetInstancesHealthStatus", Service: Required, Keys: []string{keyServiceARN}},
	{Name: "servicediscovery:GetNamespace", Namespace: Required},
	{Name: "servicediscovery:GetOperation", Namespace: Required, Service: Optional},
	{Name: "servicediscovery:GetResourcePolicy", Namespace: Required},
	{Name: "servicediscovery:GetService", Service: Required},
	{Name: "servicediscovery:GetServiceAttributes", Service: Required},
	{Name: "servicediscovery:ListInstances", Service: Required, Keys: []string{keyServiceARN}},
	{Name: "servicediscovery:ListNamespaces"},
	{Name: "servicediscovery:ListOperations"},
	{Name: "servicediscovery:ListServices"},
	{Name: "servicediscovery:ListTagsForResource"},
	{Name: "servicediscovery:PutResourcePolicy", Namespace: Required},
	{Name: "servicediscovery:RegisterInstance", Service: Required, Keys: []string{keyServiceARN, keyCreatedBy}},
	// Tagging is about a namespace or a service, whichever the ARN names.
	{Name: "servicediscovery:TagResource", Namespace: Optional, Service: Optional, Keys: []string{keyRequestTag, keyTagKeys}},
	{Name: "servicediscovery:UntagResource", Namespace: Optional, Service: Optional, Keys: []string{keyRequestTag, keyTagKeys}},
	{Name: "servicediscovery:UpdateHttpNamespace", Namespace: Required},
	{Name: "servicediscovery:UpdateInstanceCustomHealthStatus", Service: Required, Keys: []string{keyServiceARN, keyCreatedBy}},
	{Name: "servicediscovery:UpdatePrivateDnsNamespace", Namespace: Required},
	{Name: "servicediscovery:UpdatePublicDnsNamespace", Namespace: Required},
	{Name: "servicediscovery:UpdateService", Service: Required, Keys: []string{keyCreatedBy}},
	{Name: "servicediscovery:UpdateServiceAttributes", Service: Required, Keys: []string{keyCreatedBy}},
	{Name: "sts:AssumeRole"},
	{Name: "sts:AssumeRoleWithWebIdentity"},
	{Name: "sts:GetCallerIdentity"},
	{Name: "sts:SetSourceIdentity"},
	{Name: "sts:TagSession"},
}
