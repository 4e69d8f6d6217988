package task

// The types below are the parts of services, tasks and clusters. Names of members are
// those of the ECS API, as in definition_types.go.

// NetworkConfiguration is the structure of that name in the ECS API.
type NetworkConfiguration struct {
	AwsvpcConfiguration *AwsVpcConfiguration `json:"awsvpcConfiguration,omitempty"`
}

// AwsVpcConfiguration is the structure of that name in the ECS API.
type AwsVpcConfiguration struct {
	AssignPublicIp string   `json:"assignPublicIp,omitempty"`
	SecurityGroups []string `json:"securityGroups,omitempty"`
	Subnets        []string `json:"subnets,omitempty"`
}

// DeploymentConfiguration is the structure of that name in the ECS API.
type DeploymentConfiguration struct {
	Alarms                   *DeploymentAlarms         `json:"alarms,omitempty"`
	BakeTimeInMinutes        *int64                    `json:"bakeTimeInMinutes,omitempty"`
	CanaryConfiguration      *CanaryConfiguration      `json:"canaryConfiguration,omitempty"`
	DeploymentCircuitBreaker *DeploymentCircuitBreaker `json:"deploymentCircuitBreaker,omitempty"`
	LifecycleHooks           []DeploymentLifecycleHook `json:"lifecycleHooks,omitempty"`
	LinearConfiguration      *LinearConfiguration      `json:"linearConfiguration,omitempty"`
	MaximumPercent           *int64                    `json:"maximumPercent,omitempty"`
	MinimumHealthyPercent    *int64                    `json:"minimumHealthyPercent,omitempty"`
	Strategy                 string                    `json:"strategy,omitempty"`
}

// DeploymentAlarms is the structure of that name in the ECS API.
type DeploymentAlarms struct {
	AlarmNames []string `json:"alarmNames,omitempty"`
	Enable     *bool    `json:"enable,omitempty"`
	Rollback   *bool    `json:"rollback,omitempty"`
}

// CanaryConfiguration is the structure of that name in the ECS API.
type CanaryConfiguration struct {
	CanaryBakeTimeInMinutes *int64   `json:"canaryBakeTimeInMinutes,omitempty"`
	CanaryPercent           *float64 `json:"canaryPercent,omitempty"`
}

// DeploymentCircuitBreaker is the structure of that name in the ECS API.
type DeploymentCircuitBreaker struct {
	Enable   *bool `json:"enable,omitempty"`
	Rollback *bool `json:"rollback,omitempty"`
}

// DeploymentLifecycleHook is the structure of that name in the ECS API.
type DeploymentLifecycleHook struct {
	HookDetails          *HookDetails                                 `json:"hookDetails,omitempty"`
	HookTargetARN        string                                       `json:"hookTargetArn,omitempty"`
	LifecycleStages      []string                                     `json:"lifecycleStages,omitempty"`
	RoleARN              string                                       `json:"roleArn,omitempty"`
	TargetType           string                                       `json:"targetType,omitempty"`
	TimeoutConfiguration *DeploymentLifecycleHookTimeoutConfiguration `json:"timeoutConfiguration,omitempty"`
}

// HookDetails is the structure of that name in the ECS API.
type HookDetails struct {
}

// DeploymentLifecycleHookTimeoutConfiguration is the structure of that name in the ECS API.
type DeploymentLifecycleHookTimeoutConfiguration struct {
	Action           string `json:"action,omitempty"`
	TimeoutInMinutes *int64 `json:"timeoutInMinutes,omitempty"`
}

// LinearConfiguration is the structure of that name in the ECS API.
type LinearConfiguration struct {
	StepBakeTimeInMinutes *int64   `json:"stepBakeTimeInMinutes,omitempty"`
	StepPercent           *float64 `json:"stepPercent,omitempty"`
}

// DeploymentController is the structure of that name in the ECS API.
type DeploymentController struct {
	Type string `json:"type,omitempty"`
}

// ServiceRegistry is the structure of that name in the ECS API.
type ServiceRegistry struct {
	ContainerName string `json:"containerName,omitempty"`
	ContainerPort *int64 `json:"containerPort,omitempty"`
	Port          *int64 `json:"port,omitempty"`
	RegistryARN   string `json:"registryArn,omitempty"`
}

// ServiceConnectConfiguration is the structure of that name in the ECS API.
type ServiceConnectConfiguration struct {
	AccessLogConfiguration *ServiceConnectAccessLogConfiguration `json:"accessLogConfiguration,omitempty"`
	Enabled                *bool                                 `json:"enabled,omitempty"`
	LogConfiguration       *LogConfiguration                     `json:"logConfiguration,omitempty"`
	Namespace              string                                `json:"namespace,omitempty"`
	Services               []ServiceConnectService               `json:"services,omitempty"`
}

// ServiceConnectAccessLogConfiguration is the structure of that name in the ECS API.
type ServiceConnectAccessLogConfiguration struct {
	Format                 string `json:"format,omitempty"`
	IncludeQueryParameters string `json:"includeQueryParameters,omitempty"`
}

// ServiceConnectService is the structure of that name in the ECS API.
type ServiceConnectService struct {
	ClientAliases       []ServiceConnectClientAlias     `json:"clientAliases,omitempty"`
	DiscoveryName       string                          `json:"discoveryName,omitempty"`
	IngressPortOverride *int64                          `json:"ingressPortOverride,omitempty"`
	PortName            string                          `json:"portName,omitempty"`
	Timeout             *TimeoutConfiguration           `json:"timeout,omitempty"`
	TLS                 *ServiceConnectTlsConfiguration `json:"tls,omitempty"`
}

// ServiceConnectClientAlias is the structure of that name in the ECS API.
type ServiceConnectClientAlias struct {
	DNSName          string                          `json:"dnsName,omitempty"`
	Port             *int64                          `json:"port,omitempty"`
	TestTrafficRules *ServiceConnectTestTrafficRules `json:"testTrafficRules,omitempty"`
}

// ServiceConnectTestTrafficRules is the structure of that name in the ECS API.
type ServiceConnectTestTrafficRules struct {
	Header *ServiceConnectTestTrafficHeaderRules `json:"header,omitempty"`
}

// ServiceConnectTestTrafficHeaderRules is the structure of that name in the ECS API.
type ServiceConnectTestTrafficHeaderRules struct {
	Name  string                                     `json:"name,omitempty"`
	Value *ServiceConnectTestTrafficHeaderMatchRules `json:"value,omitempty"`
}

// ServiceConnectTestTrafficHeaderMatchRules is the structure of that name in the ECS API.
type ServiceConnectTestTrafficHeaderMatchRules struct {
	Exact string `json:"exact,omitempty"`
}

// TimeoutConfiguration is the structure of that name in the ECS API.
type TimeoutConfiguration struct {
	IdleTimeoutSeconds       *int64 `json:"idleTimeoutSeconds,omitempty"`
	PerRequestTimeoutSeconds *int64 `json:"perRequestTimeoutSeconds,omitempty"`
}

// ServiceConnectTlsConfiguration is the structure of that name in the ECS API.
type ServiceConnectTlsConfiguration struct {
	IssuerCertificateAuthority *ServiceConnectTlsCertificateAuthority `json:"issuerCertificateAuthority,omitempty"`
	KMSKey                     string                                 `json:"kmsKey,omitempty"`
	RoleARN                    string                                 `json:"roleArn,omitempty"`
}

// ServiceConnectTlsCertificateAuthority is the structure of that name in the ECS API.
type ServiceConnectTlsCertificateAuthority struct {
	AwsPcaAuthorityARN string `json:"awsPcaAuthorityArn,omitempty"`
}

// PlacementStrategy is the structure of that name in the ECS API.
type PlacementStrategy struct {
	Field string `json:"field,omitempty"`
	Type  string `json:"type,omitempty"`
}

// PlacementConstraint is the structure of that name in the ECS API.
type PlacementConstraint struct {
	Expression string `json:"expression,omitempty"`
	Type       string `json:"type,omitempty"`
}

// CapacityProviderStrategyItem is the structure of that name in the ECS API.
type CapacityProviderStrategyItem struct {
	Base             *int64 `json:"base,omitempty"`
	CapacityProvider string `json:"capacityProvider,omitempty"`
	Weight           *int64 `json:"weight,omitempty"`
}

// LoadBalancer is the structure of that name in the ECS API.
type LoadBalancer struct {
	AdvancedConfiguration *AdvancedConfiguration `json:"advancedConfiguration,omitempty"`
	ContainerName         string                 `json:"containerName,omitempty"`
	ContainerPort         *int64                 `json:"containerPort,omitempty"`
	LoadBalancerName      string                 `json:"loadBalancerName,omitempty"`
	TargetGroupARN        string                 `json:"targetGroupArn,omitempty"`
}

// AdvancedConfiguration is the structure of that name in the ECS API.
type AdvancedConfiguration struct {
	AlternateTargetGroupARN string `json:"alternateTargetGroupArn,omitempty"`
	ProductionListenerRule  string `json:"productionListenerRule,omitempty"`
	RoleARN                 string `json:"roleArn,omitempty"`
	TestListenerRule        string `json:"testListenerRule,omitempty"`
}

// ServiceVolumeConfiguration is the structure of that name in the ECS API.
type ServiceVolumeConfiguration struct {
	ManagedEBSVolume *ServiceManagedEBSVolumeConfiguration `json:"managedEBSVolume,omitempty"`
	Name             string                                `json:"name,omitempty"`
}

// ServiceManagedEBSVolumeConfiguration is the structure of that name in the ECS API.
type ServiceManagedEBSVolumeConfiguration struct {
	Encrypted                *bool                 `json:"encrypted,omitempty"`
	FilesystemType           string                `json:"filesystemType,omitempty"`
	Iops                     *int64                `json:"iops,omitempty"`
	KMSKeyID                 string                `json:"kmsKeyId,omitempty"`
	RoleARN                  string                `json:"roleArn,omitempty"`
	SizeInGiB                *int64                `json:"sizeInGiB,omitempty"`
	SnapshotID               string                `json:"snapshotId,omitempty"`
	TagSpecifications        []EBSTagSpecification `json:"tagSpecifications,omitempty"`
	Throughput               *int64                `json:"throughput,omitempty"`
	VolumeInitializationRate *int64                `json:"volumeInitializationRate,omitempty"`
	VolumeType               string                `json:"volumeType,omitempty"`
}

// EBSTagSpecification is the structure of that name in the ECS API.
type EBSTagSpecification struct {
	PropagateTags string `json:"propagateTags,omitempty"`
	ResourceType  string `json:"resourceType,omitempty"`
	Tags          []Tag  `json:"tags,omitempty"`
}

// Tag is the structure of that name in the ECS API.
type Tag struct {
	Key   string `json:"key,omitempty"`
	Value string `json:"value"`
}

// VpcLatticeConfiguration is the structure of that name in the ECS API.
type VpcLatticeConfiguration struct {
	PortName       string `json:"portName,omitempty"`
	RoleARN        string `json:"roleArn,omitempty"`
	TargetGroupARN string `json:"targetGroupArn,omitempty"`
}

// TaskOverride is the structure of that name in the ECS API.
type TaskOverride struct {
	ContainerOverrides            []ContainerOverride            `json:"containerOverrides,omitempty"`
	CPU                           string                         `json:"cpu,omitempty"`
	EphemeralStorage              *EphemeralStorage              `json:"ephemeralStorage,omitempty"`
	ExecutionRoleARN              string                         `json:"executionRoleArn,omitempty"`
	InferenceAcceleratorOverrides []InferenceAcceleratorOverride `json:"inferenceAcceleratorOverrides,omitempty"`
	Memory                        string                         `json:"memory,omitempty"`
	TaskRoleARN                   string                         `json:"taskRoleArn,omitempty"`
}

// ContainerOverride is the structure of that name in the ECS API.
type ContainerOverride struct {
	Command              []string              `json:"command,omitempty"`
	CPU                  *int64                `json:"cpu,omitempty"`
	Environment          []KeyValuePair        `json:"environment,omitempty"`
	EnvironmentFiles     []EnvironmentFile     `json:"environmentFiles,omitempty"`
	Memory               *int64                `json:"memory,omitempty"`
	MemoryReservation    *int64                `json:"memoryReservation,omitempty"`
	Name                 string                `json:"name,omitempty"`
	ResourceRequirements []ResourceRequirement `json:"resourceRequirements,omitempty"`
}

// InferenceAcceleratorOverride is the structure of that name in the ECS API.
type InferenceAcceleratorOverride struct {
	DeviceName string `json:"deviceName,omitempty"`
	DeviceType string `json:"deviceType,omitempty"`
}

// Attribute is the structure of that name in the ECS API.
type Attribute struct {
	Name       string `json:"name,omitempty"`
	TargetID   string `json:"targetId,omitempty"`
	TargetType string `json:"targetType,omitempty"`
	Value      string `json:"value,omitempty"`
}

// ClusterSetting is the structure of that name in the ECS API.
type ClusterSetting struct {
	Name  string `json:"name,omitempty"`
	Value string `json:"value,omitempty"`
}

// ClusterConfiguration is the structure of that name in the ECS API.
type ClusterConfiguration struct {
	ExecuteCommandConfiguration *ExecuteCommandConfiguration `json:"executeCommandConfiguration,omitempty"`
	ManagedStorageConfiguration *ManagedStorageConfiguration `json:"managedStorageConfiguration,omitempty"`
}

// ExecuteCommandConfiguration is the structure of that name in the ECS API.
type ExecuteCommandConfiguration struct {
	KMSKeyID         string                          `json:"kmsKeyId,omitempty"`
	LogConfiguration *ExecuteCommandLogConfiguration `json:"logConfiguration,omitempty"`
	Logging          string                          `json:"logging,omitempty"`
}

// ExecuteCommandLogConfiguration is the structure of that name in the ECS API.
type ExecuteCommandLogConfiguration struct {
	CloudWatchEncryptionEnabled *bool  `json:"cloudWatchEncryptionEnabled,omitempty"`
	CloudWatchLogGroupName      string `json:"cloudWatchLogGroupName,omitempty"`
	S3BucketName                string `json:"s3BucketName,omitempty"`
	S3EncryptionEnabled         *bool  `json:"s3EncryptionEnabled,omitempty"`
	S3KeyPrefix                 string `json:"s3KeyPrefix,omitempty"`
}

// ManagedStorageConfiguration is the structure of that name in the ECS API.
type ManagedStorageConfiguration struct {
	FargateEphemeralStorageKMSKeyID string `json:"fargateEphemeralStorageKmsKeyId,omitempty"`
	KMSKeyID                        string `json:"kmsKeyId,omitempty"`
}

// ClusterServiceConnectDefaultsRequest is the structure of that name in the ECS API.
type ClusterServiceConnectDefaultsRequest struct {
	Namespace string `json:"namespace,omitempty"`
}

// Resource is the structure of that name in the ECS API.
type Resource struct {
	DoubleValue    *float64 `json:"doubleValue,omitempty"`
	IntegerValue   *int64   `json:"integerValue,omitempty"`
	LongValue      *int64   `json:"longValue,omitempty"`
	Name           string   `json:"name,omitempty"`
	StringSetValue []string `json:"stringSetValue,omitempty"`
	Type           string   `json:"type,omitempty"`
}

// VersionInfo is the structure of that name in the ECS API.
type VersionInfo struct {
	AgentHash     string `json:"agentHash,omitempty"`
	AgentVersion  string `json:"agentVersion,omitempty"`
	DockerVersion string `json:"dockerVersion,omitempty"`
}
