// Package mesh makes the xDS resources of an Envoy that is the proxy of a virtual node or
// a virtual gateway of App Mesh. Its node id says which one.
//
// The names of the resources are those of App Mesh, because dashboards use them: see
// name.go. plan.go finds out what a proxy sends to; the other files make one kind of
// resource each.
//
// Endpoints depend on the virtual node and its service of Cloud Map alone, so all proxies
// of a mesh share them, and a change of an instance makes nothing else again.
package mesh

import (
	"iter"
	"net/netip"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/internal/seal"
)

// metaListenAddress is the key of the metadata of a node with which a proxy runs without
// the rules of iptables: the address on which it listens. Requests for the mesh come to
// its port 15001 and are distinguished by the header Host; those for the virtual node come
// to the ports of its listeners.
const metaListenAddress = "cairn.listen_address"

// metaApplicationAddress is the key of the metadata with the address of the application
// behind a proxy, if it is another one than 127.0.0.1 or ::1: where several proxies of one
// virtual node run on one machine.
const metaApplicationAddress = "cairn.application_address"

// actionStream is what a proxy must be allowed to do with its resource.
const actionStream = "appmesh:StreamAggregatedResources"

// Source is the resource.Source of meshes.
type Source struct {
	// Region is the region in ARNs.
	Region string
	// Seal opens the keys of built-in authorities. Nil: no proxy gets a certificate.
	Seal *seal.Key
	// Failed is called when a certificate cannot be issued. Nil: nothing is.
	Failed func(mesh model.Ref, err error)
}

// view is what the proxies of one virtual node or gateway see.
type view struct {
	source *Source
	region string
	mesh   model.Ref
	self   model.Ref
	// account created self. Services of Cloud Map are looked up in it.
	account command.AccountID
	// listen is where the proxy listens without iptables; not valid: with them.
	listen netip.Addr
	// application is where the application listens; not valid: on a loopback address.
	application netip.Addr
	// grpc means that the client is gRPC itself, without a proxy.
	grpc bool
	// private means that the proxies may have private keys.
	private bool
	own     string // the scope of what only these proxies see
}

// View returns the view of a proxy whose id names a virtual node or gateway.
func (s *Source) View(in *resource.Input, p *resource.Proxy) (resource.View, error) {
	id, ok := parseNodeID(p.Node.GetId())
	if !ok {
		return nil, nil
	}
	if id.kind != model.KindVirtualNode && id.kind != model.KindVirtualGateway {
		return nil, status.Errorf(codes.InvalidArgument, "the node id %.300q must be mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME", p.Node.GetId())
	}
	account := p.Account
	if id.account != "" && id.account != account {
		if p.Allowed != nil {
			return nil, status.Errorf(codes.PermissionDenied, "the node id is that of account %s; the caller belongs to account %s", id.account, account)
		}
		account = id.account
	}
	mesh, ok := findMesh(in, account, &id)
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument, "Mesh with name %s is not present for account %s", id.mesh, account)
	}
	self := model.Ref{Owner: mesh.Owner, Mesh: mesh.Mesh, Kind: id.kind, Name: id.name}
	in.Use(depOf(self))
	r, ok := in.State.Mesh.Get(self)
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument, "%s with name %s is not present under mesh %s for account %s", id.kind, id.name, id.mesh, account)
	}
	if r.Account != account || p.Allowed != nil && !p.Allowed(actionStream, r.ARN(s.Region)) {
		return nil, status.Errorf(codes.PermissionDenied, "the caller may not do %s with %s", actionStream, r.ARN(s.Region))
	}
	v := &view{source: s, region: s.Region, private: p.Private, mesh: mesh, self: self, account: r.Account, grpc: isGRPC(p.Node.GetUserAgentName())}
	var err error
	if v.listen, err = metaAddress(p, metaListenAddress); err != nil {
		return nil, err
	}
	if v.application, err = metaAddress(p, metaApplicationAddress); err != nil {
		return nil, err
	}
	v.own = self.ID() + "@" + v.listen.String() + "@" + v.application.String()
	if v.grpc {
		v.own += "@grpc"
	}
	if !v.private {
		v.own += "@public"
	}
	return v, nil
}

// metaAddress returns the address in a value of the metadata of a proxy, if there is one.
func metaAddress(p *resource.Proxy, key string) (netip.Addr, error) {
	text := p.Node.GetMetadata().GetFields()[key].GetStringValue()
	if text == "" {
		return netip.Addr{}, nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return addr, status.Errorf(codes.InvalidArgument, "metadata %s: %.100q must be an IP address", key, text)
	}
	return addr, nil
}

// isGRPC reports whether a client is gRPC without a proxy.
func isGRPC(agent string) bool { return strings.HasPrefix(strings.ToLower(agent), "grpc") }

// nodeID is a parsed node id.
type nodeID struct {
	account, owner command.AccountID // empty: not said
	mesh           string
	kind           model.Kind
	name           string
}

// parseNodeID parses the ids that the agent of App Mesh writes: an ARN,
// mesh/MESH/virtualNode/NAME, or mesh/MESH@OWNER/virtualNode/NAME of a shared mesh. The kind
// is empty if a text begins as one of them and is none.
func parseNodeID(text string) (nodeID, bool) {
	var id nodeID
	if a, ok := arn.Parse(text); ok && a.Service == "appmesh" {
		id.account, text = a.Account, a.Resource
	}
	parts := strings.Split(text, "/")
	if parts[0] != "mesh" {
		return id, id.account != ""
	}
	if len(parts) != 4 {
		return id, len(parts) > 1
	}
	mesh, owner, _ := strings.Cut(parts[1], "@")
	id.mesh, id.owner, id.kind, id.name = mesh, command.AccountID(owner), model.Kind(parts[2]), parts[3]
	return id, true
}

// findMesh returns the mesh that an account means: its own, or else one that is shared
// with it.
func findMesh(in *resource.Input, account command.AccountID, id *nodeID) (model.Ref, bool) {
	candidates := []command.AccountID{id.owner}
	if id.owner == "" {
		candidates[0] = account
		for r := range in.State.Mesh.SharedWith(&in.Rules.Mesh, account) {
			if r.Ref.Mesh == id.mesh {
				candidates = append(candidates, r.Ref.Owner)
			}
		}
	}
	for _, owner := range candidates {
		ref := model.MeshRef(owner, id.mesh)
		in.Use(depOf(ref))
		if r, ok := in.State.Mesh.Get(ref); ok && in.State.Mesh.Visible(&in.Rules.Mesh, account, r) {
			return ref, true
		}
	}
	return model.Ref{}, false
}

// Changes reports the resources that differ, and the lists that have more or fewer of
// them.
func (*Source) Changes(old, new *state.State, changed func(resource.Dep)) {
	model.Diff(&old.Mesh, &new.Mesh, func(old, now *model.Resource) {
		r := old
		if r == nil {
			r = now
		}
		changed(depOf(r.Ref))
		if old == nil || now == nil {
			changed(depOfList(r.Ref.ParentRef(), r.Ref.Kind))
		}
	})
	model.DiffAuthorities(&old.Mesh, &new.Mesh, func(mesh model.Ref) { changed(depOfAuthority(mesh)) })
}

// depOf returns the dependency on a resource of a mesh.
func depOf(r model.Ref) resource.Dep { return resource.Dep{Kind: resource.DepMesh, ID: r.ID()} }

// depOfList returns the dependency on which resources of a kind there are in a mesh, or
// in a virtual router or gateway.
func depOfList(parent model.Ref, k model.Kind) resource.Dep {
	return resource.Dep{Kind: resource.DepMesh, ID: parent.ID() + "/" + string(k) + "/*"}
}

// depOfAuthority returns the dependency on the built-in authority of a mesh.
func depOfAuthority(mesh model.Ref) resource.Dep {
	return resource.Dep{Kind: resource.DepMesh, ID: mesh.ID() + "/authority"}
}

// get returns a resource of the mesh.
func (v *view) get(in *resource.Input, k model.Kind, name string) (*model.Resource, bool) {
	ref := model.Ref{Owner: v.mesh.Owner, Mesh: v.mesh.Mesh, Kind: k, Name: name}
	in.Use(depOf(ref))
	return in.State.Mesh.Get(ref)
}

// list yields the resources of a kind in a parent.
func (v *view) list(in *resource.Input, parent model.Ref, k model.Kind) iter.Seq[*model.Resource] {
	in.Use(depOfList(parent, k))
	return func(yield func(*model.Resource) bool) {
		for r := range in.State.Mesh.In(parent, k, "") {
			in.Use(depOf(r.Ref))
			if !yield(r) {
				return
			}
		}
	}
}

// node returns the spec of a virtual node.
func (v *view) node(in *resource.Input, name string) (*model.Resource, *model.VirtualNodeSpec) {
	r, ok := v.get(in, model.KindVirtualNode, name)
	if !ok {
		return nil, nil
	}
	return r, r.Spec.(*model.VirtualNodeSpec)
}

// selfNode returns the spec of the virtual node of the proxy, or nil.
func (v *view) selfNode(in *resource.Input) *model.VirtualNodeSpec {
	if v.self.Kind != model.KindVirtualNode {
		return nil
	}
	_, spec := v.node(in, v.self.Name)
	return spec
}

// selfGateway returns the spec of the virtual gateway of the proxy, or nil.
func (v *view) selfGateway(in *resource.Input) *model.VirtualGatewaySpec {
	if v.self.Kind != model.KindVirtualGateway {
		return nil
	}
	r, ok := v.get(in, model.KindVirtualGateway, v.self.Name)
	if !ok {
		return nil
	}
	return r.Spec.(*model.VirtualGatewaySpec)
}

// meshSpec returns the spec of the mesh.
func (v *view) meshSpec(in *resource.Input) *model.MeshSpec {
	in.Use(depOf(v.mesh))
	if r, ok := in.State.Mesh.Get(v.mesh); ok {
		return r.Spec.(*model.MeshSpec)
	}
	return &model.MeshSpec{}
}
