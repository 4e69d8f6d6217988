package appmesh

import (
	"context"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// CreateVirtualGateway creates a virtual gateway.
func (a *api) CreateVirtualGateway(ctx context.Context, c *service.Call, in *CreateVirtualGatewayInput) (*CreateVirtualGatewayOutput, error) {
	r, err := create(ctx, c, gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName), in.Spec, in.Tags, in.ClientToken)
	return &CreateVirtualGatewayOutput{VirtualGateway: virtualGatewayData(c, r, VirtualGatewayStatusCodeActive)}, err
}

// DescribeVirtualGateway describes a virtual gateway.
func (a *api) DescribeVirtualGateway(_ context.Context, c *service.Call, in *DescribeVirtualGatewayInput) (*DescribeVirtualGatewayOutput, error) {
	r, err := find(c, gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName))
	return &DescribeVirtualGatewayOutput{VirtualGateway: virtualGatewayData(c, r, VirtualGatewayStatusCodeActive)}, err
}

// UpdateVirtualGateway replaces the spec of a virtual gateway.
func (a *api) UpdateVirtualGateway(ctx context.Context, c *service.Call, in *UpdateVirtualGatewayInput) (*UpdateVirtualGatewayOutput, error) {
	r, err := update(ctx, c, gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName), in.Spec, in.ClientToken)
	return &UpdateVirtualGatewayOutput{VirtualGateway: virtualGatewayData(c, r, VirtualGatewayStatusCodeActive)}, err
}

// DeleteVirtualGateway deletes a virtual gateway, and answers with what it was.
func (a *api) DeleteVirtualGateway(ctx context.Context, c *service.Call, in *DeleteVirtualGatewayInput) (*DeleteVirtualGatewayOutput, error) {
	r, err := remove(ctx, c, gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName))
	return &DeleteVirtualGatewayOutput{VirtualGateway: virtualGatewayData(c, r, VirtualGatewayStatusCodeDeleted)}, err
}

// ListVirtualGateways lists the virtual gateways of a mesh.
func (a *api) ListVirtualGateways(_ context.Context, c *service.Call, in *ListVirtualGatewaysInput) (*ListVirtualGatewaysOutput, error) {
	p, all, err := list(c, meshRef(c, in.MeshOwner, in.MeshName), mesh.KindVirtualGateway, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListVirtualGatewaysOutput{VirtualGateways: []VirtualGatewayRef{}}
	for r := range all {
		if !p.Add(r.Ref.Name) {
			break
		}
		m := metadata(c, r)
		out.VirtualGateways = append(out.VirtualGateways, VirtualGatewayRef{
			MeshName: r.Ref.Mesh, VirtualGatewayName: r.Ref.Name, Arn: m.Arn, Version: m.Version,
			CreatedAt: m.CreatedAt, LastUpdatedAt: m.LastUpdatedAt, MeshOwner: m.MeshOwner, ResourceOwner: m.ResourceOwner,
		})
	}
	out.NextToken = p.Next
	return out, nil
}

// virtualGatewayData describes a virtual gateway. Nil: there was an error.
func virtualGatewayData(c *service.Call, r *mesh.Resource, status VirtualGatewayStatusCode) *VirtualGatewayData {
	if r == nil {
		return nil
	}
	return &VirtualGatewayData{
		MeshName: r.Ref.Mesh, VirtualGatewayName: r.Ref.Name, Metadata: metadata(c, r),
		Spec: specShape[VirtualGatewaySpec](r.Spec), Status: &VirtualGatewayStatus{Status: status},
	}
}
