package ecs

import (
	"strconv"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// Values of the attachment of a network interface.
const (
	attachmentInterface  = "ElasticNetworkInterface"
	attachmentPrecreated = "PRECREATED"
	attachmentAttached   = "ATTACHED"
	attachmentDetaching  = "DETACHING"
	attachmentDeleted    = "DELETED"
)

// fargateStorage is the ephemeral storage in GiB that a task on Fargate has if its
// definition does not say.
const fargateStorage = 20

// describeTask returns a task as the API shows it.
func describeTask(c *service.Call, t *task.Task, withTags bool) Task {
	d, ok := c.State.Task.Definition(t.Account, t.Family, t.Revision)
	if !ok {
		d = &task.Definition{Account: t.Account, Family: t.Family, Revision: t.Revision}
	}
	out := Task{
		TaskArn: c.Rules.Task.TaskARN(t.Account, t.Cluster, t.ID), ClusterArn: c.Rules.Task.ClusterARN(t.Account, t.Cluster),
		TaskDefinitionArn: c.Rules.Task.DefinitionARN(d), Group: t.Group, StartedBy: t.StartedBy, AvailabilityZone: t.Zone,
		LastStatus: t.LastStatus, DesiredStatus: t.DesiredStatus, Version: new(t.Version),
		HealthStatus: HealthStatus(orDefault(t.Health, task.HealthUnknown)), StopCode: TaskStopCode(t.StopCode), StoppedReason: t.StoppedReason,
		LaunchType: LaunchType(t.LaunchType), CapacityProviderName: t.CapacityProvider, EnableExecuteCommand: new(t.EnableExecuteCommand),
		Attributes: []*Attribute{}, InferenceAccelerators: []*InferenceAccelerator{},
		Attachments: describeAttachments(c, t), Containers: describeContainers(c, t, d), Overrides: describeOverrides(t, d),
		CreatedAt: timestamp.Milliseconds(t.Created), PullStartedAt: timestamp.Milliseconds(t.PullStarted), PullStoppedAt: timestamp.Milliseconds(t.PullStopped),
		StartedAt: timestamp.Milliseconds(t.Started), StoppingAt: timestamp.Milliseconds(t.Stopping),
		ExecutionStoppedAt: timestamp.Milliseconds(t.ExecutionStopped), StoppedAt: timestamp.Milliseconds(t.Stopped),
	}
	out.Cpu, out.Memory = taskSize(t, d)
	if t.Instance != "" {
		out.ContainerInstanceArn = c.Rules.Task.InstanceARN(t.Account, t.Cluster, t.Instance)
	}
	if t.Connected != 0 {
		out.Connectivity, out.ConnectivityAt = ConnectivityConnected, timestamp.Milliseconds(t.Connected)
	}
	if t.LaunchType == string(LaunchTypeFargate) {
		out.PlatformFamily, out.PlatformVersion = platformFamily, t.PlatformVersion
		if t.PlatformVersion == platformLatest {
			out.PlatformVersion = platformVersion
		}
		out.EphemeralStorage = describeStorage(t, d)
	}
	if withTags {
		out.Tags = filled(convert[[]*Tag](t.Tags))
	}
	return out
}

func describeStorage(t *task.Task, d *task.Definition) *EphemeralStorage {
	switch {
	case t.Overrides != nil && t.Overrides.EphemeralStorage != nil:
		return convert[*EphemeralStorage](t.Overrides.EphemeralStorage)
	case d.EphemeralStorage != nil:
		return convert[*EphemeralStorage](d.EphemeralStorage)
	}
	return &EphemeralStorage{SizeInGiB: new(int64(fargateStorage))}
}

// taskSize returns CPU units and MiB of a task: its own, or the sum of its containers.
func taskSize(t *task.Task, d *task.Definition) (cpu, memory string) {
	cpu, memory = d.CPU, d.Memory
	if t.Overrides != nil {
		cpu, memory = orDefault(t.Overrides.CPU, cpu), orDefault(t.Overrides.Memory, memory)
	}
	var sumCPU, sumMemory int64
	for i := range d.ContainerDefinitions {
		def := &d.ContainerDefinitions[i]
		sumCPU += service.Value(def.CPU)
		if def.Memory != nil {
			sumMemory += *def.Memory
		} else {
			sumMemory += service.Value(def.MemoryReservation)
		}
	}
	return orDefault(cpu, strconv.FormatInt(sumCPU, 10)), orDefault(memory, strconv.FormatInt(sumMemory, 10))
}

// describeAttachments returns the network interface of a task in awsvpc mode.
func describeAttachments(c *service.Call, t *task.Task) []Attachment {
	if t.Network == nil || t.Network.AttachmentID == "" {
		return []Attachment{}
	}
	n := t.Network
	a := Attachment{Id: n.AttachmentID, Type: attachmentInterface, Status: attachmentStatus(t), Details: []*KeyValuePair{}}
	add := func(name, value string) {
		if value != "" {
			a.Details = append(a.Details, &KeyValuePair{Name: new(name), Value: new(value)})
		}
	}
	add("subnetId", n.Subnet)
	add("networkInterfaceId", n.InterfaceID)
	add("macAddress", n.MAC)
	if n.IPv4 != "" {
		add("privateDnsName", c.Rules.Task.PrivateName(n.IPv4))
	}
	add("privateIPv4Address", n.IPv4)
	add("ipv6Address", n.IPv6)
	return []Attachment{a}
}

func attachmentStatus(t *task.Task) string {
	switch {
	case t.LastStatus == task.StatusStopped:
		return attachmentDeleted
	case t.LastStatus == task.StatusDeprovisioning:
		return attachmentDetaching
	case t.Network.IPv4 == "" && t.Network.IPv6 == "":
		return attachmentPrecreated
	}
	return attachmentAttached
}

// describeOverrides returns the overrides of a task. As on AWS, each container has an
// entry.
func describeOverrides(t *task.Task, d *task.Definition) *TaskOverride {
	out := &TaskOverride{}
	if t.Overrides != nil {
		out = convert[*TaskOverride](t.Overrides)
	}
	out.ContainerOverrides, out.InferenceAcceleratorOverrides = filled(out.ContainerOverrides), filled(out.InferenceAcceleratorOverrides)
	for i := range d.ContainerDefinitions {
		name := d.ContainerDefinitions[i].Name
		if containerOverride(t, name) == nil {
			out.ContainerOverrides = append(out.ContainerOverrides, &ContainerOverride{Name: new(name)})
		}
	}
	return out
}

// containerOverride returns the overrides of a container, nil without.
func containerOverride(t *task.Task, name string) *task.ContainerOverride {
	if t.Overrides == nil {
		return nil
	}
	for i := range t.Overrides.ContainerOverrides {
		if t.Overrides.ContainerOverrides[i].Name == name {
			return &t.Overrides.ContainerOverrides[i]
		}
	}
	return nil
}

// describeContainers returns the containers of a task in the order of its definition.
func describeContainers(c *service.Call, t *task.Task, d *task.Definition) []Container {
	list := []Container{}
	if with, ok := c.State.Task.DefinitionOf(t); ok {
		d = with
	}
	for i := range t.Containers {
		list = append(list, describeContainer(c, t, d, &t.Containers[i]))
	}
	return list
}

func describeContainer(c *service.Call, t *task.Task, d *task.Definition, state *task.ContainerState) Container {
	out := Container{
		ContainerArn: c.Rules.Task.ARN(t.Account, kindContainer+"/"+t.Cluster+"/"+t.ID+"/"+state.ID),
		TaskArn:      c.Rules.Task.TaskARN(t.Account, t.Cluster, t.ID), Name: state.Name, LastStatus: state.LastStatus,
		HealthStatus: HealthStatus(orDefault(state.Health, task.HealthUnknown)), RuntimeId: state.RuntimeID, ImageDigest: state.ImageDigest,
		ExitCode: state.ExitCode, Reason: state.Reason, NetworkInterfaces: describeInterfaces(t), NetworkBindings: []*NetworkBinding{},
		Cpu: "0",
	}
	for _, b := range state.Bindings {
		out.NetworkBindings = append(out.NetworkBindings, &NetworkBinding{
			BindIP: new(b.BindIP), ContainerPort: count(b.ContainerPort), HostPort: count(b.HostPort), Protocol: new(TransportProtocol(b.Protocol)),
		})
	}
	for i := range d.ContainerDefinitions {
		if def := &d.ContainerDefinitions[i]; def.Name == state.Name {
			out.Image = def.Image
			setContainerSize(&out, def, containerOverride(t, state.Name))
		}
	}
	return out
}

// setContainerSize sets CPU and memory of a container: the overrides win.
func setContainerSize(out *Container, def *task.ContainerDefinition, override *task.ContainerOverride) {
	cpu, memory, reservation := def.CPU, def.Memory, def.MemoryReservation
	if override != nil {
		cpu, memory, reservation = either(override.CPU, cpu), either(override.Memory, memory), either(override.MemoryReservation, reservation)
	}
	out.Cpu = strconv.FormatInt(service.Value(cpu), 10)
	out.Memory, out.MemoryReservation = number(memory), number(reservation)
}

func either(first, second *int64) *int64 {
	if first != nil {
		return first
	}
	return second
}

// number is a number as text, "" without.
func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// describeInterfaces returns the addresses of a container in awsvpc mode.
func describeInterfaces(t *task.Task) []NetworkInterface {
	n := t.Network
	if n == nil || n.AttachmentID == "" || n.IPv4 == "" && n.IPv6 == "" {
		return []NetworkInterface{}
	}
	return []NetworkInterface{{AttachmentId: n.AttachmentID, PrivateIpv4Address: n.IPv4, Ipv6Address: n.IPv6}}
}
