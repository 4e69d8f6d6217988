package ecs

import (
	"strconv"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

func describeCreateService(c *service.Call, a *service.Authorization, in *CreateServiceRequest) {
	cluster := clusterARN(c, in.Cluster)
	resource := scopedARN(c, "service", cluster, service.Value(in.ServiceName))
	a.Resource(resource, nil) // its tags are those of the request, if it does not exist
	a.Key(keyCluster, cluster)
	if in.TaskDefinition != nil {
		a.Key(keyTaskDefinition, definitionARN(c, *in.TaskDefinition))
	}
	addServiceKeys(c, a, serviceInput{
		network: in.NetworkConfiguration, strategy: in.CapacityProviderStrategy, volumes: in.VolumeConfigurations,
		managedTags: in.EnableECSManagedTags, execute: in.EnableExecuteCommand, connect: in.ServiceConnectConfiguration,
		lattice: in.VpcLatticeConfigurations, propagate: in.PropagateTags,
	}, cluster)
	a.Tags(requestTags(in.Tags))
	a.TagOnCreation(resource)
}

func describeUpdateService(c *service.Call, a *service.Authorization, in *UpdateServiceRequest) {
	addScoped(c, a, "service", in.Cluster, service.Value(in.Service))
	if in.TaskDefinition != nil {
		a.Key(keyTaskDefinition, definitionARN(c, *in.TaskDefinition))
	}
	addServiceKeys(c, a, serviceInput{
		network: in.NetworkConfiguration, strategy: in.CapacityProviderStrategy, volumes: in.VolumeConfigurations,
		managedTags: in.EnableECSManagedTags, execute: in.EnableExecuteCommand, connect: in.ServiceConnectConfiguration,
		lattice: in.VpcLatticeConfigurations, propagate: in.PropagateTags,
	}, clusterARN(c, in.Cluster))
}

// serviceInput are the members that CreateService and UpdateService both have and
// that are condition keys.
type serviceInput struct {
	network              *NetworkConfiguration
	strategy             []*CapacityProviderStrategyItem
	volumes              []*ServiceVolumeConfiguration
	managedTags, execute *bool
	connect              *ServiceConnectConfiguration
	lattice              []*VpcLatticeConfiguration
	propagate            *PropagateTags
}

// addServiceKeys adds the condition keys of the members that are given.
func addServiceKeys(c *service.Call, a *service.Authorization, in serviceInput, cluster string) {
	addNetwork(a, in.network)
	addCapacityProviders(c, a, nil, in.strategy)
	addFlag(a, keyEBSVolumes, given(in.volumes))
	addFlag(a, keyManagedTags, in.managedTags)
	addFlag(a, keyExecuteCommand, in.execute)
	addFlag(a, keyVPCLattice, given(in.lattice))
	if in.propagate != nil {
		a.Key(keyPropagateTags, string(*in.propagate))
	}
	if in.connect == nil {
		return
	}
	addFlag(a, keyServiceConnect, in.connect.Enabled)
	namespace := service.Value(in.connect.Namespace)
	if namespace == "" && service.Value(in.connect.Enabled) {
		namespace = connectNamespace(c.State, cluster)
	}
	if namespace != "" {
		a.Key(keyNamespace, namespaceARN(c, namespace))
	}
}

func addNetwork(a *service.Authorization, network *NetworkConfiguration) {
	if network == nil || network.AwsvpcConfiguration == nil {
		return
	}
	vpc := network.AwsvpcConfiguration
	if vpc.AssignPublicIp != nil {
		a.Key(keyAssignPublicIP, strconv.FormatBool(*vpc.AssignPublicIp == AssignPublicIpEnabled))
	}
	for _, subnet := range vpc.Subnets {
		a.Key(keySubnet, subnet)
	}
}

// addFlag adds a condition key that is true or false, if it is given.
func addFlag(a *service.Authorization, key string, flag *bool) {
	if flag != nil {
		a.Key(key, strconv.FormatBool(*flag))
	}
}

// given returns whether a list has items, or nil if it was left out.
func given[T any](list []T) *bool {
	if list == nil {
		return nil
	}
	return new(len(list) > 0)
}

// namespaceARN returns the ARN of a namespace of Cloud Map that is named, or of which
// there is the ARN. One that does not exist has its name in the place of the id.
func namespaceARN(c *service.Call, ref string) string {
	if arn.Is(ref) {
		return ref
	}
	rules := &c.Rules.Registry
	if ns, ok := c.State.Registry.NamespaceForDiscovery(rules, c.Account, c.Account, ref); ok {
		return rules.NamespaceARN(ns.Account, ns.ID)
	}
	return rules.ARN(c.Account, "namespace/"+ref)
}

func describeListServices(c *service.Call, a *service.Authorization, in *ListServicesRequest) {
	a.Resource("*", nil)
	a.Key(keyCluster, clusterARN(c, in.Cluster))
}

func describeListByNamespace(c *service.Call, a *service.Authorization, in *ListServicesByNamespaceRequest) {
	a.Resource("*", nil)
	a.Key(keyNamespace, namespaceARN(c, service.Value(in.Namespace)))
}
