package mesh

import "github.com/cairn-discovery/cairn/core/command"

// The rows of the table of quotas; see "App Mesh service quotas" in the user guide. They
// count for the owner of the mesh.
var (
	quotaMeshes        = newQuota("meshes_per_account", "meshes per account", 15, KindMesh)
	quotaServices      = newQuota("virtual_services_per_mesh", "virtual services per mesh", 200, KindVirtualService)
	quotaNodes         = newQuota("virtual_nodes_per_mesh", "virtual nodes per mesh", 200, KindVirtualNode)
	quotaRouters       = newQuota("virtual_routers_per_mesh", "virtual routers per mesh", 200, KindVirtualRouter)
	quotaRoutes        = newQuota("routes_per_virtual_router", "routes per virtual router", 50, KindRoute)
	quotaGateways      = newQuota("virtual_gateways_per_mesh", "virtual gateways per mesh", 3, KindVirtualGateway)
	quotaGatewayRoutes = newQuota("gateway_routes_per_virtual_gateway", "gateway routes per virtual gateway", 10, KindGatewayRoute)
	quotaBackends      = command.Quota{Name: "backends_per_virtual_node", What: "backends per virtual node", Strict: 50, Count: countBackends}
)

// quotas are the rows of the slice.
var quotas = []*command.Quota{quotaMeshes, quotaServices, quotaNodes, quotaRouters, quotaRoutes, quotaGateways, quotaGatewayRoutes, &quotaBackends}

// quotaOf has the quota of each kind. It is never changed.
var quotaOf = map[Kind]*command.Quota{
	KindMesh: quotaMeshes, KindVirtualService: quotaServices, KindVirtualNode: quotaNodes, KindVirtualRouter: quotaRouters,
	KindRoute: quotaRoutes, KindVirtualGateway: quotaGateways, KindGatewayRoute: quotaGatewayRoutes,
}

// newQuota returns a quota of the resources of a kind in what they are in.
func newQuota(name, what string, strict int, k Kind) *command.Quota {
	return &command.Quota{Name: name, What: what, Strict: strict, Count: func(v command.View, add func(command.AccountID, int)) {
		s, _ := stateOf(v)
		n := map[Ref]int{}
		for _, r := range s.table(k).All() {
			if r.Ref.Kind == k {
				n[r.Ref.counted()]++
			}
		}
		for parent, count := range n {
			add(parent.Owner, count)
		}
	}}
}

// counted returns what the quota of a resource counts in: for a mesh, the account.
func (r Ref) counted() Ref {
	if r.Kind == KindMesh {
		return Ref{Owner: r.Owner}
	}
	return r.ParentRef()
}

func countBackends(v command.View, add func(command.AccountID, int)) {
	s, _ := stateOf(v)
	for _, r := range s.resources.All() {
		if node, ok := r.Spec.(*VirtualNodeSpec); ok {
			add(r.Ref.Owner, len(node.Backends))
		}
	}
}

// checkQuota returns an error if there cannot be another resource beside what there is.
func (s *State) checkQuota(v command.View, r Ref) error {
	quota := quotaOf[r.Kind]
	limit := v.Quota(r.Owner, quota)
	if limit == 0 {
		return nil
	}
	all := s.meshesOf(r.Owner, "")
	if r.Kind != KindMesh {
		all = s.In(r.ParentRef(), r.Kind, "")
	}
	n := 0
	for range all {
		if n++; n >= limit {
			return &command.LimitExceeded{What: quota.What, Limit: limit, Setting: "quotas." + quota.Name}
		}
	}
	return nil
}
