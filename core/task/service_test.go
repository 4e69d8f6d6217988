package task_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
)

// The rules of CreateService with the texts of AWS.
func TestCreateServiceErrors(t *testing.T) {
	w := newFixture(t)
	w.define("bridge", "bridge", nil)
	srv := w.cloudMap("srv", registry.RecordSRV, 10)
	arn := func(svc *registry.Service) string { return w.rules.Registry.ServiceARN(account, svc.ID) }
	port, percent, low, high, zero, many := int64(80), int64(101), int64(100), int64(100), 0, 5001
	registries := func(r ...task.ServiceRegistry) func(*task.CreateService) {
		return func(c *task.CreateService) { c.ServiceRegistries = r }
	}
	bridge := func(r task.ServiceRegistry) func(*task.CreateService) {
		return func(c *task.CreateService) {
			c.Family, c.NetworkConfiguration, c.ServiceRegistries = "bridge", nil, []task.ServiceRegistry{r}
		}
	}
	for _, row := range []struct {
		change func(*task.CreateService)
		want   string
	}{
		{registries(task.ServiceRegistry{RegistryARN: arn(w.web), ContainerName: "app", ContainerPort: &port}), "The values specified for serviceRegistries do not require a value for 'containerPort'. Remove the value and retry. Registry: " + arn(w.web)},
		{registries(task.ServiceRegistry{RegistryARN: arn(w.web), Port: &port}), "The values specified for serviceRegistries do not require a value for 'port'."},
		{registries(task.ServiceRegistry{RegistryARN: arn(srv), Port: &port, ContainerName: "app", ContainerPort: &port}), "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both. Remove one and retry."},
		{registries(task.ServiceRegistry{RegistryARN: arn(srv)}), "When the service registry has SRV records,"},
		{registries(task.ServiceRegistry{RegistryARN: arn(w.web) + "x"}), `The service registry could not be validated. Route 53 error: "ServiceNotFound."`},
		{bridge(task.ServiceRegistry{RegistryARN: arn(srv)}), "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be specified from the task definition. Registry: " + arn(srv)},
		{bridge(task.ServiceRegistry{RegistryARN: arn(w.web)}), "When specifying 'bridge' for networkMode, the service registry must have SRV records."},
		{bridge(task.ServiceRegistry{RegistryARN: arn(srv), ContainerName: "no", ContainerPort: &port}), "The container no of serviceRegistries does not exist in the task definition."},
		{func(c *task.CreateService) { c.LaunchType, c.PlatformVersion = "EC2", "1.4.0" }, "The platform version must be null when specifying an EC2 launch type."},
		{func(c *task.CreateService) {
			c.DeploymentConfiguration = &task.DeploymentConfiguration{MinimumHealthyPercent: &percent}
		}, "minimumHealthyPercent must be at most 100"},
		{func(c *task.CreateService) {
			c.DeploymentConfiguration = &task.DeploymentConfiguration{MinimumHealthyPercent: &low, MaximumPercent: &high}
		}, "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."},
		{func(c *task.CreateService) { c.SchedulingStrategy, c.DesiredCount = task.Daemon, &zero }, "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again"},
		{func(c *task.CreateService) {
			c.LaunchType, c.PlacementConstraints = "FARGATE", &[]task.PlacementConstraint{{Type: "distinctInstance"}}
		}, "Placement constraints are not supported with FARGATE launch type."},
		{func(c *task.CreateService) {
			c.SchedulingStrategy, c.DesiredCount, c.LaunchType = task.Daemon, nil, "FARGATE"
		}, "The daemon scheduling strategy is not supported with the FARGATE launch type"},
		{func(c *task.CreateService) { c.DesiredCount = &many }, "The limit of 5000 tasks per service has been reached"},
		{registries(task.ServiceRegistry{RegistryARN: arn(w.web)}, task.ServiceRegistry{RegistryARN: arn(w.web)}), "serviceRegistries has the same registry twice. Registry: " + arn(w.web)},
		{func(c *task.CreateService) { c.NetworkConfiguration = nil }, "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{func(c *task.CreateService) { c.Cluster = "none" }, "Cluster not found."},
		{func(c *task.CreateService) { c.Family = "none" }, "Unable to describe task definition."},
	} {
		one := 1
		c := &task.CreateService{Cluster: "c", Name: "s", Workload: task.Workload{Family: "app", NetworkConfiguration: vpc()}, ServiceSettings: task.ServiceSettings{DesiredCount: &one}}
		row.change(c)
		if _, err := w.try(account, c); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("got %v, want %s", err, row.want)
		}
	}
}

// The same request again gives the service; another one under its name is refused, and
// so are commands on a service that is not there.
func TestServiceNames(t *testing.T) {
	w := newFixture(t)
	a := w.service(1, nil)
	if b := w.service(1, nil); a.Primary().Number != b.Primary().Number {
		t.Error("the same request made another deployment")
	}
	expect := func(want string, c command.Command) {
		t.Helper()
		if _, err := w.try(account, c); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	two := 2
	create := &task.CreateService{Cluster: "c", Name: "s", Workload: task.Workload{Family: "app", NetworkConfiguration: vpc()}, ServiceSettings: task.ServiceSettings{DesiredCount: &two}}
	expect("Creation of service was not idempotent.", create)
	expect("The service cannot be stopped while it is scaled above 0.", &task.DeleteService{Cluster: "c", Name: "s"})
	expect("Service not found.", &task.DeleteService{Cluster: "c", Name: "x"})
	w.settle(2000, nil)
	w.do(&task.DeleteService{Cluster: "c", Name: "s", Force: true})
	w.plan()
	expect("Unable to Start a service that is still Draining.", create)
	expect("Service was not ACTIVE.", &task.UpdateService{Cluster: "c", Name: "s"})
	w.settle(60_000, nil)
	if svc := w.do(create).(*task.Service); svc.Status != task.Active || svc.DesiredCount != 2 {
		t.Errorf("created again: %s %d", svc.Status, svc.DesiredCount)
	}
}
