package appmesh

import (
	"context"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// CreateGatewayRoute creates a gateway route.
func (a *api) CreateGatewayRoute(ctx context.Context, c *service.Call, in *CreateGatewayRouteInput) (*CreateGatewayRouteOutput, error) {
	r, err := create(ctx, c, gatewayRouteRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName, in.GatewayRouteName), in.Spec, in.Tags, in.ClientToken)
	return &CreateGatewayRouteOutput{GatewayRoute: gatewayRouteData(c, r, GatewayRouteStatusCodeActive)}, err
}

// DescribeGatewayRoute describes a gateway route.
func (a *api) DescribeGatewayRoute(_ context.Context, c *service.Call, in *DescribeGatewayRouteInput) (*DescribeGatewayRouteOutput, error) {
	r, err := find(c, gatewayRouteRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName, in.GatewayRouteName))
	return &DescribeGatewayRouteOutput{GatewayRoute: gatewayRouteData(c, r, GatewayRouteStatusCodeActive)}, err
}

// UpdateGatewayRoute replaces the spec of a gateway route.
func (a *api) UpdateGatewayRoute(ctx context.Context, c *service.Call, in *UpdateGatewayRouteInput) (*UpdateGatewayRouteOutput, error) {
	r, err := update(ctx, c, gatewayRouteRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName, in.GatewayRouteName), in.Spec, in.ClientToken)
	return &UpdateGatewayRouteOutput{GatewayRoute: gatewayRouteData(c, r, GatewayRouteStatusCodeActive)}, err
}

// DeleteGatewayRoute deletes a gateway route, and answers with what it was.
func (a *api) DeleteGatewayRoute(ctx context.Context, c *service.Call, in *DeleteGatewayRouteInput) (*DeleteGatewayRouteOutput, error) {
	r, err := remove(ctx, c, gatewayRouteRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName, in.GatewayRouteName))
	return &DeleteGatewayRouteOutput{GatewayRoute: gatewayRouteData(c, r, GatewayRouteStatusCodeDeleted)}, err
}

// ListGatewayRoutes lists the gateway routes of a virtual gateway.
func (a *api) ListGatewayRoutes(_ context.Context, c *service.Call, in *ListGatewayRoutesInput) (*ListGatewayRoutesOutput, error) {
	p, all, err := list(c, gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName), mesh.KindGatewayRoute, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListGatewayRoutesOutput{GatewayRoutes: []GatewayRouteRef{}}
	for r := range all {
		if !p.Add(r.Ref.Name) {
			break
		}
		m := metadata(c, r)
		out.GatewayRoutes = append(out.GatewayRoutes, GatewayRouteRef{
			MeshName: r.Ref.Mesh, VirtualGatewayName: r.Ref.Parent, GatewayRouteName: r.Ref.Name, Arn: m.Arn, Version: m.Version,
			CreatedAt: m.CreatedAt, LastUpdatedAt: m.LastUpdatedAt, MeshOwner: m.MeshOwner, ResourceOwner: m.ResourceOwner,
		})
	}
	out.NextToken = p.Next
	return out, nil
}

// gatewayRouteData describes a gateway route. Nil: there was an error.
func gatewayRouteData(c *service.Call, r *mesh.Resource, status GatewayRouteStatusCode) *GatewayRouteData {
	if r == nil {
		return nil
	}
	return &GatewayRouteData{
		MeshName: r.Ref.Mesh, VirtualGatewayName: r.Ref.Parent, GatewayRouteName: r.Ref.Name, Metadata: metadata(c, r),
		Spec: specShape[GatewayRouteSpec](r.Spec), Status: &GatewayRouteStatus{Status: status},
	}
}
