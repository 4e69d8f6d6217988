package route53

import (
	"context"
	"strings"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// taggedID returns the id of a tagged resource. Clients do not remove the prefix here, and
// escape its slashes.
func taggedID(id *string) string { return service.Value(trimID(id)) }

func (a *api) ChangeTagsForResource(ctx context.Context, c *service.Call, in *ChangeTagsForResourceRequest) (*ChangeTagsForResourceResponse, error) {
	cmd := &hostedzone.ChangeTags{Kind: string(*in.ResourceType), ID: taggedID(in.ResourceId), Remove: in.RemoveTagKeys}
	c.Target = cmd.ID
	for _, t := range in.AddTags {
		cmd.Add = append(cmd.Add, hostedzone.Tag{Key: service.Value(t.Key), Value: service.Value(t.Value)})
	}
	if len(cmd.Add)+len(cmd.Remove) == 0 {
		return nil, invalidInput("One of AddTags and RemoveTagKeys is required")
	}
	if _, err := c.Propose(ctx, cmd); err != nil {
		return nil, err
	}
	return &ChangeTagsForResourceResponse{}, nil
}

// tagSet returns the tags of a resource of the account.
func (a *api) tagSet(c *service.Call, kind TagResourceType, id string) (*ResourceTagSet, error) {
	if string(kind) != hostedzone.KindZone {
		if _, err := findCheck(c, &id); err != nil {
			return nil, err
		}
	} else if _, err := a.find(c, &id); err != nil {
		return nil, err
	}
	out := &ResourceTagSet{ResourceType: kind, ResourceId: id, Tags: []*Tag{}}
	for _, t := range c.State.HostedZones.Tags(string(kind), id) {
		out.Tags = append(out.Tags, &Tag{Key: new(t.Key), Value: new(t.Value)})
	}
	return out, nil
}

func (a *api) ListTagsForResource(_ context.Context, c *service.Call, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	set, err := a.tagSet(c, *in.ResourceType, taggedID(in.ResourceId))
	return &ListTagsForResourceResponse{ResourceTagSet: set}, err
}

func (a *api) ListTagsForResources(_ context.Context, c *service.Call, in *ListTagsForResourcesRequest) (*ListTagsForResourcesResponse, error) {
	out := &ListTagsForResourcesResponse{ResourceTagSets: []ResourceTagSet{}}
	for _, id := range in.ResourceIds {
		set, err := a.tagSet(c, *in.ResourceType, taggedID(&id))
		if err != nil {
			return nil, err
		}
		out.ResourceTagSets = append(out.ResourceTagSets, *set)
	}
	c.Target = strings.Join(in.ResourceIds, ",")
	return out, nil
}
