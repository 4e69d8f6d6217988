package appmesh

import (
	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Condition keys.
const (
	keyRequestTag = "aws:RequestTag"
	keyTagKeys    = "aws:TagKeys"
)

var tagKeys = []string{keyRequestTag, keyTagKeys}

// actions are those of policies that are no operations: a proxy must be allowed to get
// its configuration.
var actions = []string{"StreamAggregatedResources"}

// policies are as in "Actions, resources, and condition keys for AWS App Mesh" in
// the Service Authorization Reference. It is never changed.
var policies = map[string]service.Policy{
	"CreateGatewayRoute": {Access: access.Write, Keys: tagKeys, Describe: creates(func(c *service.Call, in *CreateGatewayRouteInput) (mesh.Ref, any, []*TagRef) {
		return gatewayRouteRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName, in.GatewayRouteName), in.Spec, in.Tags
	})},
	"CreateMesh": {Access: access.Write, Keys: tagKeys, Describe: creates(func(c *service.Call, in *CreateMeshInput) (mesh.Ref, any, []*TagRef) {
		return meshRef(c, nil, in.MeshName), nil, in.Tags
	})},
	"CreateRoute": {Access: access.Write, Keys: tagKeys, Describe: creates(func(c *service.Call, in *CreateRouteInput) (mesh.Ref, any, []*TagRef) {
		return routeRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName, in.RouteName), in.Spec, in.Tags
	})},
	"CreateVirtualGateway": {Access: access.Write, Keys: tagKeys, Describe: creates(func(c *service.Call, in *CreateVirtualGatewayInput) (mesh.Ref, any, []*TagRef) {
		return gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName), nil, in.Tags
	})},
	"CreateVirtualNode": {Access: access.Write, Keys: tagKeys, Describe: creates(func(c *service.Call, in *CreateVirtualNodeInput) (mesh.Ref, any, []*TagRef) {
		return nodeRef(c, in.MeshOwner, in.MeshName, in.VirtualNodeName), in.Spec, in.Tags
	})},
	"CreateVirtualRouter": {Access: access.Write, Keys: tagKeys, Describe: creates(func(c *service.Call, in *CreateVirtualRouterInput) (mesh.Ref, any, []*TagRef) {
		return routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName), nil, in.Tags
	})},
	"CreateVirtualService": {Access: access.Write, Keys: tagKeys, Describe: creates(func(c *service.Call, in *CreateVirtualServiceInput) (mesh.Ref, any, []*TagRef) {
		return serviceRef(c, in.MeshOwner, in.MeshName, in.VirtualServiceName), in.Spec, in.Tags
	})},
	"DeleteGatewayRoute": {Access: access.Write, Describe: on(func(c *service.Call, in *DeleteGatewayRouteInput) mesh.Ref {
		return gatewayRouteRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName, in.GatewayRouteName)
	})},
	"DeleteMesh": {Access: access.Write, Describe: on(func(c *service.Call, in *DeleteMeshInput) mesh.Ref { return meshRef(c, nil, in.MeshName) })},
	"DeleteRoute": {Access: access.Write, Describe: on(func(c *service.Call, in *DeleteRouteInput) mesh.Ref {
		return routeRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName, in.RouteName)
	})},
	"DeleteVirtualGateway": {Access: access.Write, Describe: on(func(c *service.Call, in *DeleteVirtualGatewayInput) mesh.Ref {
		return gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName)
	})},
	"DeleteVirtualNode": {Access: access.Write, Describe: on(func(c *service.Call, in *DeleteVirtualNodeInput) mesh.Ref {
		return nodeRef(c, in.MeshOwner, in.MeshName, in.VirtualNodeName)
	})},
	"DeleteVirtualRouter": {Access: access.Write, Describe: on(func(c *service.Call, in *DeleteVirtualRouterInput) mesh.Ref {
		return routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName)
	})},
	"DeleteVirtualService": {Access: access.Write, Describe: on(func(c *service.Call, in *DeleteVirtualServiceInput) mesh.Ref {
		return serviceRef(c, in.MeshOwner, in.MeshName, in.VirtualServiceName)
	})},
	"DescribeGatewayRoute": {Access: access.Read, Describe: on(func(c *service.Call, in *DescribeGatewayRouteInput) mesh.Ref {
		return gatewayRouteRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName, in.GatewayRouteName)
	})},
	"DescribeMesh": {Access: access.Read, Describe: on(func(c *service.Call, in *DescribeMeshInput) mesh.Ref { return meshRef(c, in.MeshOwner, in.MeshName) })},
	"DescribeRoute": {Access: access.Read, Describe: on(func(c *service.Call, in *DescribeRouteInput) mesh.Ref {
		return routeRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName, in.RouteName)
	})},
	"DescribeVirtualGateway": {Access: access.Read, Describe: on(func(c *service.Call, in *DescribeVirtualGatewayInput) mesh.Ref {
		return gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName)
	})},
	"DescribeVirtualNode": {Access: access.Read, Describe: on(func(c *service.Call, in *DescribeVirtualNodeInput) mesh.Ref {
		return nodeRef(c, in.MeshOwner, in.MeshName, in.VirtualNodeName)
	})},
	"DescribeVirtualRouter": {Access: access.Read, Describe: on(func(c *service.Call, in *DescribeVirtualRouterInput) mesh.Ref {
		return routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName)
	})},
	"DescribeVirtualService": {Access: access.Read, Describe: on(func(c *service.Call, in *DescribeVirtualServiceInput) mesh.Ref {
		return serviceRef(c, in.MeshOwner, in.MeshName, in.VirtualServiceName)
	})},
	"ListGatewayRoutes": {Access: access.List, Describe: on(func(c *service.Call, in *ListGatewayRoutesInput) mesh.Ref {
		return gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName)
	})},
	"ListMeshes": {Access: access.List},
	"ListRoutes": {Access: access.List, Describe: on(func(c *service.Call, in *ListRoutesInput) mesh.Ref {
		return routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName)
	})},
	"ListTagsForResource": {Access: access.Read, Describe: onARN(func(in *ListTagsForResourceInput) string { return *in.ResourceArn }, nil)},
	"ListVirtualGateways": {Access: access.List, Describe: on(func(c *service.Call, in *ListVirtualGatewaysInput) mesh.Ref {
		return meshRef(c, in.MeshOwner, in.MeshName)
	})},
	"ListVirtualNodes": {Access: access.List, Describe: on(func(c *service.Call, in *ListVirtualNodesInput) mesh.Ref {
		return meshRef(c, in.MeshOwner, in.MeshName)
	})},
	"ListVirtualRouters": {Access: access.List, Describe: on(func(c *service.Call, in *ListVirtualRoutersInput) mesh.Ref {
		return meshRef(c, in.MeshOwner, in.MeshName)
	})},
	"ListVirtualServices": {Access: access.List, Describe: on(func(c *service.Call, in *ListVirtualServicesInput) mesh.Ref {
		return meshRef(c, in.MeshOwner, in.MeshName)
	})},
	"TagResource":   {Access: access.Tagging, Keys: tagKeys, Describe: onARN(func(in *TagResourceInput) string { return *in.ResourceArn }, func(a *service.Authorization, in *TagResourceInput) { a.Tags(requestTags(in.Tags)) })},
	"UntagResource": {Access: access.Tagging, Keys: []string{keyTagKeys}, Describe: onARN(func(in *UntagResourceInput) string { return *in.ResourceArn }, func(a *service.Authorization, in *UntagResourceInput) { a.TagKeys(in.TagKeys) })},
	"UpdateGatewayRoute": {Access: access.Write, Describe: updates(func(c *service.Call, in *UpdateGatewayRouteInput) (mesh.Ref, any) {
		return gatewayRouteRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName, in.GatewayRouteName), in.Spec
	})},
	"UpdateMesh": {Access: access.Write, Describe: on(func(c *service.Call, in *UpdateMeshInput) mesh.Ref { return meshRef(c, nil, in.MeshName) })},
	"UpdateRoute": {Access: access.Write, Describe: updates(func(c *service.Call, in *UpdateRouteInput) (mesh.Ref, any) {
		return routeRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName, in.RouteName), in.Spec
	})},
	"UpdateVirtualGateway": {Access: access.Write, Describe: on(func(c *service.Call, in *UpdateVirtualGatewayInput) mesh.Ref {
		return gatewayRef(c, in.MeshOwner, in.MeshName, in.VirtualGatewayName)
	})},
	"UpdateVirtualNode": {Access: access.Write, Describe: updates(func(c *service.Call, in *UpdateVirtualNodeInput) (mesh.Ref, any) {
		return nodeRef(c, in.MeshOwner, in.MeshName, in.VirtualNodeName), in.Spec
	})},
	"UpdateVirtualRouter": {Access: access.Write, Describe: on(func(c *service.Call, in *UpdateVirtualRouterInput) mesh.Ref {
		return routerRef(c, in.MeshOwner, in.MeshName, in.VirtualRouterName)
	})},
	"UpdateVirtualService": {Access: access.Write, Describe: updates(func(c *service.Call, in *UpdateVirtualServiceInput) (mesh.Ref, any) {
		return serviceRef(c, in.MeshOwner, in.MeshName, in.VirtualServiceName), in.Spec
	})},
}
