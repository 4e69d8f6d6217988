package mesh

// VirtualGatewaySpec is the structure of that name in the API.
type VirtualGatewaySpec struct {
	BackendDefaults *BackendDefaults `json:"backendDefaults,omitempty"`
	Listeners       []Listener       `json:"listeners"`
	Logging         *Logging         `json:"logging,omitempty"`
}

// GatewayRouteSpec is the structure of that name in the API. It has one of the three
// routes.
type GatewayRouteSpec struct {
	GRPC  *GRPCGatewayRoute `json:"grpcRoute,omitempty"`
	HTTP2 *HTTPGatewayRoute `json:"http2Route,omitempty"`
	HTTP  *HTTPGatewayRoute `json:"httpRoute,omitempty"`
	// Priority is 0, the first, to 1000. Nil: after all that have one.
	Priority *int64 `json:"priority,omitempty"`
}

// HTTPGatewayRoute is a gateway route for HTTP and HTTP/2.
type HTTPGatewayRoute struct {
	Action HTTPGatewayAction `json:"action"`
	Match  HTTPMatch         `json:"match"`
}

// HTTPGatewayAction is where requests go, and how they are changed.
type HTTPGatewayAction struct {
	Rewrite *HTTPRewrite  `json:"rewrite,omitempty"`
	Target  GatewayTarget `json:"target"`
}

// GRPCGatewayRoute is a gateway route for gRPC.
type GRPCGatewayRoute struct {
	Action GRPCGatewayAction `json:"action"`
	Match  GRPCMatch         `json:"match"`
}

// GRPCGatewayAction is where calls go, and how they are changed.
type GRPCGatewayAction struct {
	Rewrite *GRPCRewrite  `json:"rewrite,omitempty"`
	Target  GatewayTarget `json:"target"`
}

// GatewayTarget is a virtual service.
type GatewayTarget struct {
	// Port is that of a listener of its provider. 0: the provider has one listener.
	Port           int64         `json:"port,omitempty"`
	VirtualService TargetService `json:"virtualService"`
}

// TargetService names a virtual service.
type TargetService struct {
	VirtualServiceName string `json:"virtualServiceName"`
}

// Values of DefaultPrefix and DefaultTargetHostname. Without one: ENABLED.
const (
	RewriteEnabled  = "ENABLED"
	RewriteDisabled = "DISABLED"
)

// HTTPRewrite changes requests.
type HTTPRewrite struct {
	Hostname *HostnameRewrite `json:"hostname,omitempty"`
	Path     *PathRewrite     `json:"path,omitempty"`
	Prefix   *PrefixRewrite   `json:"prefix,omitempty"`
}

// GRPCRewrite changes calls.
type GRPCRewrite struct {
	Hostname *HostnameRewrite `json:"hostname,omitempty"`
}

// HostnameRewrite says whether the name of the virtual service becomes the host.
type HostnameRewrite struct {
	DefaultTargetHostname string `json:"defaultTargetHostname,omitempty"`
}

// PathRewrite replaces the path.
type PathRewrite struct {
	Exact string `json:"exact,omitempty"`
}

// PrefixRewrite replaces the prefix that matched, by / or by Value.
type PrefixRewrite struct {
	DefaultPrefix string `json:"defaultPrefix,omitempty"`
	Value         string `json:"value,omitempty"`
}
