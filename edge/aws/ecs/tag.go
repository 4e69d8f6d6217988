package ecs

import (
	"context"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// TagResource adds tags to a cluster, service, task, task definition or container
// instance.
func (a *api) TagResource(ctx context.Context, c *service.Call, in *TagResourceRequest) (*TagResourceResponse, error) {
	c.Target = *in.ResourceArn
	_, err := c.Propose(ctx, &task.TagResource{ARN: *in.ResourceArn, Tags: convert[[]task.Tag](in.Tags)})
	return &TagResourceResponse{}, err
}

// UntagResource removes tags.
func (a *api) UntagResource(ctx context.Context, c *service.Call, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	c.Target = *in.ResourceArn
	_, err := c.Propose(ctx, &task.UntagResource{ARN: *in.ResourceArn, Keys: in.TagKeys})
	return &UntagResourceResponse{}, err
}

// ListTagsForResource lists the tags of a resource.
func (a *api) ListTagsForResource(_ context.Context, c *service.Call, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	c.Target = *in.ResourceArn
	tags, err := c.State.Task.ResourceTags(&c.Rules.Task, c.Account, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &ListTagsForResourceResponse{Tags: filled(convert[[]*Tag](tags))}, nil
}
