package appmesh

import (
	"context"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// CreateRoute creates a route of a virtual router.
func (a *api) CreateRoute(ctx context.Context, c *service.Call, in *CreateRouteInput) (*CreateRouteOutput, error) {
	r, err := create(ctx, c, routeRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName, in.RouteName), in.Spec, in.Tags, in.ClientToken)
	return &CreateRouteOutput{Route: routeData(c, r, RouteStatusCodeActive)}, err
}

// DescribeRoute describes a route of a virtual router.
func (a *api) DescribeRoute(_ context.Context, c *service.Call, in *DescribeRouteInput) (*DescribeRouteOutput, error) {
	r, err := find(c, routeRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName, in.RouteName))
	return &DescribeRouteOutput{Route: routeData(c, r, RouteStatusCodeActive)}, err
}

// UpdateRoute replaces the spec of a route of a virtual router.
func (a *api) UpdateRoute(ctx context.Context, c *service.Call, in *UpdateRouteInput) (*UpdateRouteOutput, error) {
	r, err := update(ctx, c, routeRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName, in.RouteName), in.Spec, in.ClientToken)
	return &UpdateRouteOutput{Route: routeData(c, r, RouteStatusCodeActive)}, err
}

// DeleteRoute deletes a route of a virtual router, and answers with what it was.
func (a *api) DeleteRoute(ctx context.Context, c *service.Call, in *DeleteRouteInput) (*DeleteRouteOutput, error) {
	r, err := remove(ctx, c, routeRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName, in.RouteName))
	return &DeleteRouteOutput{Route: routeData(c, r, RouteStatusCodeDeleted)}, err
}

// ListRoutes lists the routes of a virtual router.
func (a *api) ListRoutes(_ context.Context, c *service.Call, in *ListRoutesInput) (*ListRoutesOutput, error) {
	p, all, err := list(c, routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName), mesh.KindRoute, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListRoutesOutput{Routes: []RouteRef{}}
	for r := range all {
		if !p.Add(r.Ref.Name) {
			break
		}
		m := metadata(c, r)
		out.Routes = append(out.Routes, RouteRef{
			MeshName: r.Ref.Mesh, VirtualRouterName: r.Ref.Parent, RouteName: r.Ref.Name, Arn: m.Arn, Version: m.Version,
			CreatedAt: m.CreatedAt, LastUpdatedAt: m.LastUpdatedAt, MeshOwner: m.MeshOwner, ResourceOwner: m.ResourceOwner,
		})
	}
	out.NextToken = p.Next
	return out, nil
}

// routeData describes a route of a virtual router. Nil: there was an error.
func routeData(c *service.Call, r *mesh.Resource, status RouteStatusCode) *RouteData {
	if r == nil {
		return nil
	}
	return &RouteData{
		MeshName: r.Ref.Mesh, VirtualRouterName: r.Ref.Parent, RouteName: r.Ref.Name, Metadata: metadata(c, r),
		Spec: specShape[RouteSpec](r.Spec), Status: &RouteStatus{Status: status},
	}
}
