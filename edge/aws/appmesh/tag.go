package appmesh

import (
	"context"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// tagged returns the resource that an ARN names. Its account is taken for the owner of
// the mesh: in a mesh of another account nobody reads or changes tags.
func tagged(c *service.Call, text string) (mesh.Ref, error) {
	c.Target = text
	a, ok := arn.Parse(text)
	if !ok || a.Service != apiName {
		return mesh.Ref{}, command.Invalid("resourceArn %q is not the ARN of a resource of App Mesh", text)
	}
	ref, ok := mesh.ParsePath(a.Account, a.Resource)
	if !ok {
		return mesh.Ref{}, command.Invalid("resourceArn %q is not the ARN of a resource of App Mesh: it must end with mesh/MESH or mesh/MESH/KIND/NAME", text)
	}
	if a.Partition != arn.Partition || a.Region != c.Rules.Region() {
		return mesh.Ref{}, &command.NotFound{Message: "There is no resource with the ARN " + text + ": this is the region " + c.Rules.Region()}
	}
	return ref, nil
}

// TagResource adds tags to a resource.
func (a *api) TagResource(ctx context.Context, c *service.Call, in *TagResourceInput) (*TagResourceOutput, error) {
	ref, err := tagged(c, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = c.Propose(ctx, &mesh.TagResource{Ref: ref, Tags: coreTags(in.Tags)})
	return &TagResourceOutput{}, err
}

// UntagResource removes tags from a resource.
func (a *api) UntagResource(ctx context.Context, c *service.Call, in *UntagResourceInput) (*UntagResourceOutput, error) {
	ref, err := tagged(c, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = c.Propose(ctx, &mesh.UntagResource{Ref: ref, Keys: in.TagKeys})
	return &UntagResourceOutput{}, err
}

// maxTagPage is the largest page of tags, and the one where the limit is left out.
const maxTagPage = 50

// ListTagsForResource lists the tags of a resource.
func (a *api) ListTagsForResource(_ context.Context, c *service.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	ref, err := tagged(c, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r, err := c.State.Mesh.Tagged(&c.Rules.Mesh, c.Account, ref)
	if err != nil {
		return nil, err
	}
	size := maxTagPage
	if in.Limit != nil {
		size = int(*in.Limit)
	}
	p, err := c.NewPage(ref.ID(), size, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListTagsForResourceOutput{Tags: []*TagRef{}}
	for _, t := range r.Tags {
		if t.Key <= p.After {
			continue
		}
		if !p.Add(t.Key) {
			break
		}
		out.Tags = append(out.Tags, &TagRef{Key: &t.Key, Value: &t.Value})
	}
	out.NextToken = p.Next
	return out, nil
}

func coreTags(tags []*TagRef) []mesh.Tag {
	var all []mesh.Tag
	for _, t := range tags {
		if t != nil {
			all = append(all, mesh.Tag{Key: service.Value(t.Key), Value: service.Value(t.Value)})
		}
	}
	return all
}

// requestTags are tags for an authorization.
func requestTags(tags []*TagRef) []service.Tag {
	var all []service.Tag
	for _, t := range coreTags(tags) {
		all = append(all, service.Tag(t))
	}
	return all
}
