package ecs

import (
	"maps"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/internal/audit"
)

// hidden are the members that audit records hide: those of the model, and what users
// put passwords and tokens into.
func hidden() map[string]bool {
	all := map[string]bool{
		"KeyValuePair.Value": true, "Secret.ValueFrom": true, "LogConfiguration.Options": true, "FirelensConfiguration.Options": true,
		"DockerVolumeConfiguration.DriverOpts": true,
	}
	maps.Copy(all, sensitive)
	return all
}

// resourceTypes are the types of resources in audit records, by their kind in ARNs.
// It is never changed.
var resourceTypes = map[string]string{
	kindCluster: "AWS::ECS::Cluster", kindService: "AWS::ECS::Service", kindTask: "AWS::ECS::Task", kindInstance: "AWS::ECS::ContainerInstance",
	kindTaskDefinition: "AWS::ECS::TaskDefinition", kindCapacityProvider: "AWS::ECS::CapacityProvider",
}

// auditResources are those that the input of a call names, and those that it has
// created.
func auditResources(c *service.Call, in, out any) []audit.Resource {
	var list resources
	cluster := audit.Text(in, "Cluster")
	if cluster != "" {
		list.add(clusterARN(c, &cluster))
	}
	owner := clusterARN(c, &cluster)
	if text := audit.Text(in, "Service"); text != "" {
		list.add(scopedARN(c, kindService, owner, text))
	}
	if text := audit.Text(in, "Task"); text != "" {
		list.add(scopedARN(c, kindTask, owner, text))
	}
	if text := audit.Text(in, "ContainerInstance"); text != "" {
		list.add(scopedARN(c, kindInstance, owner, text))
	}
	if text := audit.Text(in, "TaskDefinition"); text != "" {
		list.add(definitionARN(c, text))
	}
	for _, member := range []string{"ResourceArn", "ServiceDeploymentArn"} {
		if text := audit.Text(in, member); text != "" {
			list.add(text)
		}
	}
	list.addCreated(out)
	return list
}

// resources are those of one record. Each is there once.
type resources []audit.Resource

func (list *resources) add(resource string) {
	r := audit.Resource{ARN: audit.Truncate(resource)}
	for _, other := range *list {
		if other.ARN == r.ARN {
			return
		}
	}
	if a, ok := arn.Parse(r.ARN); ok {
		kind, _, _ := strings.Cut(a.Resource, "/")
		r.Account, r.Type = string(a.Account), resourceTypes[kind]
	}
	*list = append(*list, r)
}

// addCreated adds what a call has created. The output is nil where the call failed.
func (list *resources) addCreated(out any) {
	switch out := out.(type) {
	case *CreateClusterResponse:
		list.add(out.Cluster.ClusterArn)
	case *CreateServiceResponse:
		list.add(out.Service.ServiceArn)
	case *RegisterTaskDefinitionResponse:
		list.add(out.TaskDefinition.TaskDefinitionArn)
	case *RegisterContainerInstanceResponse:
		list.add(out.ContainerInstance.ContainerInstanceArn)
	case *RunTaskResponse:
		list.addTasks(out.Tasks)
	case *StartTaskResponse:
		list.addTasks(out.Tasks)
	}
}

func (list *resources) addTasks(tasks []Task) {
	for i := range tasks {
		list.add(tasks[i].TaskArn)
	}
}
