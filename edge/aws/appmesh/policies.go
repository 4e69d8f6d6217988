package appmesh

import (
	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Condition keys.
const (
	keyRequestTag = "aws:RequestTag"
	keyTagKeys    = "aws:TagKeys"
)

var tagKeys = []string{keyRequestTag, keyTagKeys}

// policies are as in "Actions, resources, and condition keys for AWS App Mesh" in
// the Service Authorization Reference. It is never changed.
var policies = map[string]service.Policy{
	"CreateGatewayRoute": {Access: access.Write, Keys: tagKeys, Describe: on(func(in *CreateGatewayRouteInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName, "gatewayRoute", *in.GatewayRouteName}
	})},
	"CreateMesh": {Access: access.Write, Keys: tagKeys, Describe: on(func(in *CreateMeshInput) (*string, []string) { return nil, []string{"mesh", *in.MeshName} })},
	"CreateRoute": {Access: access.Write, Keys: tagKeys, Describe: on(func(in *CreateRouteInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName, "route", *in.RouteName}
	})},
	"CreateVirtualGateway": {Access: access.Write, Keys: tagKeys, Describe: on(func(in *CreateVirtualGatewayInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName}
	})},
	"CreateVirtualNode": {Access: access.Write, Keys: tagKeys, Describe: on(func(in *CreateVirtualNodeInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualNode", *in.VirtualNodeName}
	})},
	"CreateVirtualRouter": {Access: access.Write, Keys: tagKeys, Describe: on(func(in *CreateVirtualRouterInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName}
	})},
	"CreateVirtualService": {Access: access.Write, Keys: tagKeys, Describe: on(func(in *CreateVirtualServiceInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualService", *in.VirtualServiceName}
	})},
	"DeleteGatewayRoute": {Access: access.Write, Describe: on(func(in *DeleteGatewayRouteInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName, "gatewayRoute", *in.GatewayRouteName}
	})},
	"DeleteMesh": {Access: access.Write, Describe: on(func(in *DeleteMeshInput) (*string, []string) { return nil, []string{"mesh", *in.MeshName} })},
	"DeleteRoute": {Access: access.Write, Describe: on(func(in *DeleteRouteInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName, "route", *in.RouteName}
	})},
	"DeleteVirtualGateway": {Access: access.Write, Describe: on(func(in *DeleteVirtualGatewayInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName}
	})},
	"DeleteVirtualNode": {Access: access.Write, Describe: on(func(in *DeleteVirtualNodeInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualNode", *in.VirtualNodeName}
	})},
	"DeleteVirtualRouter": {Access: access.Write, Describe: on(func(in *DeleteVirtualRouterInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName}
	})},
	"DeleteVirtualService": {Access: access.Write, Describe: on(func(in *DeleteVirtualServiceInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualService", *in.VirtualServiceName}
	})},
	"DescribeGatewayRoute": {Access: access.Read, Describe: on(func(in *DescribeGatewayRouteInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName, "gatewayRoute", *in.GatewayRouteName}
	})},
	"DescribeMesh": {Access: access.Read, Describe: on(func(in *DescribeMeshInput) (*string, []string) { return in.MeshOwner, []string{"mesh", *in.MeshName} })},
	"DescribeRoute": {Access: access.Read, Describe: on(func(in *DescribeRouteInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName, "route", *in.RouteName}
	})},
	"DescribeVirtualGateway": {Access: access.Read, Describe: on(func(in *DescribeVirtualGatewayInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName}
	})},
	"DescribeVirtualNode": {Access: access.Read, Describe: on(func(in *DescribeVirtualNodeInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualNode", *in.VirtualNodeName}
	})},
	"DescribeVirtualRouter": {Access: access.Read, Describe: on(func(in *DescribeVirtualRouterInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName}
	})},
	"DescribeVirtualService": {Access: access.Read, Describe: on(func(in *DescribeVirtualServiceInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualService", *in.VirtualServiceName}
	})},
	"ListGatewayRoutes": {Access: access.List, Describe: on(func(in *ListGatewayRoutesInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName}
	})},
	"ListMeshes": {Access: access.List},
	"ListRoutes": {Access: access.List, Describe: on(func(in *ListRoutesInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName}
	})},
	"ListTagsForResource": {Access: access.Read, Describe: onARN(func(in *ListTagsForResourceInput) string { return *in.ResourceArn })},
	"ListVirtualGateways": {Access: access.List, Describe: on(func(in *ListVirtualGatewaysInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName}
	})},
	"ListVirtualNodes": {Access: access.List, Describe: on(func(in *ListVirtualNodesInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName}
	})},
	"ListVirtualRouters": {Access: access.List, Describe: on(func(in *ListVirtualRoutersInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName}
	})},
	"ListVirtualServices": {Access: access.List, Describe: on(func(in *ListVirtualServicesInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName}
	})},
	"TagResource":   {Access: access.Tagging, Keys: tagKeys, Describe: onARN(func(in *TagResourceInput) string { return *in.ResourceArn })},
	"UntagResource": {Access: access.Tagging, Keys: []string{keyTagKeys}, Describe: onARN(func(in *UntagResourceInput) string { return *in.ResourceArn })},
	"UpdateGatewayRoute": {Access: access.Write, Describe: on(func(in *UpdateGatewayRouteInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName, "gatewayRoute", *in.GatewayRouteName}
	})},
	"UpdateMesh": {Access: access.Write, Describe: on(func(in *UpdateMeshInput) (*string, []string) { return nil, []string{"mesh", *in.MeshName} })},
	"UpdateRoute": {Access: access.Write, Describe: on(func(in *UpdateRouteInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName, "route", *in.RouteName}
	})},
	"UpdateVirtualGateway": {Access: access.Write, Describe: on(func(in *UpdateVirtualGatewayInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualGateway", *in.VirtualGatewayName}
	})},
	"UpdateVirtualNode": {Access: access.Write, Describe: on(func(in *UpdateVirtualNodeInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualNode", *in.VirtualNodeName}
	})},
	"UpdateVirtualRouter": {Access: access.Write, Describe: on(func(in *UpdateVirtualRouterInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualRouter", *in.VirtualRouterName}
	})},
	"UpdateVirtualService": {Access: access.Write, Describe: on(func(in *UpdateVirtualServiceInput) (*string, []string) {
		return in.MeshOwner, []string{"mesh", *in.MeshName, "virtualService", *in.VirtualServiceName}
	})},
}
