package appmesh

import (
	"context"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// CreateVirtualRouter creates a virtual router.
func (a *api) CreateVirtualRouter(ctx context.Context, c *service.Call, in *CreateVirtualRouterInput) (*CreateVirtualRouterOutput, error) {
	r, err := create(ctx, c, routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName), in.Spec, in.Tags, in.ClientToken)
	return &CreateVirtualRouterOutput{VirtualRouter: virtualRouterData(c, r, VirtualRouterStatusCodeActive)}, err
}

// DescribeVirtualRouter describes a virtual router.
func (a *api) DescribeVirtualRouter(_ context.Context, c *service.Call, in *DescribeVirtualRouterInput) (*DescribeVirtualRouterOutput, error) {
	r, err := find(c, routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName))
	return &DescribeVirtualRouterOutput{VirtualRouter: virtualRouterData(c, r, VirtualRouterStatusCodeActive)}, err
}

// UpdateVirtualRouter replaces the spec of a virtual router.
func (a *api) UpdateVirtualRouter(ctx context.Context, c *service.Call, in *UpdateVirtualRouterInput) (*UpdateVirtualRouterOutput, error) {
	r, err := update(ctx, c, routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName), in.Spec, in.ClientToken)
	return &UpdateVirtualRouterOutput{VirtualRouter: virtualRouterData(c, r, VirtualRouterStatusCodeActive)}, err
}

// DeleteVirtualRouter deletes a virtual router, and answers with what it was.
func (a *api) DeleteVirtualRouter(ctx context.Context, c *service.Call, in *DeleteVirtualRouterInput) (*DeleteVirtualRouterOutput, error) {
	r, err := remove(ctx, c, routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName))
	return &DeleteVirtualRouterOutput{VirtualRouter: virtualRouterData(c, r, VirtualRouterStatusCodeDeleted)}, err
}

// ListVirtualRouters lists the virtual routers of a mesh.
func (a *api) ListVirtualRouters(_ context.Context, c *service.Call, in *ListVirtualRoutersInput) (*ListVirtualRoutersOutput, error) {
	p, all, err := list(c, meshRef(c, in.MeshOwner, in.MeshName), mesh.KindVirtualRouter, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListVirtualRoutersOutput{VirtualRouters: []VirtualRouterRef{}}
	for r := range all {
		if !p.Add(r.Ref.Name) {
			break
		}
		m := metadata(c, r)
		out.VirtualRouters = append(out.VirtualRouters, VirtualRouterRef{
			MeshName: r.Ref.Mesh, VirtualRouterName: r.Ref.Name, Arn: m.Arn, Version: m.Version,
			CreatedAt: m.CreatedAt, LastUpdatedAt: m.LastUpdatedAt, MeshOwner: m.MeshOwner, ResourceOwner: m.ResourceOwner,
		})
	}
	out.NextToken = p.Next
	return out, nil
}

// virtualRouterData describes a virtual router. Nil: there was an error.
func virtualRouterData(c *service.Call, r *mesh.Resource, status VirtualRouterStatusCode) *VirtualRouterData {
	if r == nil {
		return nil
	}
	return &VirtualRouterData{
		MeshName: r.Ref.Mesh, VirtualRouterName: r.Ref.Name, Metadata: metadata(c, r),
		Spec: specShape[VirtualRouterSpec](r.Spec), Status: &VirtualRouterStatus{Status: status},
	}
}
