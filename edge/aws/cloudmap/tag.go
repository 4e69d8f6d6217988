package cloudmap

import "github.com/cairn-discovery/cairn/core/registry"

// TagResource adds tags to a namespace or service.
func (a *API) TagResource(c *call, in *TagResourceRequest) (*TagResourceResponse, error) {
	c.target = *in.ResourceARN
	tags := tagsOf(in.Tags)
	_, err := a.do(c, &registry.TagResource{ARN: *in.ResourceARN, Tags: tags, NewKey: a.newKey(tags)})
	return &TagResourceResponse{}, err
}

// UntagResource removes tags from a namespace or service.
func (a *API) UntagResource(c *call, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	c.target = *in.ResourceARN
	_, err := a.do(c, &registry.UntagResource{ARN: *in.ResourceARN, Keys: in.TagKeys})
	return &UntagResourceResponse{}, err
}

// ListTagsForResource lists the tags of a namespace or service.
func (a *API) ListTagsForResource(c *call, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	c.target = *in.ResourceARN
	ns, svc, err := a.state().Registry.FindResource(c.rules, c.account, *in.ResourceARN)
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
