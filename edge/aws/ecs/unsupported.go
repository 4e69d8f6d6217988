package ecs

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// A member or value of ECS that cairn does not have is refused with a text that names it.
// If it were accepted, clients would believe that it has an effect.

func errUnsupported(what, instead string) error {
	return command.Invalid("%s not supported by cairn. %s", what, instead)
}

// refuseExecuteCommand refuses what ExecuteCommand needs. False is accepted.
func refuseExecuteCommand(enable *bool) error {
	if service.Value(enable) {
		return errUnsupported("enableExecuteCommand: ECS Exec needs the Session Manager of AWS Systems Manager (SSM), which is",
			"Leave it out, and enter the namespaces of the task on its node.")
	}
	return nil
}

func errVolumes() error {
	return errUnsupported("volumeConfigurations: volumes of Amazon EBS are", "Use volumes of the host or of Docker in the task definition.")
}

// unsupportedInput are members of CreateService and UpdateService of which nothing is
// there.
type unsupportedInput struct {
	balancers  []*LoadBalancer
	lattice    []*VpcLatticeConfiguration
	volumes    []*ServiceVolumeConfiguration
	controller *DeploymentController
	deployment *DeploymentConfiguration
	execute    *bool
	connect    *ServiceConnectConfiguration
}

// check refuses the first of them that is given.
func (in *unsupportedInput) check() error {
	switch {
	case len(in.balancers) > 0:
		return errUnsupported("loadBalancers: load balancers are", "Clients find the tasks through serviceRegistries or Service Connect.")
	case len(in.lattice) > 0:
		return errUnsupported("vpcLatticeConfigurations: Amazon VPC Lattice is", "Clients find the tasks through serviceRegistries or Service Connect.")
	case len(in.volumes) > 0:
		return errVolumes()
	}
	if in.controller != nil {
		if t := service.Value(in.controller.Type); t != "" && t != DeploymentControllerTypeEcs {
			return task.NewError(task.Unsupported, "deploymentController: the deployment controller %s is not supported by cairn. Use ECS.", t)
		}
	}
	if err := refuseExecuteCommand(in.execute); err != nil {
		return err
	}
	if err := checkDeployment(in.deployment); err != nil {
		return err
	}
	return checkConnect(in.connect)
}

// checkDeployment refuses strategies other than the rolling one, hooks and alarms.
func checkDeployment(d *DeploymentConfiguration) error {
	if d == nil {
		return nil
	}
	if s := service.Value(d.Strategy); s != "" && s != DeploymentStrategyRolling {
		return errUnsupported(fmt.Sprintf("deploymentConfiguration.strategy: the strategy %s shifts the traffic of load balancers, which are", s), "Use ROLLING.")
	}
	switch {
	case d.CanaryConfiguration != nil || d.LinearConfiguration != nil:
		return errUnsupported("deploymentConfiguration: canaryConfiguration and linearConfiguration are", "Use the strategy ROLLING.")
	case service.Value(d.BakeTimeInMinutes) != 0:
		return errUnsupported("deploymentConfiguration.bakeTimeInMinutes: the strategies that have a bake time are", "Use the strategy ROLLING.")
	case len(d.LifecycleHooks) > 0:
		return errUnsupported("deploymentConfiguration.lifecycleHooks: functions of AWS Lambda are", "Leave them out.")
	case d.Alarms != nil && service.Value(d.Alarms.Enable):
		return errUnsupported("deploymentConfiguration.alarms: alarms of Amazon CloudWatch are", "Use deploymentCircuitBreaker.")
	}
	return nil
}

// checkConnect refuses encryption by Service Connect.
func checkConnect(connect *ServiceConnectConfiguration) error {
	if connect == nil {
		return nil
	}
	for _, s := range connect.Services {
		if s.Tls != nil {
			return errUnsupported("serviceConnectConfiguration.services.tls: AWS Private CA is", "Leave it out.")
		}
	}
	return nil
}
