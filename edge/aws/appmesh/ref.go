package appmesh

import (
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// The functions below return what an input names. The owner of the mesh is the caller if
// it is left out.

func meshRef(c *service.Call, owner, name *string) mesh.Ref {
	return mesh.MeshRef(c.Owner(owner), *name)
}

func nodeRef(c *service.Call, owner, of, name *string) mesh.Ref {
	return mesh.NodeRef(c.Owner(owner), *of, *name)
}

func serviceRef(c *service.Call, owner, of, name *string) mesh.Ref {
	return mesh.ServiceRef(c.Owner(owner), *of, *name)
}

func routerRef(c *service.Call, owner, of, name *string) mesh.Ref {
	return mesh.RouterRef(c.Owner(owner), *of, *name)
}

func routeRef(c *service.Call, owner, of, router, name *string) mesh.Ref {
	return mesh.RouteRef(c.Owner(owner), *of, *router, *name)
}

func gatewayRef(c *service.Call, owner, of, name *string) mesh.Ref {
	return mesh.GatewayRef(c.Owner(owner), *of, *name)
}

func gatewayRouteRef(c *service.Call, owner, of, gateway, name *string) mesh.Ref {
	return mesh.GatewayRouteRef(c.Owner(owner), *of, *gateway, *name)
}
