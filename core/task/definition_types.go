package task

// The types below are the parts of a task definition. Names of members are those of
// the ECS API, so the JSON form of a value is that of the API. Pointers and empty
// strings are members that were left out.

// ContainerDefinition is the structure of that name in the ECS API.
type ContainerDefinition struct {
	Command                []string                `json:"command,omitempty"`
	CPU                    *int64                  `json:"cpu,omitempty"`
	CredentialSpecs        []string                `json:"credentialSpecs,omitempty"`
	DependsOn              []ContainerDependency   `json:"dependsOn,omitempty"`
	DisableNetworking      *bool                   `json:"disableNetworking,omitempty"`
	DNSSearchDomains       []string                `json:"dnsSearchDomains,omitempty"`
	DNSServers             []string                `json:"dnsServers,omitempty"`
	DockerLabels           map[string]string       `json:"dockerLabels,omitempty"`
	DockerSecurityOptions  []string                `json:"dockerSecurityOptions,omitempty"`
	EntryPoint             []string                `json:"entryPoint,omitempty"`
	Environment            []KeyValuePair          `json:"environment,omitempty"`
	EnvironmentFiles       []EnvironmentFile       `json:"environmentFiles,omitempty"`
	Essential              *bool                   `json:"essential,omitempty"`
	ExtraHosts             []HostEntry             `json:"extraHosts,omitempty"`
	FirelensConfiguration  *FirelensConfiguration  `json:"firelensConfiguration,omitempty"`
	HealthCheck            *HealthCheck            `json:"healthCheck,omitempty"`
	Hostname               string                  `json:"hostname,omitempty"`
	Image                  string                  `json:"image,omitempty"`
	Interactive            *bool                   `json:"interactive,omitempty"`
	Links                  []string                `json:"links,omitempty"`
	LinuxParameters        *LinuxParameters        `json:"linuxParameters,omitempty"`
	LogConfiguration       *LogConfiguration       `json:"logConfiguration,omitempty"`
	Memory                 *int64                  `json:"memory,omitempty"`
	MemoryReservation      *int64                  `json:"memoryReservation,omitempty"`
	MountPoints            []MountPoint            `json:"mountPoints,omitempty"`
	Name                   string                  `json:"name,omitempty"`
	PortMappings           []PortMapping           `json:"portMappings,omitempty"`
	Privileged             *bool                   `json:"privileged,omitempty"`
	PseudoTerminal         *bool                   `json:"pseudoTerminal,omitempty"`
	ReadonlyRootFilesystem *bool                   `json:"readonlyRootFilesystem,omitempty"`
	RepositoryCredentials  *RepositoryCredentials  `json:"repositoryCredentials,omitempty"`
	ResourceRequirements   []ResourceRequirement   `json:"resourceRequirements,omitempty"`
	RestartPolicy          *ContainerRestartPolicy `json:"restartPolicy,omitempty"`
	Secrets                []Secret                `json:"secrets,omitempty"`
	StartTimeout           *int64                  `json:"startTimeout,omitempty"`
	StopTimeout            *int64                  `json:"stopTimeout,omitempty"`
	SystemControls         []SystemControl         `json:"systemControls,omitempty"`
	Ulimits                []Ulimit                `json:"ulimits,omitempty"`
	User                   string                  `json:"user,omitempty"`
	VersionConsistency     string                  `json:"versionConsistency,omitempty"`
	VolumesFrom            []VolumeFrom            `json:"volumesFrom,omitempty"`
	WorkingDirectory       string                  `json:"workingDirectory,omitempty"`

	// proxy marks the container that withProxy adds.
	proxy bool
}

// ContainerDependency is the structure of that name in the ECS API.
type ContainerDependency struct {
	Condition     string `json:"condition,omitempty"`
	ContainerName string `json:"containerName,omitempty"`
}

// KeyValuePair is the structure of that name in the ECS API.
type KeyValuePair struct {
	Name  string  `json:"name,omitempty"`
	Value *string `json:"value,omitempty"`
}

// EnvironmentFile is the structure of that name in the ECS API.
type EnvironmentFile struct {
	Type  string `json:"type,omitempty"`
	Value string `json:"value,omitempty"`
}

// HostEntry is the structure of that name in the ECS API.
type HostEntry struct {
	Hostname  string `json:"hostname,omitempty"`
	IpAddress string `json:"ipAddress,omitempty"`
}

// FirelensConfiguration is the structure of that name in the ECS API.
type FirelensConfiguration struct {
	Options map[string]string `json:"options,omitempty"`
	Type    string            `json:"type,omitempty"`
}

// HealthCheck is the structure of that name in the ECS API.
type HealthCheck struct {
	Command     []string `json:"command,omitempty"`
	Interval    *int64   `json:"interval,omitempty"`
	Retries     *int64   `json:"retries,omitempty"`
	StartPeriod *int64   `json:"startPeriod,omitempty"`
	Timeout     *int64   `json:"timeout,omitempty"`
}

// LinuxParameters is the structure of that name in the ECS API.
type LinuxParameters struct {
	Capabilities       *KernelCapabilities `json:"capabilities,omitempty"`
	Devices            []Device            `json:"devices,omitempty"`
	InitProcessEnabled *bool               `json:"initProcessEnabled,omitempty"`
	MaxSwap            *int64              `json:"maxSwap,omitempty"`
	SharedMemorySize   *int64              `json:"sharedMemorySize,omitempty"`
	Swappiness         *int64              `json:"swappiness,omitempty"`
	Tmpfs              []Tmpfs             `json:"tmpfs,omitempty"`
}

// KernelCapabilities is the structure of that name in the ECS API.
type KernelCapabilities struct {
	Add  []string `json:"add,omitempty"`
	Drop []string `json:"drop,omitempty"`
}

// Device is the structure of that name in the ECS API.
type Device struct {
	ContainerPath string   `json:"containerPath,omitempty"`
	HostPath      string   `json:"hostPath,omitempty"`
	Permissions   []string `json:"permissions,omitempty"`
}

// Tmpfs is the structure of that name in the ECS API.
type Tmpfs struct {
	ContainerPath string   `json:"containerPath,omitempty"`
	MountOptions  []string `json:"mountOptions,omitempty"`
	Size          *int64   `json:"size,omitempty"`
}

// LogConfiguration is the structure of that name in the ECS API.
type LogConfiguration struct {
	LogDriver     string            `json:"logDriver,omitempty"`
	Options       map[string]string `json:"options,omitempty"`
	SecretOptions []Secret          `json:"secretOptions,omitempty"`
}

// Secret is the structure of that name in the ECS API.
type Secret struct {
	Name      string `json:"name,omitempty"`
	ValueFrom string `json:"valueFrom,omitempty"`
}

// MountPoint is the structure of that name in the ECS API.
type MountPoint struct {
	ContainerPath string `json:"containerPath,omitempty"`
	ReadOnly      *bool  `json:"readOnly,omitempty"`
	SourceVolume  string `json:"sourceVolume,omitempty"`
}

// PortMapping is the structure of that name in the ECS API.
type PortMapping struct {
	AppProtocol        string `json:"appProtocol,omitempty"`
	ContainerPort      *int64 `json:"containerPort,omitempty"`
	ContainerPortRange string `json:"containerPortRange,omitempty"`
	HostPort           *int64 `json:"hostPort,omitempty"`
	Name               string `json:"name,omitempty"`
	Protocol           string `json:"protocol,omitempty"`
}

// RepositoryCredentials is the structure of that name in the ECS API.
type RepositoryCredentials struct {
	CredentialsParameter string `json:"credentialsParameter,omitempty"`
}

// ResourceRequirement is the structure of that name in the ECS API.
type ResourceRequirement struct {
	Type  string `json:"type,omitempty"`
	Value string `json:"value,omitempty"`
}

// ContainerRestartPolicy is the structure of that name in the ECS API.
type ContainerRestartPolicy struct {
	Enabled              *bool   `json:"enabled,omitempty"`
	IgnoredExitCodes     []int64 `json:"ignoredExitCodes,omitempty"`
	RestartAttemptPeriod *int64  `json:"restartAttemptPeriod,omitempty"`
}

// SystemControl is the structure of that name in the ECS API.
type SystemControl struct {
	Namespace string `json:"namespace,omitempty"`
	Value     string `json:"value,omitempty"`
}

// Ulimit is the structure of that name in the ECS API.
type Ulimit struct {
	HardLimit *int64 `json:"hardLimit,omitempty"`
	Name      string `json:"name,omitempty"`
	SoftLimit *int64 `json:"softLimit,omitempty"`
}

// VolumeFrom is the structure of that name in the ECS API.
type VolumeFrom struct {
	ReadOnly        *bool  `json:"readOnly,omitempty"`
	SourceContainer string `json:"sourceContainer,omitempty"`
}

// Volume is the structure of that name in the ECS API.
type Volume struct {
	ConfiguredAtLaunch                      *bool                                    `json:"configuredAtLaunch,omitempty"`
	DockerVolumeConfiguration               *DockerVolumeConfiguration               `json:"dockerVolumeConfiguration,omitempty"`
	EFSVolumeConfiguration                  *EFSVolumeConfiguration                  `json:"efsVolumeConfiguration,omitempty"`
	FSxWindowsFileServerVolumeConfiguration *FSxWindowsFileServerVolumeConfiguration `json:"fsxWindowsFileServerVolumeConfiguration,omitempty"`
	Host                                    *HostVolumeProperties                    `json:"host,omitempty"`
	Name                                    string                                   `json:"name,omitempty"`
	S3filesVolumeConfiguration              *S3FilesVolumeConfiguration              `json:"s3filesVolumeConfiguration,omitempty"`
}

// DockerVolumeConfiguration is the structure of that name in the ECS API.
type DockerVolumeConfiguration struct {
	Autoprovision *bool             `json:"autoprovision,omitempty"`
	Driver        string            `json:"driver,omitempty"`
	DriverOpts    map[string]string `json:"driverOpts,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	Scope         string            `json:"scope,omitempty"`
}

// EFSVolumeConfiguration is the structure of that name in the ECS API.
type EFSVolumeConfiguration struct {
	AuthorizationConfig   *EFSAuthorizationConfig `json:"authorizationConfig,omitempty"`
	FileSystemID          string                  `json:"fileSystemId,omitempty"`
	RootDirectory         string                  `json:"rootDirectory,omitempty"`
	TransitEncryption     string                  `json:"transitEncryption,omitempty"`
	TransitEncryptionPort *int64                  `json:"transitEncryptionPort,omitempty"`
}

// EFSAuthorizationConfig is the structure of that name in the ECS API.
type EFSAuthorizationConfig struct {
	AccessPointID string `json:"accessPointId,omitempty"`
	IAM           string `json:"iam,omitempty"`
}

// FSxWindowsFileServerVolumeConfiguration is the structure of that name in the ECS API.
type FSxWindowsFileServerVolumeConfiguration struct {
	AuthorizationConfig *FSxWindowsFileServerAuthorizationConfig `json:"authorizationConfig,omitempty"`
	FileSystemID        string                                   `json:"fileSystemId,omitempty"`
	RootDirectory       string                                   `json:"rootDirectory,omitempty"`
}

// FSxWindowsFileServerAuthorizationConfig is the structure of that name in the ECS API.
type FSxWindowsFileServerAuthorizationConfig struct {
	CredentialsParameter string `json:"credentialsParameter,omitempty"`
	Domain               string `json:"domain,omitempty"`
}

// HostVolumeProperties is the structure of that name in the ECS API.
type HostVolumeProperties struct {
	SourcePath string `json:"sourcePath,omitempty"`
}

// S3FilesVolumeConfiguration is the structure of that name in the ECS API.
type S3FilesVolumeConfiguration struct {
	AccessPointARN        string `json:"accessPointArn,omitempty"`
	FileSystemARN         string `json:"fileSystemArn,omitempty"`
	RootDirectory         string `json:"rootDirectory,omitempty"`
	TransitEncryptionPort *int64 `json:"transitEncryptionPort,omitempty"`
}

// TaskDefinitionPlacementConstraint is the structure of that name in the ECS API.
type TaskDefinitionPlacementConstraint struct {
	Expression string `json:"expression,omitempty"`
	Type       string `json:"type,omitempty"`
}

// RuntimePlatform is the structure of that name in the ECS API.
type RuntimePlatform struct {
	CPUArchitecture       string `json:"cpuArchitecture,omitempty"`
	OperatingSystemFamily string `json:"operatingSystemFamily,omitempty"`
}

// ProxyConfiguration is the structure of that name in the ECS API.
type ProxyConfiguration struct {
	ContainerName string         `json:"containerName,omitempty"`
	Properties    []KeyValuePair `json:"properties,omitempty"`
	Type          string         `json:"type,omitempty"`
}

// InferenceAccelerator is the structure of that name in the ECS API.
type InferenceAccelerator struct {
	DeviceName string `json:"deviceName,omitempty"`
	DeviceType string `json:"deviceType,omitempty"`
}

// EphemeralStorage is the structure of that name in the ECS API.
type EphemeralStorage struct {
	SizeInGiB *int64 `json:"sizeInGiB,omitempty"`
}
