package task

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
)

// Rules are the settings that decide what is accepted, and how Plan acts. They never
// influence how a change is applied, so nodes with different rules keep the same State.
// Durations are in milliseconds.
type Rules struct {
	// Region is part of ARNs and of attributes in Cloud Map.
	Region string
	// Strict selects the behaviour of AWS where the default differs; see
	// docs/divergences/ecs.md.
	Strict bool
	// Authorize returns nil if a role may do something, and otherwise an error with the
	// text of an AccessDeniedException. Nil allows everything.
	Authorize func(v command.View, a *Authorization) error
	// MaxDrain is the longest wait between leaving Cloud Map and the stop signal; the
	// wait is the longest TTL of the records. Strict mode does not wait.
	MaxDrain int64
	// HealthyAfter is how long a task without container health checks has to run to
	// count as healthy. AWS waits 40 s.
	HealthyAfter int64
	// StoppedRetention is how long stopped tasks and deleted services can be described.
	StoppedRetention int64
	// StartTimeout is how long a task may wait in ACTIVATING for its registration.
	StartTimeout int64
	// Clusters are the clusters in which nodes register as container instances, as NAME
	// or ACCOUNT/NAME. Nil: all.
	Clusters []string
}

// Authorization is a question to Rules.Authorize.
type Authorization struct {
	Account command.AccountID
	// Role is the ARN of a role; Session is the name of the session that is asked for.
	Role, Session string
	// Action is such as "servicediscovery:RegisterInstance", Resource an ARN.
	Action, Resource string
	// Tags are those of the resource.
	Tags map[string]string
	// Keys are values of condition keys.
	Keys map[string][]string
}

// arnService is the service in the ARNs of ECS.
const arnService = "ecs"

// ARN returns the ARN of a resource such as cluster/NAME.
func (r *Rules) ARN(account command.AccountID, resource string) string {
	return arn.Format(arnService, r.Region, account, resource)
}

// ClusterARN returns the ARN of a cluster.
func (r *Rules) ClusterARN(account command.AccountID, name string) string {
	return r.ARN(account, "cluster/"+name)
}

// ServiceARN returns the ARN of a service.
func (r *Rules) ServiceARN(account command.AccountID, cluster, name string) string {
	return r.ARN(account, "service/"+cluster+"/"+name)
}

// TaskARN returns the ARN of a task.
func (r *Rules) TaskARN(account command.AccountID, cluster, id string) string {
	return r.ARN(account, "task/"+cluster+"/"+id)
}

// PrivateName returns the host name of a network interface with an IPv4 address, as EC2
// makes it.
func (r *Rules) PrivateName(ipv4 string) string {
	return "ip-" + strings.ReplaceAll(ipv4, ".", "-") + "." + r.Region + ".compute.internal"
}

// InstanceARN returns the ARN of a container instance.
func (r *Rules) InstanceARN(account command.AccountID, cluster, id string) string {
	return r.ARN(account, "container-instance/"+cluster+"/"+id)
}

// DefinitionARN returns the ARN of a revision of a task definition.
func (r *Rules) DefinitionARN(d *Definition) string {
	return r.ARN(d.Account, "task-definition/"+d.Name())
}

// RevisionARN returns the ARN of a service revision.
func (r *Rules) RevisionARN(account command.AccountID, cluster, service, number string) string {
	return r.ARN(account, "service-revision/"+cluster+"/"+service+"/"+number)
}

// DeploymentARN returns the ARN of a service deployment.
func (r *Rules) DeploymentARN(account command.AccountID, cluster, service, id string) string {
	return r.ARN(account, "service-deployment/"+cluster+"/"+service+"/"+id)
}
