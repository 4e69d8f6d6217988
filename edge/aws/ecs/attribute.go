package ecs

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// PutAttributes sets attributes of container instances.
func (a *api) PutAttributes(ctx context.Context, c *service.Call, in *PutAttributesRequest) (*PutAttributesResponse, error) {
	cluster, list, err := attributesOf(c, in.Cluster, in.Attributes)
	if err != nil {
		return nil, err
	}
	if _, err := c.Propose(ctx, &task.PutAttributes{Cluster: cluster, Attributes: list}); err != nil {
		return nil, err
	}
	return &PutAttributesResponse{Attributes: attributeShapes(c, cluster, list)}, nil
}

// DeleteAttributes removes attributes of container instances.
func (a *api) DeleteAttributes(ctx context.Context, c *service.Call, in *DeleteAttributesRequest) (*DeleteAttributesResponse, error) {
	cluster, list, err := attributesOf(c, in.Cluster, in.Attributes)
	if err != nil {
		return nil, err
	}
	if _, err := c.Propose(ctx, &task.DeleteAttributes{Cluster: cluster, Attributes: list}); err != nil {
		return nil, err
	}
	return &DeleteAttributesResponse{Attributes: attributeShapes(c, cluster, list)}, nil
}

// attributesOf returns the attributes of an input with the ids of their instances.
func attributesOf(c *service.Call, clusterText *string, in []*Attribute) (cluster string, list []task.Attribute, err error) {
	if cluster, err = clusterName(c, clusterText); err != nil {
		return "", nil, err
	}
	c.Target = cluster
	for _, a := range in {
		x := convert[task.Attribute](a)
		if x.TargetID == "" {
			return "", nil, command.Invalid("The attribute %s has no targetId", x.Name)
		}
		r, err := parseRef(c, "targetId", kindInstance, x.TargetID)
		if err != nil {
			return "", nil, err
		}
		if x.TargetID = r.Name; !r.in(cluster) {
			x.TargetID = ""
		}
		list = append(list, x)
	}
	return cluster, list, nil
}

// attributeShapes describes attributes with the ARNs of their instances.
func attributeShapes(c *service.Call, cluster string, list []task.Attribute) []*Attribute {
	shapes := []*Attribute{}
	for _, x := range list {
		a := &Attribute{Name: new(x.Name), TargetType: new(TargetTypeContainerInstance), TargetId: new(ownARN(c, kindInstance, cluster, x.TargetID))}
		if x.Value != "" {
			a.Value = new(x.Value)
		}
		shapes = append(shapes, a)
	}
	return shapes
}

// ListAttributes lists the attributes of the container instances of a cluster.
func (a *api) ListAttributes(_ context.Context, c *service.Call, in *ListAttributesRequest) (*ListAttributesResponse, error) {
	cluster, err := activeCluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if in.AttributeValue != nil && in.AttributeName == nil {
		return nil, command.Invalid("attributeValue needs attributeName")
	}
	p, err := newPage(c, []any{cluster.Name, in.AttributeName, in.AttributeValue}, maxPage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListAttributesResponse{Attributes: []*Attribute{}}
	for key, x := range attributesIn(c, cluster.Name) {
		if key <= p.After || in.AttributeName != nil && *in.AttributeName != x.Name || in.AttributeValue != nil && *in.AttributeValue != x.Value {
			continue
		}
		if !p.Add(key) {
			break
		}
		out.Attributes = append(out.Attributes, attributeShapes(c, cluster.Name, []task.Attribute{x})...)
	}
	out.NextToken = p.Next
	return out, nil
}

// attributesIn yields the attributes of a cluster's instances, with their ids as targets
// and with keys that order them.
func attributesIn(c *service.Call, cluster string) iter.Seq2[string, task.Attribute] {
	return func(yield func(string, task.Attribute) bool) {
		for i := range c.State.Task.Instances(c.Account, cluster, "") {
			list := slices.SortedFunc(slices.Values(i.Attributes), func(x, y task.Attribute) int { return strings.Compare(x.Name, y.Name) })
			for _, x := range list {
				if x.TargetID = i.ID; !yield(i.ID+"/"+x.Name, x) {
					return
				}
			}
		}
	}
}
