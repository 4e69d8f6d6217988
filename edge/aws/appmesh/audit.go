package appmesh

import (
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/internal/audit"
)

// auditResources returns the resource that the input of a call names.
func auditResources(c *service.Call, in, _ any) []audit.Resource {
	if text := audit.Text(in, "ResourceArn"); text != "" {
		return []audit.Resource{{ARN: text}}
	}
	ref, ok := inputRef(c, in)
	if !ok {
		return nil
	}
	text, _ := resource(c, ref)
	return []audit.Resource{{ARN: text, Type: "AWS::AppMesh::" + ref.Kind.String()}}
}

// inputRef returns the resource that the members of an input name: the innermost one.
func inputRef(c *service.Call, in any) (mesh.Ref, bool) {
	ref := mesh.MeshRef(c.Account, audit.Text(in, "MeshName"))
	if owner := audit.Text(in, "MeshOwner"); owner != "" {
		ref.Owner = c.Owner(&owner)
	}
	for _, k := range []struct {
		kind           mesh.Kind
		member, parent string
	}{
		{mesh.KindRoute, "RouteName", "VirtualRouterName"},
		{mesh.KindGatewayRoute, "GatewayRouteName", "VirtualGatewayName"},
		{kind: mesh.KindVirtualNode, member: "VirtualNodeName"},
		{kind: mesh.KindVirtualService, member: "VirtualServiceName"},
		{kind: mesh.KindVirtualRouter, member: "VirtualRouterName"},
		{kind: mesh.KindVirtualGateway, member: "VirtualGatewayName"},
	} {
		if name := audit.Text(in, k.member); name != "" {
			ref.Kind, ref.Name = k.kind, name
			if k.parent != "" {
				ref.Parent = audit.Text(in, k.parent)
			}
			break
		}
	}
	return ref, ref.Mesh != ""
}
