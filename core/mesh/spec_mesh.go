package mesh

// Values of IPPreference.
const (
	IPv6Preferred = "IPv6_PREFERRED"
	IPv4Preferred = "IPv4_PREFERRED"
	IPv4Only      = "IPv4_ONLY"
	IPv6Only      = "IPv6_ONLY"
)

// Values of EgressFilter.Type.
const (
	AllowAll = "ALLOW_ALL"
	DropAll  = "DROP_ALL"
)

// MeshSpec is the structure of that name in the API.
type MeshSpec struct {
	EgressFilter     *EgressFilter         `json:"egressFilter,omitempty"`
	ServiceDiscovery *MeshServiceDiscovery `json:"serviceDiscovery,omitempty"`
}

// EgressFilter says where virtual nodes may connect to. Without it: DROP_ALL.
type EgressFilter struct {
	Type string `json:"type"`
}

// MeshServiceDiscovery has what nodes without a preference of their own prefer.
type MeshServiceDiscovery struct {
	IPPreference string `json:"ipPreference,omitempty"`
}
