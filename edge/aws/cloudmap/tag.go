package cloudmap

import (
	"context"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// TagResource adds tags to a namespace or service.
func (a *api) TagResource(ctx context.Context, c *service.Call, in *TagResourceRequest) (*TagResourceResponse, error) {
	c.Target = *in.ResourceARN
	tags := tagsOf(in.Tags)
	_, err := c.Propose(ctx, &registry.TagResource{ARN: *in.ResourceARN, Tags: tags, NewKey: a.newKey(tags)})
	return &TagResourceResponse{}, err
}

// UntagResource removes tags from a namespace or service.
func (a *api) UntagResource(ctx context.Context, c *service.Call, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	c.Target = *in.ResourceARN
	_, err := c.Propose(ctx, &registry.UntagResource{ARN: *in.ResourceARN, Keys: in.TagKeys})
	return &UntagResourceResponse{}, err
}

// ListTagsForResource lists the tags of a namespace or service.
func (a *api) ListTagsForResource(_ context.Context, c *service.Call, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	c.Target = *in.ResourceARN
	ns, svc, err := c.State.Registry.FindResource(&c.Rules.Registry, c.Account, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags := registry.Attributes("")
	if ns != nil {
		tags = ns.Tags
	} else {
		tags = svc.Tags
	}
	out := &ListTagsForResourceResponse{Tags: []*Tag{}}
	for k, v := range tags.All() {
		out.Tags = append(out.Tags, &Tag{Key: &k, Value: &v})
	}
	return out, nil
}

func tagsOf(in []*Tag) []registry.Tag {
	var tags []registry.Tag
	for _, t := range in {
		tags = append(tags, registry.Tag{Key: *t.Key, Value: *t.Value})
	}
	return tags
}
