package appmesh

import (
	"context"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// CreateVirtualService creates a virtual service.
func (a *api) CreateVirtualService(ctx context.Context, c *service.Call, in *CreateVirtualServiceInput) (*CreateVirtualServiceOutput, error) {
	r, err := create(ctx, c, serviceRef(c, in.MeshOwner, in.MeshName, in.VirtualServiceName), in.Spec, in.Tags, in.ClientToken)
	return &CreateVirtualServiceOutput{VirtualService: virtualServiceData(c, r, VirtualServiceStatusCodeActive)}, err
}

// DescribeVirtualService describes a virtual service.
func (a *api) DescribeVirtualService(_ context.Context, c *service.Call, in *DescribeVirtualServiceInput) (*DescribeVirtualServiceOutput, error) {
	r, err := find(c, serviceRef(c, in.MeshOwner, in.MeshName, in.VirtualServiceName))
	return &DescribeVirtualServiceOutput{VirtualService: virtualServiceData(c, r, VirtualServiceStatusCodeActive)}, err
}

// UpdateVirtualService replaces the spec of a virtual service.
func (a *api) UpdateVirtualService(ctx context.Context, c *service.Call, in *UpdateVirtualServiceInput) (*UpdateVirtualServiceOutput, error) {
	r, err := update(ctx, c, serviceRef(c, in.MeshOwner, in.MeshName, in.VirtualServiceName), in.Spec, in.ClientToken)
	return &UpdateVirtualServiceOutput{VirtualService: virtualServiceData(c, r, VirtualServiceStatusCodeActive)}, err
}

// DeleteVirtualService deletes a virtual service, and answers with what it was.
func (a *api) DeleteVirtualService(ctx context.Context, c *service.Call, in *DeleteVirtualServiceInput) (*DeleteVirtualServiceOutput, error) {
	r, err := remove(ctx, c, serviceRef(c, in.MeshOwner, in.MeshName, in.VirtualServiceName))
	return &DeleteVirtualServiceOutput{VirtualService: virtualServiceData(c, r, VirtualServiceStatusCodeDeleted)}, err
}

// ListVirtualServices lists the virtual services of a mesh.
func (a *api) ListVirtualServices(_ context.Context, c *service.Call, in *ListVirtualServicesInput) (*ListVirtualServicesOutput, error) {
	p, all, err := list(c, meshRef(c, in.MeshOwner, in.MeshName), mesh.KindVirtualService, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListVirtualServicesOutput{VirtualServices: []VirtualServiceRef{}}
	for r := range all {
		if !p.Add(r.Ref.Name) {
			break
		}
		m := metadata(c, r)
		out.VirtualServices = append(out.VirtualServices, VirtualServiceRef{
			MeshName: r.Ref.Mesh, VirtualServiceName: r.Ref.Name, Arn: m.Arn, Version: m.Version,
			CreatedAt: m.CreatedAt, LastUpdatedAt: m.LastUpdatedAt, MeshOwner: m.MeshOwner, ResourceOwner: m.ResourceOwner,
		})
	}
	out.NextToken = p.Next
	return out, nil
}

// virtualServiceData describes a virtual service. Nil: there was an error.
func virtualServiceData(c *service.Call, r *mesh.Resource, status VirtualServiceStatusCode) *VirtualServiceData {
	if r == nil {
		return nil
	}
	return &VirtualServiceData{
		MeshName: r.Ref.Mesh, VirtualServiceName: r.Ref.Name, Metadata: metadata(c, r),
		Spec: specShape[VirtualServiceSpec](r.Spec), Status: &VirtualServiceStatus{Status: status},
	}
}
