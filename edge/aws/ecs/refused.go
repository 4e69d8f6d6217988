package ecs

// Reasons of operations that are not here.
const (
	noTaskSets  = "the deployment controllers CODE_DEPLOY and EXTERNAL, and with them task sets, are not there; use the deployment controller ECS"
	noProviders = "capacity providers with Auto Scaling groups are not there; FARGATE and FARGATE_SPOT are, and all container instances of a cluster are used without one"
	noDaemons   = "daemons are not there; use a service with the scheduling strategy DAEMON"
	noExpress   = "Express Mode needs load balancers, which are not there; use CreateService with service registries"
)

// refused are the operations of ECS that the model does not have, each with what is
// missing. It is never changed.
var refused = map[string]string{
	"ContinueServiceDeployment":    "pauses of deployments by lifecycle hooks are not there",
	"CreateCapacityProvider":       noProviders,
	"CreateDaemon":                 noDaemons,
	"CreateExpressGatewayService":  noExpress,
	"CreateTaskSet":                noTaskSets,
	"DeleteCapacityProvider":       noProviders,
	"DeleteDaemon":                 noDaemons,
	"DeleteDaemonTaskDefinition":   noDaemons,
	"DeleteExpressGatewayService":  noExpress,
	"DeleteTaskSet":                noTaskSets,
	"DescribeDaemon":               noDaemons,
	"DescribeDaemonDeployments":    noDaemons,
	"DescribeDaemonRevisions":      noDaemons,
	"DescribeDaemonTaskDefinition": noDaemons,

	"DescribeExpressGatewayService": noExpress,
	"DescribeTaskSets":              noTaskSets,
	"ExecuteCommand":                "it needs the Session Manager of AWS Systems Manager (SSM), which is not there; enter the namespaces of the task on its node",
	"ListDaemonDeployments":         noDaemons,
	"ListDaemonTaskDefinitions":     noDaemons,
	"ListDaemons":                   noDaemons,
	"RegisterDaemonTaskDefinition":  noDaemons,
	"UpdateCapacityProvider":        noProviders,
	"UpdateDaemon":                  noDaemons,
	"UpdateExpressGatewayService":   noExpress,
	"UpdateServicePrimaryTaskSet":   noTaskSets,
	"UpdateTaskSet":                 noTaskSets,
}
