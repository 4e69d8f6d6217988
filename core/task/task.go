// Package task has the state of ECS: clusters, task definitions, services,
// deployments, tasks and the nodes that run them. Commands decide, changes apply,
// and Plan says what has to be done next. DESIGN.md describes the whole.
package task

import "github.com/cairn-discovery/cairn/core/command"

// Values of Task.LastStatus and Task.DesiredStatus; see "Task lifecycle" in the ECS
// developer guide. DesiredStatus is StatusRunning or StatusStopped.
const (
	StatusProvisioning   = "PROVISIONING"
	StatusPending        = "PENDING"
	StatusActivating     = "ACTIVATING"
	StatusRunning        = "RUNNING"
	StatusDeactivating   = "DEACTIVATING"
	StatusStopping       = "STOPPING"
	StatusDeprovisioning = "DEPROVISIONING"
	StatusStopped        = "STOPPED"
)

// Health of a container or a task.
const (
	HealthUnknown   = "UNKNOWN"
	HealthHealthy   = "HEALTHY"
	HealthUnhealthy = "UNHEALTHY"
)

// Stop codes.
const (
	StopFailedToStart      = "TaskFailedToStart"
	StopEssentialExited    = "EssentialContainerExited"
	StopUserInitiated      = "UserInitiated"
	StopSchedulerInitiated = "ServiceSchedulerInitiated"
	StopSpotInterruption   = "SpotInterruption"
	StopTerminationNotice  = "TerminationNotice"
)

// Task is one run of a task definition. It is immutable; a change makes a new one.
// Times are milliseconds since 1970; 0 means not yet.
type Task struct {
	Account command.AccountID `json:"-"`
	Cluster string            `json:"-"`
	ID      string            `json:"-"` // 32 hexadecimal digits

	Family   string `json:"family"`
	Revision int    `json:"revision"`
	// Service and Deployment are empty for a standalone task.
	Service    string `json:"service,omitempty"`
	Deployment string `json:"deployment,omitempty"` // number, 19 digits
	Group      string `json:"group,omitempty"`
	StartedBy  string `json:"startedBy,omitempty"`
	// Instance is the id of the container instance. Empty: not placed yet.
	Instance string `json:"instance,omitempty"`
	// Node is the name of the node of Instance.
	Node string `json:"node,omitempty"`
	Zone string `json:"zone,omitempty"`

	LastStatus    string `json:"lastStatus"`
	DesiredStatus string `json:"desiredStatus"`
	Health        string `json:"health,omitempty"`
	Version       int64  `json:"version"` // rises with each change
	StopCode      string `json:"stopCode,omitempty"`
	StoppedReason string `json:"stoppedReason,omitempty"`

	// Needs are reserved on the instance.
	Needs Needs `json:"needs"`

	LaunchType           string                       `json:"launchType,omitempty"`
	CapacityProvider     string                       `json:"capacityProvider,omitempty"`
	PlatformVersion      string                       `json:"platformVersion,omitempty"`
	Overrides            *TaskOverride                `json:"overrides,omitempty"`
	NetworkConfiguration *NetworkConfiguration        `json:"networkConfiguration,omitempty"`
	Volumes              []ServiceVolumeConfiguration `json:"volumes,omitempty"`
	PlacementConstraints []PlacementConstraint        `json:"placementConstraints,omitempty"`
	PlacementStrategy    []PlacementStrategy          `json:"placementStrategy,omitempty"`
	EnableExecuteCommand bool                         `json:"enableExecuteCommand,omitempty"`
	Tags                 []Tag                        `json:"tags,omitempty"`
	ClientToken          string                       `json:"clientToken,omitempty"`
	Fingerprint          string                       `json:"fingerprint,omitempty"` // of the request with ClientToken

	// Network is made when the task is created (awsvpc) or first reported. It has no
	// address until the runner has reported one.
	Network    *Network         `json:"network,omitempty"`
	Containers []ContainerState `json:"containers,omitempty"`

	Created          int64 `json:"created"`
	Connected        int64 `json:"connected,omitempty"`
	PullStarted      int64 `json:"pullStarted,omitempty"`
	PullStopped      int64 `json:"pullStopped,omitempty"`
	Activated        int64 `json:"activated,omitempty"` // entered ACTIVATING
	Started          int64 `json:"started,omitempty"`   // entered RUNNING
	Stopping         int64 `json:"stopping,omitempty"`
	ExecutionStopped int64 `json:"executionStopped,omitempty"`
	Stopped          int64 `json:"stopped,omitempty"`
	// DrainUntil is the end of DEACTIVATING.
	DrainUntil int64 `json:"drainUntil,omitempty"`
	// EverHealthy means that the health checks of its containers have passed once.
	EverHealthy bool `json:"everHealthy,omitempty"`
	// Answered means that an instance of the task was healthy in Cloud Map once, so that
	// clients may know its address.
	Answered bool `json:"answered,omitempty"`
	// ProtectedUntil is the end of the task protection. 0: not protected.
	ProtectedUntil int64 `json:"protectedUntil,omitempty"`

	Registrations []Registration `json:"registrations,omitempty"`
	// Proxy is the name of the container of Containers that is the proxy of Service
	// Connect. Empty: the task has none.
	Proxy string `json:"proxy,omitempty"`

	unknown
}

// Network is the network of a task on its node.
type Network struct {
	// IPv4 and IPv6 are the addresses of the task in awsvpc mode, or of the node in
	// bridge and host mode. Empty: none.
	IPv4 string `json:"ipv4,omitempty"`
	IPv6 string `json:"ipv6,omitempty"`
	MAC  string `json:"mac,omitempty"`
	// Subnet is the id of the subnet that was chosen (awsvpc).
	Subnet string `json:"subnet,omitempty"`
	// AttachmentID and InterfaceID are made up when the task is created (awsvpc).
	AttachmentID string `json:"attachmentId,omitempty"`
	InterfaceID  string `json:"interfaceId,omitempty"`
}

// ContainerState is what is known of a container of a task.
type ContainerState struct {
	Name       string `json:"name"`
	ID         string `json:"id"` // UUID in the ARN of the container
	LastStatus string `json:"lastStatus"`
	Health     string `json:"health,omitempty"`
	// HealthSince is when Health last changed, HealthOutput the end of the last check's output.
	HealthSince  int64  `json:"healthSince,omitempty"`
	HealthOutput string `json:"healthOutput,omitempty"`
	RuntimeID    string `json:"runtimeId,omitempty"` // of the Docker container, or of the process
	ImageDigest  string `json:"imageDigest,omitempty"`
	ExitCode     *int64 `json:"exitCode,omitempty"` // nil: not exited, or never started
	Reason       string `json:"reason,omitempty"`
	Restarts     int    `json:"restarts,omitempty"`
	Created      int64  `json:"created,omitempty"`
	Started      int64  `json:"started,omitempty"`
	Finished     int64  `json:"finished,omitempty"`
	// Bindings are the ports of the node that reach the container (bridge, host).
	Bindings []Binding `json:"bindings,omitempty"`
}

// Binding is a port of the node that reaches a port of a container.
type Binding struct {
	BindIP        string `json:"bindIP"`
	ContainerPort int    `json:"containerPort"`
	HostPort      int    `json:"hostPort"`
	Protocol      string `json:"protocol"`
}

// Registration is one instance that a task has in Cloud Map.
type Registration struct {
	// Service is the id of the Cloud Map service and Owner its account. Both are empty
	// if it does not exist; Name is what names it then.
	Service string            `json:"service,omitempty"`
	Owner   command.AccountID `json:"owner,omitempty"`
	Name    string            `json:"name,omitempty"`
	// Registered is the time of the instance's registration, 0 if it is not registered now.
	Registered int64 `json:"registered,omitempty"`
	// Held means that somebody else has deregistered the instance, and that it is not
	// registered again; see DESIGN.md.
	Held bool `json:"held,omitempty"`
	// Port is the value of AWS_INSTANCE_PORT, 0 without.
	Port int `json:"port,omitempty"`
	// Problem is why the last registration failed, and Tried when that was.
	Problem string `json:"problem,omitempty"`
	Tried   int64  `json:"tried,omitempty"`
	// Attempts counts the registrations that have failed one after the other.
	Attempts int `json:"attempts,omitempty"`
}

// Report is the command of a runner: what it has observed of one task. It sets the
// members that are given and leaves the others. Decide moves the task on; see the
// table of states in DESIGN.md.
type Report struct {
	Account command.AccountID
	Cluster string
	Task    string
	// Node is the name of the node that reports. A report of another node than the
	// task's is ignored.
	Node string
	// Network is set once, after the network of the task has been made.
	Network *Network
	// Containers are all containers that the runner knows, each with all it knows.
	Containers []ContainerState
	// PullStarted and PullStopped are times in milliseconds since 1970; 0: not known.
	PullStarted, PullStopped int64
	// Failure is a reason why the task cannot start, such as
	// "CannotPullContainerError: …". The task is stopped with TaskFailedToStart.
	Failure string
	// Removed means that nothing of the task is left on the node.
	Removed bool
}
