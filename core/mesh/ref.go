package mesh

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
)

// Kind is a kind of resource, as it is called in ARNs.
type Kind string

// The kinds of resources.
const (
	KindMesh           Kind = "mesh"
	KindVirtualNode    Kind = "virtualNode"
	KindVirtualService Kind = "virtualService"
	KindVirtualRouter  Kind = "virtualRouter"
	KindRoute          Kind = "route"
	KindVirtualGateway Kind = "virtualGateway"
	KindGatewayRoute   Kind = "gatewayRoute"
)

// kindData is what differs between kinds.
type kindData struct {
	word   string // in messages
	parent Kind   // of a route: what it is in
	spec   func() Spec
}

// kinds has all kinds. It is never changed.
var kinds = map[Kind]kindData{
	KindMesh:           {"Mesh", "", func() Spec { return new(MeshSpec) }},
	KindVirtualNode:    {"VirtualNode", "", func() Spec { return new(VirtualNodeSpec) }},
	KindVirtualService: {"VirtualService", "", func() Spec { return new(VirtualServiceSpec) }},
	KindVirtualRouter:  {"VirtualRouter", "", func() Spec { return new(VirtualRouterSpec) }},
	KindRoute:          {"Route", KindVirtualRouter, func() Spec { return new(RouteSpec) }},
	KindVirtualGateway: {"VirtualGateway", "", func() Spec { return new(VirtualGatewaySpec) }},
	KindGatewayRoute:   {"GatewayRoute", KindVirtualGateway, func() Spec { return new(GatewayRouteSpec) }},
}

// String returns the name of the kind in messages, such as VirtualNode.
func (k Kind) String() string { return kinds[k].word }

// NewSpec returns an empty spec of the kind, or nil for a kind that does not exist.
func (k Kind) NewSpec() Spec {
	if data, ok := kinds[k]; ok {
		return data.spec()
	}
	return nil
}

// Ref names a resource, whether it exists or not.
type Ref struct {
	// Owner is the account that owns the mesh.
	Owner command.AccountID
	Mesh  string
	Kind  Kind
	// Parent is the virtual router of a route or the virtual gateway of a gateway route;
	// otherwise it is empty.
	Parent string
	// Name is empty for a mesh, which Mesh names.
	Name string
}

// MeshRef names a mesh.
func MeshRef(owner command.AccountID, mesh string) Ref {
	return Ref{Owner: owner, Mesh: mesh, Kind: KindMesh}
}

// NodeRef names a virtual node.
func NodeRef(owner command.AccountID, mesh, name string) Ref {
	return Ref{Owner: owner, Mesh: mesh, Kind: KindVirtualNode, Name: name}
}

// ServiceRef names a virtual service.
func ServiceRef(owner command.AccountID, mesh, name string) Ref {
	return Ref{Owner: owner, Mesh: mesh, Kind: KindVirtualService, Name: name}
}

// RouterRef names a virtual router.
func RouterRef(owner command.AccountID, mesh, name string) Ref {
	return Ref{Owner: owner, Mesh: mesh, Kind: KindVirtualRouter, Name: name}
}

// RouteRef names a route of a virtual router.
func RouteRef(owner command.AccountID, mesh, router, name string) Ref {
	return Ref{Owner: owner, Mesh: mesh, Kind: KindRoute, Parent: router, Name: name}
}

// GatewayRef names a virtual gateway.
func GatewayRef(owner command.AccountID, mesh, name string) Ref {
	return Ref{Owner: owner, Mesh: mesh, Kind: KindVirtualGateway, Name: name}
}

// GatewayRouteRef names a gateway route of a virtual gateway.
func GatewayRouteRef(owner command.AccountID, mesh, gateway, name string) Ref {
	return Ref{Owner: owner, Mesh: mesh, Kind: KindGatewayRoute, Parent: gateway, Name: name}
}

// ID returns the name of the resource in the state and the store: OWNER/MESH,
// OWNER/MESH/KIND/NAME, or OWNER/MESH/KIND/PARENT/NAME for routes.
func (r Ref) ID() string {
	id := string(r.Owner) + "/" + r.Mesh
	if r.Kind == KindMesh {
		return id
	}
	id += "/" + string(r.Kind) + "/"
	if r.Parent != "" {
		id += r.Parent + "/"
	}
	return id + r.Name
}

// parseID returns the Ref with an ID. For a malformed ID the Ref has another one.
func parseID(id string) Ref {
	parts := strings.Split(id, "/")
	if len(parts) < 2 {
		return Ref{}
	}
	r := MeshRef(command.AccountID(parts[0]), parts[1])
	switch len(parts) {
	case 4:
		r.Kind, r.Name = Kind(parts[2]), parts[3]
	case 5:
		r.Kind, r.Parent, r.Name = Kind(parts[2]), parts[3], parts[4]
	}
	if !r.wellFormed() {
		return Ref{}
	}
	return r
}

// wellFormed reports whether the Ref has the fields that its kind needs, and no others.
func (r Ref) wellFormed() bool {
	data, ok := kinds[r.Kind]
	return ok && r.Mesh != "" && (r.Name == "") == (r.Kind == KindMesh) && (r.Parent == "") == (data.parent == "")
}

// meshRef returns the Ref of the mesh that the resource is in.
func (r Ref) meshRef() Ref { return MeshRef(r.Owner, r.Mesh) }

// ParentRef returns the Ref of the virtual router or gateway that a route is in, and the
// mesh of other resources.
func (r Ref) ParentRef() Ref {
	if parent := kinds[r.Kind].parent; parent != "" {
		return Ref{Owner: r.Owner, Mesh: r.Mesh, Kind: parent, Name: r.Parent}
	}
	return r.meshRef()
}

// ShortName returns the name of the resource; that of a mesh is Mesh.
func (r Ref) ShortName() string {
	if r.Kind == KindMesh {
		return r.Mesh
	}
	return r.Name
}

// Path returns the resource part of the ARN, such as mesh/M/virtualRouter/R/route/X.
func (r Ref) Path() string {
	path := "mesh/" + r.Mesh
	if r.Kind == KindMesh {
		return path
	}
	if r.Parent != "" {
		path += "/" + string(kinds[r.Kind].parent) + "/" + r.Parent
	}
	return path + "/" + string(r.Kind) + "/" + r.Name
}

// ParsePath returns the Ref of a resource part of an ARN. The owner of the mesh is what
// is given.
func ParsePath(owner command.AccountID, path string) (Ref, bool) {
	parts := strings.Split(path, "/")
	r := Ref{Owner: owner}
	switch len(parts) {
	case 2:
		r.Mesh, r.Kind = parts[1], KindMesh
	case 4:
		r.Mesh, r.Kind, r.Name = parts[1], Kind(parts[2]), parts[3]
	case 6:
		r.Mesh, r.Parent, r.Kind, r.Name = parts[1], parts[3], Kind(parts[4]), parts[5]
	}
	if !r.wellFormed() || r.Path() != path {
		return Ref{}, false
	}
	return r, true
}

// serviceName is the service in ARNs.
const serviceName = "appmesh"

// ARN returns the ARN of the resource. It has the account that created it.
func (r *Resource) ARN(region string) string {
	return arn.Format(serviceName, region, r.Account, r.Ref.Path())
}

// ServiceName returns the name of a virtual service that a spec names by its name or by
// its ARN, as the console of AWS does.
func ServiceName(text string) string {
	if a, ok := arn.Parse(text); ok && a.Service == serviceName {
		if r, ok := ParsePath("", a.Resource); ok && r.Kind == KindVirtualService {
			return r.Name
		}
	}
	return text
}
