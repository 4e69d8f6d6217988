package mesh

// HTTPMatch is what a request of HTTP must have: all that is given. A gateway route has
// no Scheme, a route no Hostname.
type HTTPMatch struct {
	Headers         []HeaderMatch         `json:"headers,omitzero"`
	Hostname        *HostnameMatch        `json:"hostname,omitempty"`
	Method          string                `json:"method,omitempty"`
	Path            *PathMatch            `json:"path,omitempty"`
	Port            int64                 `json:"port,omitempty"`
	Prefix          *string               `json:"prefix,omitempty"`
	QueryParameters []QueryParameterMatch `json:"queryParameters,omitzero"`
	Scheme          string                `json:"scheme,omitempty"`
}

// GRPCMatch is what a call of gRPC must have. A gateway route has no MethodName, a route
// no Hostname.
type GRPCMatch struct {
	Hostname    *HostnameMatch `json:"hostname,omitempty"`
	Metadata    []HeaderMatch  `json:"metadata,omitzero"`
	MethodName  string         `json:"methodName,omitempty"`
	Port        int64          `json:"port,omitempty"`
	ServiceName *string        `json:"serviceName,omitempty"`
}

// TCPMatch is what a connection must have.
type TCPMatch struct {
	Port int64 `json:"port,omitempty"`
}

// HeaderMatch matches a header, or metadata of gRPC. Without Match it must be there.
type HeaderMatch struct {
	Invert *bool       `json:"invert,omitempty"`
	Match  *ValueMatch `json:"match,omitempty"`
	Name   string      `json:"name"`
}

// ValueMatch is a union.
type ValueMatch struct {
	Exact  string      `json:"exact,omitempty"`
	Prefix string      `json:"prefix,omitempty"`
	Range  *RangeMatch `json:"range,omitempty"`
	Regex  string      `json:"regex,omitempty"`
	Suffix string      `json:"suffix,omitempty"`
}

// RangeMatch matches numbers from Start on and below End.
type RangeMatch struct {
	End   int64 `json:"end"`
	Start int64 `json:"start"`
}

// PathMatch has one of both.
type PathMatch struct {
	Exact string `json:"exact,omitempty"`
	Regex string `json:"regex,omitempty"`
}

// QueryParameterMatch matches a parameter of the query. Without Match it must be there.
type QueryParameterMatch struct {
	Match *ParameterValue `json:"match,omitempty"`
	Name  string          `json:"name"`
}

// ParameterValue is the value of a parameter.
type ParameterValue struct {
	Exact *string `json:"exact,omitempty"`
}

// HostnameMatch has one of both.
type HostnameMatch struct {
	Exact  string `json:"exact,omitempty"`
	Suffix string `json:"suffix,omitempty"`
}
