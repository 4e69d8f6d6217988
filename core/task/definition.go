package task

import (
	"strconv"

	"github.com/cairn-discovery/cairn/core/command"
)

// Definition is one revision of a task definition.
type Definition struct {
	Account  command.AccountID `json:"-"`
	Family   string            `json:"-"`
	Revision int               `json:"-"`

	// Status is ACTIVE, INACTIVE or DELETE_IN_PROGRESS.
	Status string `json:"status"`

	ContainerDefinitions    []ContainerDefinition               `json:"containerDefinitions"`
	CPU                     string                              `json:"cpu,omitempty"`         // CPU units, "" without
	Memory                  string                              `json:"memory,omitempty"`      // MiB, "" without
	NetworkMode             string                              `json:"networkMode,omitempty"` // "" is bridge
	RequiresCompatibilities []string                            `json:"requiresCompatibilities,omitempty"`
	Compatibilities         []string                            `json:"compatibilities,omitempty"`
	TaskRoleARN             string                              `json:"taskRoleArn,omitempty"`
	ExecutionRoleARN        string                              `json:"executionRoleArn,omitempty"`
	PIDMode                 string                              `json:"pidMode,omitempty"`
	IPCMode                 string                              `json:"ipcMode,omitempty"`
	Volumes                 []Volume                            `json:"volumes,omitempty"`
	PlacementConstraints    []TaskDefinitionPlacementConstraint `json:"placementConstraints,omitempty"`
	RuntimePlatform         *RuntimePlatform                    `json:"runtimePlatform,omitempty"`
	ProxyConfiguration      *ProxyConfiguration                 `json:"proxyConfiguration,omitempty"`
	InferenceAccelerators   []InferenceAccelerator              `json:"inferenceAccelerators,omitempty"`
	EphemeralStorage        *EphemeralStorage                   `json:"ephemeralStorage,omitempty"`
	EnableFaultInjection    *bool                               `json:"enableFaultInjection,omitempty"`
	Tags                    []Tag                               `json:"tags,omitempty"`
	// Registries are the blocks "ServiceDiscoveryRegistry" that came as JSON members.
	Registries []DiscoveryBlock `json:"registries,omitempty"`

	Registered      int64  `json:"registered"`
	RegisteredBy    string `json:"registeredBy,omitempty"`
	Deregistered    int64  `json:"deregistered,omitempty"`
	DeleteRequested int64  `json:"deleteRequested,omitempty"`

	unknown
}

// DiscoveryBlock is a "ServiceDiscoveryRegistry" block: it names a service of Cloud Map
// in which the tasks of the definition register.
type DiscoveryBlock struct {
	NamespaceID   string `json:"namespaceId"`
	ServiceName   string `json:"serviceName"`
	ContainerName string `json:"containerName,omitempty"`
	ContainerPort int    `json:"containerPort,omitempty"`
	// Holder is the container definition that contains the block. Empty: the task
	// definition itself.
	Holder string `json:"holder,omitempty"`
}

// Name returns FAMILY:REVISION.
func (d *Definition) Name() string { return d.Family + ":" + strconv.Itoa(d.Revision) }
