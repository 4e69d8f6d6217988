// Package mesh holds what the API of AWS App Mesh manages: meshes, virtual nodes, virtual
// services, virtual routers, routes, virtual gateways and gateway routes. It decides and
// applies. The resources of an Envoy are made by edge/xds/resource/mesh, from the State and
// core/registry.
//
// All kinds are one type, Resource, named by a Ref. They differ in the Spec, which is
// stored as the client sent it: no default is filled in, because clients compare.
//
//	r, ok := s.Get(mesh.NodeRef(owner, "shop", "cart"))
//	spec := r.Spec.(*mesh.VirtualNodeSpec)
package mesh

import "github.com/cairn-discovery/cairn/core/command"

// Resource is one resource of any kind. It is immutable; a change makes a new one. Times
// are milliseconds since 1970.
type Resource struct {
	Ref Ref
	UID string // a UUID
	// Version is 1, and one more with every update.
	Version          int64
	Created, Updated int64
	// Account created the resource: the resource owner. In a shared mesh it may be
	// another one than Ref.Owner, the owner of the mesh.
	Account command.AccountID
	// Spec is never nil. Its type is that of the kind.
	Spec Spec
	Tags []Tag // in the order of their keys

	sharedWith []command.AccountID // of a mesh: see ShareMesh; in order

	text   string  // the Spec in JSON, as it is stored
	tokens []token // of requests, the newest last
	others []byte  // fields of newer versions
}

// Tag is a tag of a resource.
type Tag struct{ Key, Value string }

// token is the idempotency token of a request that made a version of a resource.
type token struct {
	text    string
	hash    string // of the request
	version int64
	time    int64 // milliseconds since 1970
}

// Spec is the specification of a resource: a *MeshSpec, *VirtualNodeSpec,
// *VirtualServiceSpec, *VirtualRouterSpec, *RouteSpec, *VirtualGatewaySpec or
// *GatewayRouteSpec. It is read only.
//
// Optional members are pointers, or have a zero value that a client cannot send: an
// empty text or zero means that the member was left out. An empty list is not nil.
type Spec interface {
	// references yields the kinds and names of the resources of the mesh that the spec
	// names, until yield returns false.
	references(yield func(Kind, string) bool)
	// check returns an error if the spec breaks a rule, whatever else there is.
	check() error
}
