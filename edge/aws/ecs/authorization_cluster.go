package ecs

import (
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

func describeCreateCluster(c *service.Call, a *service.Authorization, in *CreateClusterRequest) {
	a.Resource("*", nil)
	addCapacityProviders(c, a, in.CapacityProviders, in.DefaultCapacityProviderStrategy)
	if s := in.Configuration; s != nil && s.ManagedStorageConfiguration != nil && s.ManagedStorageConfiguration.FargateEphemeralStorageKmsKeyId != nil {
		a.Key(keyEphemeralKey, *s.ManagedStorageConfiguration.FargateEphemeralStorageKmsKeyId)
	}
	a.Tags(requestTags(in.Tags))
	a.TagOnCreation(clusterARN(c, in.ClusterName))
}

func describePutCapacityProviders(c *service.Call, a *service.Authorization, in *PutClusterCapacityProvidersRequest) {
	addResource(c, a, clusterARN(c, in.Cluster))
	addCapacityProviders(c, a, in.CapacityProviders, in.DefaultCapacityProviderStrategy)
}

func describeCapacityProviders(c *service.Call, a *service.Authorization, in *DescribeCapacityProvidersRequest) {
	for _, ref := range in.CapacityProviders {
		a.Resource(resourceARN(c, "capacity-provider/", ref), nil)
	}
	if len(in.CapacityProviders) == 0 {
		a.Resource(resourceARN(c, "capacity-provider/", "*"), nil)
	}
}

// addCapacityProviders adds the condition key of the capacity providers of a call.
func addCapacityProviders(c *service.Call, a *service.Authorization, names []string, strategy []*CapacityProviderStrategyItem) {
	for _, name := range names {
		a.Key(keyCapacityProvider, resourceARN(c, "capacity-provider/", name))
	}
	for _, item := range strategy {
		if item.CapacityProvider != nil {
			a.Key(keyCapacityProvider, resourceARN(c, "capacity-provider/", *item.CapacityProvider))
		}
	}
}

func describePutSetting(_ *service.Call, a *service.Authorization, in *PutAccountSettingRequest) {
	addSetting(a, in.Name)
}

func describePutDefaultSetting(_ *service.Call, a *service.Authorization, in *PutAccountSettingDefaultRequest) {
	addSetting(a, in.Name)
}

func describeDeleteSetting(_ *service.Call, a *service.Authorization, in *DeleteAccountSettingRequest) {
	addSetting(a, in.Name)
}

func addSetting(a *service.Authorization, name *SettingName) {
	a.Resource("*", nil)
	a.Key(keyAccountSetting, string(service.Value(name)))
}

func describePutAttributes(c *service.Call, a *service.Authorization, in *PutAttributesRequest) {
	addScoped(c, a, "container-instance", in.Cluster, targets(in.Attributes)...)
}

func describeDeleteAttributes(c *service.Call, a *service.Authorization, in *DeleteAttributesRequest) {
	addScoped(c, a, "container-instance", in.Cluster, targets(in.Attributes)...)
}

// targets are the container instances of attributes.
func targets(attributes []*Attribute) []string {
	var list []string
	for _, attribute := range attributes {
		list = append(list, service.Value(attribute.TargetId))
	}
	if len(list) == 0 {
		return []string{"*"}
	}
	return list
}

func describeRegisterInstance(c *service.Call, a *service.Authorization, in *RegisterContainerInstanceRequest) {
	cluster := clusterARN(c, in.Cluster)
	addResource(c, a, cluster)
	a.Tags(requestTags(in.Tags))
	a.TagOnCreation(scopedARN(c, "container-instance", cluster, "*"))
}

func describePollEndpoint(c *service.Call, a *service.Authorization, in *DiscoverPollEndpointRequest) {
	ref := service.Value(in.ContainerInstance)
	if ref == "" {
		ref = "*"
	}
	addResource(c, a, scopedARN(c, "container-instance", clusterARN(c, in.Cluster), ref))
}

func describeListTags(c *service.Call, a *service.Authorization, in *ListTagsForResourceRequest) {
	addResource(c, a, service.Value(in.ResourceArn))
}

func describeTag(c *service.Call, a *service.Authorization, in *TagResourceRequest) {
	addResource(c, a, service.Value(in.ResourceArn))
	a.Tags(requestTags(in.Tags))
}

func describeUntag(c *service.Call, a *service.Authorization, in *UntagResourceRequest) {
	addResource(c, a, service.Value(in.ResourceArn))
	a.TagKeys(in.TagKeys)
}
