package mesh

// VirtualNodeSpec is the structure of that name in the API.
type VirtualNodeSpec struct {
	BackendDefaults  *BackendDefaults  `json:"backendDefaults,omitempty"`
	Backends         []Backend         `json:"backends,omitzero"`
	Listeners        []Listener        `json:"listeners,omitzero"`
	Logging          *Logging          `json:"logging,omitempty"`
	ServiceDiscovery *ServiceDiscovery `json:"serviceDiscovery,omitempty"`
}

// Backend is a union with one member.
type Backend struct {
	VirtualService *VirtualServiceBackend `json:"virtualService,omitempty"`
}

// VirtualServiceBackend is a virtual service that a node sends requests to. The service
// need not exist.
type VirtualServiceBackend struct {
	ClientPolicy *ClientPolicy `json:"clientPolicy,omitempty"`
	// VirtualServiceName may be an ARN; see ServiceName.
	VirtualServiceName string `json:"virtualServiceName"`
}

// ServiceDiscovery is a union: how clients find the instances of a node.
type ServiceDiscovery struct {
	CloudMap *CloudMapServiceDiscovery `json:"awsCloudMap,omitempty"`
	DNS      *DNSServiceDiscovery      `json:"dns,omitempty"`
}

// CloudMapServiceDiscovery finds the instances of a service of Cloud Map that have all
// the attributes.
type CloudMapServiceDiscovery struct {
	Attributes    []CloudMapInstanceAttribute `json:"attributes,omitzero"`
	IPPreference  string                      `json:"ipPreference,omitempty"`
	NamespaceName string                      `json:"namespaceName"`
	ServiceName   string                      `json:"serviceName"`
}

// CloudMapInstanceAttribute is an attribute of instances.
type CloudMapInstanceAttribute struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Values of DNSServiceDiscovery.ResponseType. Without one: LOADBALANCER.
const (
	ResponseLoadBalancer = "LOADBALANCER"
	ResponseEndpoints    = "ENDPOINTS"
)

// DNSServiceDiscovery finds instances by a name of the DNS.
type DNSServiceDiscovery struct {
	Hostname     string `json:"hostname"`
	IPPreference string `json:"ipPreference,omitempty"`
	ResponseType string `json:"responseType,omitempty"`
}

// Logging says where access logs go.
type Logging struct {
	AccessLog *AccessLog `json:"accessLog,omitempty"`
}

// AccessLog is a union with one member.
type AccessLog struct {
	File *FileAccessLog `json:"file,omitempty"`
}

// FileAccessLog writes access logs to a file.
type FileAccessLog struct {
	Format *LoggingFormat `json:"format,omitempty"`
	Path   string         `json:"path"`
}

// LoggingFormat is a union.
type LoggingFormat struct {
	JSON []JSONFormat `json:"json,omitzero"`
	Text string       `json:"text,omitempty"`
}

// JSONFormat is a member of access logs in JSON.
type JSONFormat struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
