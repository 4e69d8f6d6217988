package mesh

// VirtualServiceSpec is the structure of that name in the API. Without a provider the
// service has no endpoints.
type VirtualServiceSpec struct {
	Provider *ServiceProvider `json:"provider,omitempty"`
}

// ServiceProvider is a union.
type ServiceProvider struct {
	VirtualNode   *NodeProvider   `json:"virtualNode,omitempty"`
	VirtualRouter *RouterProvider `json:"virtualRouter,omitempty"`
}

// NodeProvider names a virtual node.
type NodeProvider struct {
	VirtualNodeName string `json:"virtualNodeName"`
}

// RouterProvider names a virtual router.
type RouterProvider struct {
	VirtualRouterName string `json:"virtualRouterName"`
}

// VirtualRouterSpec is the structure of that name in the API.
type VirtualRouterSpec struct {
	Listeners []RouterListener `json:"listeners,omitzero"`
}

// RouterListener is a listener of a virtual router.
type RouterListener struct {
	PortMapping PortMapping `json:"portMapping"`
}
