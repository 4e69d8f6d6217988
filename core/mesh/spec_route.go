package mesh

// RouteSpec is the structure of that name in the API. It has one of the four routes.
type RouteSpec struct {
	GRPC  *GRPCRoute `json:"grpcRoute,omitempty"`
	HTTP2 *HTTPRoute `json:"http2Route,omitempty"`
	HTTP  *HTTPRoute `json:"httpRoute,omitempty"`
	// Priority is 0, the first, to 1000. Nil: after all that have one.
	Priority *int64    `json:"priority,omitempty"`
	TCP      *TCPRoute `json:"tcpRoute,omitempty"`
}

// HTTPRoute is a route for HTTP and HTTP/2.
type HTTPRoute struct {
	Action      RouteAction     `json:"action"`
	Match       HTTPMatch       `json:"match"`
	RetryPolicy *RetryPolicy    `json:"retryPolicy,omitempty"` // without GRPCRetryEvents
	Timeout     *RequestTimeout `json:"timeout,omitempty"`
}

// GRPCRoute is a route for gRPC.
type GRPCRoute struct {
	Action      RouteAction     `json:"action"`
	Match       GRPCMatch       `json:"match"`
	RetryPolicy *RetryPolicy    `json:"retryPolicy,omitempty"`
	Timeout     *RequestTimeout `json:"timeout,omitempty"`
}

// TCPRoute is a route for TCP.
type TCPRoute struct {
	Action  RouteAction `json:"action"`
	Match   *TCPMatch   `json:"match,omitempty"`
	Timeout *TCPTimeout `json:"timeout,omitempty"`
}

// RouteAction distributes requests among virtual nodes.
type RouteAction struct {
	WeightedTargets []WeightedTarget `json:"weightedTargets"`
}

// WeightedTarget is a virtual node with its weight, relative to those of the others.
type WeightedTarget struct {
	// Port is that of a listener of the node. 0: the node has one listener.
	Port        int64  `json:"port,omitempty"`
	VirtualNode string `json:"virtualNode"`
	Weight      int64  `json:"weight"`
}

// RetryPolicy says when a request is tried again.
type RetryPolicy struct {
	GRPCRetryEvents []string `json:"grpcRetryEvents,omitzero"`
	HTTPRetryEvents []string `json:"httpRetryEvents,omitzero"`
	MaxRetries      int64    `json:"maxRetries"`
	PerRetryTimeout Duration `json:"perRetryTimeout"`
	TCPRetryEvents  []string `json:"tcpRetryEvents,omitzero"`
}
