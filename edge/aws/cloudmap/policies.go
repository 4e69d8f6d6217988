package cloudmap

import (
	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Condition keys of Cloud Map.
const (
	keyNamespaceARN  = apiName + ":NamespaceArn"
	keyNamespaceName = apiName + ":NamespaceName"
	keyServiceARN    = apiName + ":ServiceArn"
	keyServiceName   = apiName + ":ServiceName"
	keyCreatedBy     = apiName + ":ServiceCreatedByAccount"
	keyRequestTag    = "aws:RequestTag"
	keyTagKeys       = "aws:TagKeys"
)

// Lists of condition keys that several operations have.
var (
	tagKeys       = []string{keyRequestTag, keyTagKeys}
	namespaceOnly = []string{keyNamespaceARN, keyNamespaceName}
	createdByKeys = []string{keyCreatedBy, keyNamespaceARN, keyNamespaceName}
	instanceKeys  = []string{keyServiceARN, keyCreatedBy, keyNamespaceARN, keyNamespaceName}
	readKeys      = []string{keyServiceARN, keyNamespaceARN, keyNamespaceName}
	taggingKeys   = []string{keyRequestTag, keyTagKeys, keyNamespaceARN, keyNamespaceName}
	discoverKeys  = []string{keyNamespaceName, keyServiceName}
)

// requestLimit is the error of the data plane for calls over their rate.
var requestLimit = wire.Code{Name: codeRequestLimitExceeded, Status: 400}

// policies are as in "Actions, resources, and condition keys for AWS Cloud Map" in
// the Service Authorization Reference. The keys of the namespace are there for
// more operations than on AWS, outside of strict mode; see namespaceKeys. It is
// never changed.
var policies = map[string]service.Policy{
	"CreateHttpNamespace":       {Access: access.Write, Keys: tagKeys, Describe: service.Describe(describeCreateHTTP)},
	"CreatePrivateDnsNamespace": {Access: access.Write, Keys: tagKeys, Describe: service.Describe(describeCreatePrivate)},
	"CreatePublicDnsNamespace":  {Access: access.Write, Keys: tagKeys, Describe: service.Describe(describeCreatePublic)},
	"DeleteNamespace":           {Access: access.Write, Keys: namespaceOnly, Describe: onNamespace(func(in *DeleteNamespaceRequest) string { return *in.Id })},
	"GetNamespace":              {Access: access.Read, Keys: namespaceOnly, Describe: onNamespace(func(in *GetNamespaceRequest) string { return *in.Id })},
	"UpdateHttpNamespace":       {Access: access.Write, Keys: namespaceOnly, Describe: onNamespace(func(in *UpdateHttpNamespaceRequest) string { return *in.Id })},
	"UpdatePrivateDnsNamespace": {Access: access.Write, Keys: namespaceOnly, Describe: onNamespace(func(in *UpdatePrivateDnsNamespaceRequest) string { return *in.Id })},
	"UpdatePublicDnsNamespace":  {Access: access.Write, Keys: namespaceOnly, Describe: onNamespace(func(in *UpdatePublicDnsNamespaceRequest) string { return *in.Id })},

	"CreateService": {Access: access.Write, Keys: taggingKeys, Describe: service.Describe(describeCreateService)},
	"DeleteService": {Access: access.Write, Keys: createdByKeys, Describe: onService(func(in *DeleteServiceRequest) string { return *in.Id })},
	"GetService":    {Access: access.Read, Keys: namespaceOnly, Describe: onService(func(in *GetServiceRequest) string { return *in.Id })},
	"UpdateService": {Access: access.Write, Keys: createdByKeys, Describe: onService(func(in *UpdateServiceRequest) string { return *in.Id })},

	"DeleteServiceAttributes": {Access: access.Write, Keys: createdByKeys, Describe: onService(func(in *DeleteServiceAttributesRequest) string { return *in.ServiceId })},
	"GetServiceAttributes":    {Access: access.Read, Keys: namespaceOnly, Describe: onService(func(in *GetServiceAttributesRequest) string { return *in.ServiceId })},
	"UpdateServiceAttributes": {Access: access.Write, Keys: createdByKeys, Describe: onService(func(in *UpdateServiceAttributesRequest) string { return *in.ServiceId })},

	"DeregisterInstance":       {Access: access.Write, Keys: instanceKeys, Describe: onService(func(in *DeregisterInstanceRequest) string { return *in.ServiceId })},
	"GetInstance":              {Access: access.Read, Keys: readKeys, Describe: onService(func(in *GetInstanceRequest) string { return *in.ServiceId })},
	"GetInstancesHealthStatus": {Access: access.Read, Keys: readKeys, Describe: onService(func(in *GetInstancesHealthStatusRequest) string { return *in.ServiceId })},
	"ListInstances":            {Access: access.List, Keys: readKeys, Describe: onService(func(in *ListInstancesRequest) string { return *in.ServiceId })},
	"RegisterInstance":         {Access: access.Write, Keys: instanceKeys, Describe: onService(func(in *RegisterInstanceRequest) string { return *in.ServiceId })},
	"UpdateInstanceCustomHealthStatus": {Access: access.Write, Keys: instanceKeys,
		Describe: onService(func(in *UpdateInstanceCustomHealthStatusRequest) string { return *in.ServiceId })},

	"DiscoverInstances": {Access: access.Read, Class: new(command.RateDiscover), Throttling: requestLimit, Keys: discoverKeys,
		Describe: service.Describe(describeDiscover)},
	"DiscoverInstancesRevision": {Access: access.Read, Class: new(command.RateRevision), Throttling: requestLimit, Keys: discoverKeys,
		Describe: service.Describe(describeDiscoverRevision)},

	"GetOperation":        {Access: access.Read, Keys: namespaceOnly, Describe: service.Describe(describeOperation)},
	"ListNamespaces":      {Access: access.List},
	"ListOperations":      {Access: access.List},
	"ListServices":        {Access: access.List},
	"ListTagsForResource": {Access: access.Read},
	"TagResource":         {Access: access.Tagging, Keys: taggingKeys, Describe: service.Describe(describeTag)},
	"UntagResource":       {Access: access.Tagging, Keys: taggingKeys, Describe: service.Describe(describeUntag)},
}
