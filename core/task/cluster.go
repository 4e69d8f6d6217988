package task

import "github.com/cairn-discovery/cairn/core/command"

// Values of Cluster.Status, Service.Status and others.
const (
	Active   = "ACTIVE"
	Draining = "DRAINING"
	Inactive = "INACTIVE"
)

// Cluster is immutable; a change makes a new one. Times are milliseconds since 1970.
type Cluster struct {
	Account command.AccountID `json:"-"`
	Name    string            `json:"-"`

	// Status is ACTIVE, or INACTIVE after the deletion.
	Status                          string                         `json:"status"`
	Settings                        []ClusterSetting               `json:"settings,omitempty"`
	Configuration                   *ClusterConfiguration          `json:"configuration,omitempty"`
	CapacityProviders               []string                       `json:"capacityProviders,omitempty"`
	DefaultCapacityProviderStrategy []CapacityProviderStrategyItem `json:"defaultCapacityProviderStrategy,omitempty"`
	// ServiceConnectNamespace is the ARN of the namespace of the cluster's
	// serviceConnectDefaults. Empty: none.
	ServiceConnectNamespace string `json:"serviceConnectNamespace,omitempty"`
	Tags                    []Tag  `json:"tags,omitempty"`
	Created                 int64  `json:"created"`
	Deleted                 int64  `json:"deleted,omitempty"`

	unknown
}

// Family has the last revision number that was given in a family of task definitions.
type Family struct {
	Account command.AccountID `json:"-"`
	Name    string            `json:"-"`

	Last int `json:"last"`
	// Latest is the number of the latest ACTIVE revision, 0 if there is none.
	Latest int `json:"latest,omitempty"`

	unknown
}

// Setting is an account setting.
type Setting struct {
	Account command.AccountID `json:"-"`
	Name    string            `json:"-"`
	// Principal is an ARN, or "default" for everybody in the account.
	Principal string `json:"-"`

	Value string `json:"value"`

	unknown
}

// CapacityProvider is immutable. FARGATE and FARGATE_SPOT are not stored.
type CapacityProvider struct {
	Account command.AccountID `json:"-"`
	Name    string            `json:"-"`

	Status              string                    `json:"status"`
	UpdateStatus        string                    `json:"updateStatus,omitempty"`
	UpdateStatusReason  string                    `json:"updateStatusReason,omitempty"`
	Cluster             string                    `json:"cluster,omitempty"`
	AutoScalingGroupARN string                    `json:"autoScalingGroupArn,omitempty"`
	ManagedScaling      *ManagedScalingParameters `json:"managedScaling,omitempty"`
	ManagedTermination  string                    `json:"managedTerminationProtection,omitempty"`
	ManagedDraining     string                    `json:"managedDraining,omitempty"`
	Tags                []Tag                     `json:"tags,omitempty"`
	Created             int64                     `json:"created"`

	unknown
}

// ManagedScalingParameters is the structure ManagedScaling of the ECS API.
type ManagedScalingParameters struct {
	InstanceWarmupPeriod   *int64 `json:"instanceWarmupPeriod,omitempty"`
	MaximumScalingStepSize *int64 `json:"maximumScalingStepSize,omitempty"`
	MinimumScalingStepSize *int64 `json:"minimumScalingStepSize,omitempty"`
	Status                 string `json:"status,omitempty"`
	TargetCapacity         *int64 `json:"targetCapacity,omitempty"`
}
