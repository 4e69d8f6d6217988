package ecs

import (
	"context"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// maxDeletions is the largest number of task definitions in DeleteTaskDefinitions.
const maxDeletions = 10

// RegisterTaskDefinition adds a revision to a family.
func (a *api) RegisterTaskDefinition(ctx context.Context, c *service.Call, in *RegisterTaskDefinitionRequest) (*RegisterTaskDefinitionResponse, error) {
	c.Target = service.Value(in.Family)
	d := convert[task.Definition](in)
	d.Family, d.RegisteredBy = service.Value(in.Family), callerARN(c)
	d.Registries = in.ServiceDiscoveryRegistry.blocks("")
	for _, container := range in.ContainerDefinitions {
		if container != nil {
			d.Registries = append(d.Registries, container.ServiceDiscoveryRegistry.blocks(service.Value(container.Name))...)
		}
	}
	reply, err := c.Propose(ctx, &task.RegisterTaskDefinition{Definition: d})
	if err != nil {
		return nil, err
	}
	registered := reply.Value.(*task.Definition)
	return &RegisterTaskDefinitionResponse{TaskDefinition: taskDefinitionShape(c, registered), Tags: convert[[]*Tag](registered.Tags)}, nil
}

// DescribeTaskDefinition describes a revision, or the latest active one of a family.
func (a *api) DescribeTaskDefinition(_ context.Context, c *service.Call, in *DescribeTaskDefinitionRequest) (*DescribeTaskDefinitionResponse, error) {
	c.Target = *in.TaskDefinition
	d, err := findTaskDefinition(c, *in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	out := &DescribeTaskDefinitionResponse{TaskDefinition: taskDefinitionShape(c, d)}
	if slices.Contains(in.Include, TaskDefinitionFieldTags) {
		out.Tags = filled(convert[[]*Tag](d.Tags))
	}
	return out, nil
}

// findTaskDefinition returns the definition that an input means.
func findTaskDefinition(c *service.Call, text string) (*task.Definition, error) {
	family, revision, err := taskDefinitionRef(c, text)
	if err != nil {
		return nil, err
	}
	d, ok := c.State.Task.FindDefinition(c.Account, family, revision)
	if !ok {
		return nil, task.ErrDefinitionNotFound()
	}
	return d, nil
}

// DeregisterTaskDefinition makes a revision INACTIVE.
func (a *api) DeregisterTaskDefinition(ctx context.Context, c *service.Call, in *DeregisterTaskDefinitionRequest) (*DeregisterTaskDefinitionResponse, error) {
	c.Target = *in.TaskDefinition
	family, revision, err := taskDefinitionRef(c, *in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		return nil, errNoRevision(*in.TaskDefinition)
	}
	reply, err := c.Propose(ctx, &task.DeregisterTaskDefinition{Family: family, Revision: revision})
	if err != nil {
		return nil, err
	}
	return &DeregisterTaskDefinitionResponse{TaskDefinition: taskDefinitionShape(c, reply.Value.(*task.Definition))}, nil
}

func errNoRevision(text string) error {
	return command.Invalid("taskDefinition is %q: it must have a revision, as FAMILY:REVISION", text)
}

// DeleteTaskDefinitions deletes INACTIVE revisions.
func (a *api) DeleteTaskDefinitions(ctx context.Context, c *service.Call, in *DeleteTaskDefinitionsRequest) (*DeleteTaskDefinitionsResponse, error) {
	if err := checkItems("taskDefinitions", len(in.TaskDefinitions), maxDeletions); err != nil {
		return nil, err
	}
	out := &DeleteTaskDefinitionsResponse{TaskDefinitions: []TaskDefinition{}, Failures: []Failure{}}
	for _, text := range in.TaskDefinitions {
		family, revision, err := taskDefinitionRef(c, text)
		if err != nil {
			return nil, err
		}
		if revision == 0 {
			return nil, errNoRevision(text)
		}
		reply, err := c.Propose(ctx, &task.DeleteTaskDefinition{Family: family, Revision: revision})
		if refusal, ok := err.(*task.Error); ok {
			f := missing(c, kindTaskDefinition, "", text)
			f.Reason = refusal.Message
			out.Failures = append(out.Failures, f)
			continue
		}
		if err != nil {
			return nil, err
		}
		out.TaskDefinitions = append(out.TaskDefinitions, *taskDefinitionShape(c, reply.Value.(*task.Definition)))
	}
	return out, nil
}

// taskDefinitionShape describes a definition.
func taskDefinitionShape(c *service.Call, d *task.Definition) *TaskDefinition {
	out := convert[TaskDefinition](d)
	out.Family, out.Revision = d.Family, new(int64(d.Revision))
	out.TaskDefinitionArn = ownARN(c, kindTaskDefinition, d.Name())
	out.RegisteredAt = timestamp.Milliseconds(d.Registered)
	out.DeregisteredAt = timestamp.Milliseconds(d.Deregistered)
	out.DeleteRequestedAt = timestamp.Milliseconds(d.DeleteRequested)
	out.Volumes, out.PlacementConstraints = filled(out.Volumes), filled(out.PlacementConstraints)
	out.ServiceDiscoveryRegistry = registriesOf(d.Registries, "")
	for _, name := range d.RequiredAttributes() {
		out.RequiresAttributes = append(out.RequiresAttributes, &Attribute{Name: new(name)})
	}
	for _, container := range out.ContainerDefinitions {
		container.Environment, container.MountPoints = filled(container.Environment), filled(container.MountPoints)
		container.VolumesFrom, container.PortMappings = filled(container.VolumesFrom), filled(container.PortMappings)
		container.SystemControls = filled(container.SystemControls)
		container.ServiceDiscoveryRegistry = registriesOf(d.Registries, *container.Name)
	}
	return &out
}
