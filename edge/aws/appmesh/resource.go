package appmesh

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// api has the handlers of the operations. The part that all kinds of resources share is in
// this file.
type api struct {
	//lint:ignore U1000 answers for operations that a newer model adds
	unsupported
}

var _ handlers = (*api)(nil)

// create creates a resource. Spec is a pointer to a shape, which may be nil.
func create(ctx context.Context, c *service.Call, ref mesh.Ref, spec any, tags []*TagRef, token *string) (*mesh.Resource, error) {
	return propose(ctx, c, ref, &mesh.Create{Ref: ref, Spec: specOf(ref.Kind, spec), Tags: coreTags(tags), Token: service.Value(token)})
}

// update replaces the spec of a resource, unless it is nil.
func update(ctx context.Context, c *service.Call, ref mesh.Ref, spec any, token *string) (*mesh.Resource, error) {
	cmd := &mesh.Update{Ref: ref, Token: service.Value(token)}
	if spec != nil {
		cmd.Spec = specOf(ref.Kind, spec)
	}
	return propose(ctx, c, ref, cmd)
}

// remove deletes a resource.
func remove(ctx context.Context, c *service.Call, ref mesh.Ref) (*mesh.Resource, error) {
	return propose(ctx, c, ref, &mesh.Delete{Ref: ref})
}

func propose(ctx context.Context, c *service.Call, ref mesh.Ref, cmd command.Command) (*mesh.Resource, error) {
	c.Target = ref.Path()
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return reply.Value.(*mesh.Resource), nil
}

// find returns a resource that the caller may see.
func find(c *service.Call, ref mesh.Ref) (*mesh.Resource, error) {
	c.Target = ref.Path()
	return c.State.Mesh.Find(&c.Rules.Mesh, c.Account, ref)
}

// maxPage is the largest page of a list, and the one where the limit is left out.
const maxPage = 100

// pageSize returns the size of a page. The limit has passed validation.
func pageSize(limit *int64) int {
	if limit == nil {
		return maxPage
	}
	return int(*limit)
}

// list returns a page, and the resources that may be on it: those of a kind in a mesh, a
// virtual router or a virtual gateway.
func list(c *service.Call, parent mesh.Ref, k mesh.Kind, limit *int64, token *string) (*service.Page, iter.Seq[*mesh.Resource], error) {
	if _, err := find(c, parent); err != nil {
		return nil, nil, err
	}
	p, err := c.NewPage(parent.ID(), pageSize(limit), token)
	if err != nil {
		return nil, nil, err
	}
	return p, c.State.Mesh.In(parent, k, p.After), nil
}

// metadata describes what all resources have.
func metadata(c *service.Call, r *mesh.Resource) *ResourceMetadata {
	return &ResourceMetadata{
		Arn: r.ARN(c.Rules.Region()), Uid: r.UID, Version: &r.Version,
		CreatedAt: timestamp.Milliseconds(r.Created), LastUpdatedAt: timestamp.Milliseconds(r.Updated),
		MeshOwner: string(r.Ref.Owner), ResourceOwner: string(r.Account),
	}
}

// specOf returns the spec of core/mesh for a shape. It goes through JSON, in which letter
// case does not matter for names. A test holds that no member is lost.
func specOf(k mesh.Kind, shape any) mesh.Spec {
	spec := k.NewSpec()
	through(shape, spec)
	return spec
}

// specShape returns the shape of a spec of core/mesh.
func specShape[T any](spec mesh.Spec) *T {
	shape := new(T)
	through(spec, shape)
	return shape
}

func through(from, to any) {
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		panic("appmesh: types of core/mesh and of the API do not agree: " + err.Error())
	}
}
