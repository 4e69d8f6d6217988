package ecs

import (
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// taskPrincipal is the service that takes the roles of tasks.
const taskPrincipal = "ecs-tasks.amazonaws.com"

func describeRegisterTaskDefinition(c *service.Call, a *service.Authorization, in *RegisterTaskDefinitionRequest) {
	resource := resourceARN(c, "task-definition/", service.Value(in.Family)+":*")
	a.Resource(resource, nil)
	for _, compatibility := range in.RequiresCompatibilities {
		a.Key(keyCompatibility, string(compatibility))
	}
	a.Key(keyPrivileged, strconv.FormatBool(anyPrivileged(in.ContainerDefinitions)))
	addNumber(a, keyTaskCPU, in.Cpu, "vcpu")
	addNumber(a, keyTaskMemory, in.Memory, "gb")
	a.Tags(requestTags(in.Tags))
	a.TagOnCreation(resource)
	a.PassRole(service.Value(in.TaskRoleArn), taskPrincipal)
	a.PassRole(service.Value(in.ExecutionRoleArn), taskPrincipal)
}

func anyPrivileged(containers []*ContainerDefinition) bool {
	for _, container := range containers {
		if service.Value(container.Privileged) {
			return true
		}
	}
	return false
}

// addNumber adds a size of a task in CPU units or MiB, if it is one. The unit is that
// of 1024 of them.
func addNumber(a *service.Authorization, key string, size *string, unit string) {
	if size == nil {
		return
	}
	if n, ok := sizeOf(*size, unit); ok {
		a.Key(key, strconv.Itoa(n))
	}
}

func describeRunTask(c *service.Call, a *service.Authorization, in *RunTaskRequest) {
	a.Key(keyCluster, clusterARN(c, in.Cluster))
	addCapacityProviders(c, a, nil, in.CapacityProviderStrategy)
	describeNewTask(c, a, newTask{
		cluster: in.Cluster, definition: in.TaskDefinition, overrides: in.Overrides, tags: in.Tags,
		execute: in.EnableExecuteCommand, volumes: in.VolumeConfigurations,
	})
}

func describeStartTask(c *service.Call, a *service.Authorization, in *StartTaskRequest) {
	cluster := clusterARN(c, in.Cluster)
	a.Key(keyCluster, cluster)
	for _, ref := range in.ContainerInstances {
		a.Key(keyInstances, scopedARN(c, "container-instance", cluster, ref))
	}
	describeNewTask(c, a, newTask{
		cluster: in.Cluster, definition: in.TaskDefinition, overrides: in.Overrides, tags: in.Tags,
		execute: in.EnableExecuteCommand, volumes: in.VolumeConfigurations,
	})
}

// newTask are the members that RunTask and StartTask both have and that matter here.
type newTask struct {
	cluster, definition *string
	overrides           *TaskOverride
	tags                []*Tag
	execute             *bool
	volumes             []*TaskVolumeConfiguration
}

// describeNewTask adds the task definition, in the revision that will run, and the
// roles that the task gets: those of the overrides, else those of the definition.
func describeNewTask(c *service.Call, a *service.Authorization, in newTask) {
	definition := definitionARN(c, service.Value(in.definition))
	addResource(c, a, definition)
	addFlag(a, keyExecuteCommand, in.execute)
	addFlag(a, keyEBSVolumes, given(in.volumes))
	a.Tags(requestTags(in.tags))
	a.TagOnCreation(scopedARN(c, "task", clusterARN(c, in.cluster), "*"))
	task, execution := rolesOfDefinition(c, definition)
	if in.overrides != nil {
		if in.overrides.TaskRoleArn != nil {
			task = *in.overrides.TaskRoleArn
		}
		if in.overrides.ExecutionRoleArn != nil {
			execution = *in.overrides.ExecutionRoleArn
		}
	}
	a.PassRole(task, taskPrincipal)
	a.PassRole(execution, taskPrincipal)
}

// describeListTasks names as the resource the container instance that is asked about, or
// all of the cluster.
func describeListTasks(c *service.Call, a *service.Authorization, in *ListTasksRequest) {
	ref := service.Value(in.ContainerInstance)
	if ref == "" {
		ref = "*"
	}
	addScoped(c, a, "container-instance", in.Cluster, ref)
}

// sizeOf returns a size of a task, such as "1024", "1 vCPU" or "0.5GB", as a number.
func sizeOf(text, unit string) (int, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	amount, ok := strings.CutSuffix(text, unit)
	if !ok {
		n, err := strconv.Atoi(text)
		return n, err == nil
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(amount), 64)
	return int(f * 1024), err == nil && f > 0 && f < 1e6
}
