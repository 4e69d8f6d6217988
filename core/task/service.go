package task

import "github.com/cairn-discovery/cairn/core/command"

// Scheduling strategies.
const (
	Replica = "REPLICA"
	Daemon  = "DAEMON"
)

// Service is an ECS service. It is immutable; a change makes a new one. Times are
// milliseconds since 1970; 0 means not yet.
type Service struct {
	Account command.AccountID `json:"-"`
	Cluster string            `json:"-"`
	Name    string            `json:"-"`

	// Status is ACTIVE, DRAINING or INACTIVE.
	Status                        string                   `json:"status"`
	DesiredCount                  int                      `json:"desiredCount"` // of DAEMON: 0, the planner counts
	SchedulingStrategy            string                   `json:"schedulingStrategy"`
	DeploymentConfiguration       *DeploymentConfiguration `json:"deploymentConfiguration,omitempty"`
	DeploymentController          string                   `json:"deploymentController,omitempty"` // "" is ECS, not given
	PlacementConstraints          []PlacementConstraint    `json:"placementConstraints,omitempty"`
	PlacementStrategy             []PlacementStrategy      `json:"placementStrategy,omitempty"`
	HealthCheckGracePeriodSeconds *int64                   `json:"healthCheckGracePeriodSeconds,omitempty"`
	PropagateTags                 string                   `json:"propagateTags,omitempty"`
	EnableECSManagedTags          bool                     `json:"enableECSManagedTags,omitempty"`
	EnableExecuteCommand          bool                     `json:"enableExecuteCommand,omitempty"`
	AvailabilityZoneRebalancing   string                   `json:"availabilityZoneRebalancing,omitempty"`
	RoleARN                       string                   `json:"roleArn,omitempty"`
	Tags                          []Tag                    `json:"tags,omitempty"`

	Created   int64  `json:"created"`
	CreatedBy string `json:"createdBy,omitempty"`
	Deleted   int64  `json:"deleted,omitempty"` // entered INACTIVE
	// ClientToken and Fingerprint identify the request that created the service.
	ClientToken string `json:"clientToken,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`

	// Deployments are newest first. The first one is PRIMARY.
	Deployments []Deployment `json:"deployments,omitempty"`
	// Completed is the number of the last deployment that was completed: the target of
	// a rollback. Empty: none.
	Completed string `json:"completed,omitempty"`
	// CloudMapServices are the ids of the Cloud Map services in which tasks of any of the
	// deployments register.
	CloudMapServices []string `json:"cloudMapServices,omitempty"`

	// Steady is the time of the last event that said "steady state", 0 while the service
	// is not steady.
	Steady int64 `json:"steady,omitempty"`
	// Blocked is the time of the last event that told why tasks cannot be placed, and
	// BlockedReason its reason.
	Blocked       int64  `json:"blocked,omitempty"`
	BlockedReason string `json:"blockedReason,omitempty"`

	unknown
}

// Primary returns the newest deployment. Every service has one.
func (svc *Service) Primary() *Deployment { return &svc.Deployments[0] }

// Workload is what tasks of a deployment run and where. It is fixed: a change of it
// is a new deployment.
type Workload struct {
	Family                   string                         `json:"family"`
	Revision                 int                            `json:"revision"`
	LaunchType               string                         `json:"launchType,omitempty"` // "" with a strategy
	CapacityProviderStrategy []CapacityProviderStrategyItem `json:"capacityProviderStrategy,omitempty"`
	PlatformVersion          string                         `json:"platformVersion,omitempty"` // FARGATE only
	NetworkConfiguration     *NetworkConfiguration          `json:"networkConfiguration,omitempty"`
	ServiceRegistries        []ServiceRegistry              `json:"serviceRegistries,omitempty"`
	ServiceConnect           *ServiceConnectConfiguration   `json:"serviceConnect,omitempty"`
	Volumes                  []ServiceVolumeConfiguration   `json:"volumes,omitempty"`
}

// Rollout states.
const (
	RolloutInProgress = "IN_PROGRESS"
	RolloutCompleted  = "COMPLETED"
	RolloutFailed     = "FAILED"
)

// Deployment is one of the deployments of a service.
type Deployment struct {
	// Number is 19 digits. The id in the API is "ecs-svc/" and the number; the service
	// revision of the deployment has the same number.
	Number string `json:"number"`
	Workload
	// ServiceDeployment is the id of the ServiceDeployment that made it.
	ServiceDeployment  string `json:"serviceDeployment,omitempty"`
	Created            int64  `json:"created"`
	Updated            int64  `json:"updated"`
	RolloutState       string `json:"rolloutState"`
	RolloutStateReason string `json:"rolloutStateReason,omitempty"`
	// FailedTasks counts tasks that failed one after the other.
	FailedTasks int `json:"failedTasks,omitempty"`
	// Ran means that a task of it has been healthy once: the circuit breaker counts
	// failed health checks from then on.
	Ran bool `json:"ran,omitempty"`
	// NextStart is the end of the pause after failed starts, Pauses how often there was
	// one: each is twice as long as the one before.
	NextStart int64 `json:"nextStart,omitempty"`
	Pauses    int   `json:"pauses,omitempty"`
	// ServiceConnectServices are the Cloud Map services of ServiceConnect, by discovery name.
	ServiceConnectServices []ServiceConnectResource `json:"serviceConnectServices,omitempty"`
}

// ID returns "ecs-svc/NUMBER".
func (d *Deployment) ID() string { return "ecs-svc/" + d.Number }

// ServiceConnectResource is a Cloud Map service that a deployment made or uses.
type ServiceConnectResource struct {
	DiscoveryName string `json:"discoveryName"`
	Service       string `json:"service"` // id in Cloud Map
	ARN           string `json:"arn"`
	// DNSNames are answered with the addresses of the tasks, in VPCs and for trusted
	// clients.
	DNSNames []string `json:"dnsNames,omitempty"`
	VPCs     []string `json:"vpcs,omitempty"`
	// Since is when the service has claimed each of DNSNames, in milliseconds since 1970.
	Since []int64 `json:"since,omitempty"`
	// Owner is the account that shares the namespace with the service's, if the first of
	// DNSNames is in the namespace; empty: it is the same account.
	Owner command.AccountID `json:"owner,omitempty"`
}

// ServiceRevision is a workload as it was deployed.
type ServiceRevision struct {
	Account command.AccountID `json:"-"`
	Cluster string            `json:"-"`
	Service string            `json:"-"`
	Number  string            `json:"-"`

	Workload
	ServiceConnectServices []ServiceConnectResource `json:"serviceConnectServices,omitempty"`
	Created                int64                    `json:"created"`

	unknown
}

// Values of ServiceDeployment.Status.
const (
	deploymentPending            = "PENDING"
	deploymentInProgress         = "IN_PROGRESS"
	deploymentSuccessful         = "SUCCESSFUL"
	deploymentStopped            = "STOPPED"
	deploymentStopRequested      = "STOP_REQUESTED"
	deploymentRollbackRequested  = "ROLLBACK_REQUESTED"
	deploymentRollbackInProgress = "ROLLBACK_IN_PROGRESS"
	deploymentRollbackSuccessful = "ROLLBACK_SUCCESSFUL"
	deploymentRollbackFailed     = "ROLLBACK_FAILED"
)

// ServiceDeployment is the history of one deployment.
type ServiceDeployment struct {
	Account command.AccountID `json:"-"`
	Cluster string            `json:"-"`
	Service string            `json:"-"`
	ID      string            `json:"-"` // 21 of [A-Za-z0-9_-]

	Status       string `json:"status"`
	StatusReason string `json:"statusReason,omitempty"`
	// Target is the number of the revision that is deployed, Sources those that were
	// there before.
	Target  string   `json:"target"`
	Sources []string `json:"sources,omitempty"`
	// RequestedCount is the number of tasks that were asked for. FinalCount counts the
	// running ones at its end; while it runs, count the tasks of the service.
	RequestedCount int `json:"requestedCount"`
	FinalCount     int `json:"finalCount,omitempty"`
	// FailureCount is that of the circuit breaker, and Threshold its limit, 0 if it is off.
	FailureCount int `json:"failureCount,omitempty"`
	Threshold    int `json:"threshold,omitempty"`
	// Triggered means that the circuit breaker has ended the deployment.
	Triggered               bool                     `json:"triggered,omitempty"`
	DeploymentConfiguration *DeploymentConfiguration `json:"deploymentConfiguration,omitempty"`
	// Rollback is the number of the revision to which it is rolled back. Empty: none.
	Rollback        string `json:"rollback,omitempty"`
	RollbackReason  string `json:"rollbackReason,omitempty"`
	RollbackStarted int64  `json:"rollbackStarted,omitempty"`
	Created         int64  `json:"created"`
	Started         int64  `json:"started,omitempty"`
	Updated         int64  `json:"updated,omitempty"`
	Finished        int64  `json:"finished,omitempty"`
	Stopped         int64  `json:"stopped,omitempty"`

	unknown
}
