package ecs

import (
	"context"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// The operations below are those of the agent of AWS. Tasks are run by cairn's own
// runner, which does not use them.

// errNoAgent is the answer to an agent that wants work.
func errNoAgent(c *service.Call) error {
	return task.NewError(task.ClientError, "%s is not supported by cairn: the Amazon ECS agent cannot run tasks of it. Start cairn with --runner on the machine instead.", c.Operation.Action)
}

// DiscoverPollEndpoint is refused: there is no endpoint that an agent can poll.
func (a *api) DiscoverPollEndpoint(_ context.Context, c *service.Call, _ *DiscoverPollEndpointRequest) (*DiscoverPollEndpointResponse, error) {
	return nil, errNoAgent(c)
}

// SubmitAttachmentStateChanges is refused.
func (a *api) SubmitAttachmentStateChanges(_ context.Context, c *service.Call, _ *SubmitAttachmentStateChangesRequest) (*SubmitAttachmentStateChangesResponse, error) {
	return nil, errNoAgent(c)
}

// SubmitContainerStateChange is refused.
func (a *api) SubmitContainerStateChange(_ context.Context, c *service.Call, _ *SubmitContainerStateChangeRequest) (*SubmitContainerStateChangeResponse, error) {
	return nil, errNoAgent(c)
}

// SubmitTaskStateChange is refused.
func (a *api) SubmitTaskStateChange(_ context.Context, c *service.Call, _ *SubmitTaskStateChangeRequest) (*SubmitTaskStateChangeResponse, error) {
	return nil, errNoAgent(c)
}

// UpdateContainerAgent is answered as for an agent of the newest version: a runner is
// updated with cairn.
func (a *api) UpdateContainerAgent(_ context.Context, c *service.Call, in *UpdateContainerAgentRequest) (*UpdateContainerAgentResponse, error) {
	cluster, id, err := instanceRef(c, in.Cluster, *in.ContainerInstance)
	if err != nil {
		return nil, err
	}
	if _, err := c.State.Task.ActiveCluster(c.Account, cluster); err != nil {
		return nil, err
	}
	if _, ok := c.State.Task.Instance(c.Account, cluster, id); !ok {
		return nil, task.ErrInstanceNotFound()
	}
	return nil, task.NewError(task.NoUpdateAvailable, "There is no update available for your container agent.")
}
