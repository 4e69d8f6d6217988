package task

import "github.com/cairn-discovery/cairn/core/command"

// Node is a machine with a runner. The planner registers it as a container instance in
// the clusters. It is immutable. Times are milliseconds since 1970.
type Node struct {
	// Name is that of the configuration, without "/".
	Name string `json:"-"`

	// Driver is "process" or "docker".
	Driver string `json:"driver"`
	// IPv4 and IPv6 are the addresses by which tasks in bridge and host mode are
	// reached. Empty: none.
	IPv4 string `json:"ipv4,omitempty"`
	IPv6 string `json:"ipv6,omitempty"`
	Zone string `json:"zone,omitempty"`
	// CPU is in CPU units (1024 a core), Memory in MiB.
	CPU    int64 `json:"cpu"`
	Memory int64 `json:"memory"`
	// Subnets are the ids of the subnets in which the node can give addresses. Nil: it
	// accepts every id.
	Subnets []string `json:"subnets,omitempty"`
	// ReservedPorts and ReservedUDPPorts are ports of the node that tasks cannot use.
	ReservedPorts    []int        `json:"reservedPorts,omitempty"`
	ReservedUDPPorts []int        `json:"reservedUdpPorts,omitempty"`
	Attributes       []Attribute  `json:"attributes,omitempty"`
	VersionInfo      *VersionInfo `json:"versionInfo,omitempty"`
	Registered       int64        `json:"registered"`
	// Proxy means that the node runs the proxies of Service Connect.
	Proxy bool `json:"proxy,omitempty"`
	// Expires is the end of the lease. 0: it has none, the store is of one machine.
	Expires int64 `json:"expires,omitempty"`

	unknown
}

// ContainerInstance is a machine of a cluster. It is immutable.
type ContainerInstance struct {
	Account command.AccountID `json:"-"`
	Cluster string            `json:"-"`
	ID      string            `json:"-"` // 32 hexadecimal digits

	// Node is the name of its node. Empty: it was registered by RegisterContainerInstance,
	// and nothing runs there.
	Node string `json:"node,omitempty"`
	// Managed means that the planner registered it.
	Managed       bool   `json:"managed,omitempty"`
	EC2InstanceID string `json:"ec2InstanceId,omitempty"`
	// Status is ACTIVE or DRAINING.
	Status           string       `json:"status"`
	StatusReason     string       `json:"statusReason,omitempty"`
	AgentConnected   bool         `json:"agentConnected"`
	CapacityProvider string       `json:"capacityProvider,omitempty"`
	Zone             string       `json:"zone,omitempty"`
	Version          int64        `json:"version"`
	VersionInfo      *VersionInfo `json:"versionInfo,omitempty"`
	// Resources are CPU, MEMORY, PORTS and PORTS_UDP as registered. State.Remaining
	// subtracts what tasks use.
	Resources  []Resource  `json:"resources,omitempty"`
	Attributes []Attribute `json:"attributes,omitempty"`
	Tags       []Tag       `json:"tags,omitempty"`
	Registered int64       `json:"registered"`

	unknown
}
