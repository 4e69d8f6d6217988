package task

import (
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
)

// PutDefinition and PutCluster are changes for tests.
func PutDefinition(d *Definition) command.Command {
	return putAll{definitions.Put(d), families.Put(&Family{Account: d.Account, Name: d.Family, Last: d.Revision, Latest: d.Revision})}
}
func PutCluster(c *Cluster) command.Command { return putAll{clusters.Put(c)} }

type putAll []command.Change

func (c putAll) Decide(command.View, *command.Meta) (command.Decision, error) {
	return command.Decision{Changes: c}, nil
}

// Values of records.
const (
	DeleteInProgress             = deleteInProgress
	DeploymentSuccessful         = deploymentSuccessful
	DeploymentRollbackSuccessful = deploymentRollbackSuccessful
)

// Nodes yields all nodes.
func (s *State) Nodes() iter.Seq[*Node] { return s.allNodes() }

// InstancesOfNode yields the container instances of a node, in all clusters.
func (s *State) InstancesOfNode(node string) iter.Seq[*ContainerInstance] {
	return s.instancesOfNode(node)
}

// Commands of the planner.
type (
	PurgeCluster        = purgeCluster
	PurgeTaskDefinition = purgeTaskDefinition
)

// servicesOf yields the services that register tasks in a Cloud Map service of the
// account.
func (s *State) servicesOf(account command.AccountID, cloudMapService string) iter.Seq[*Service] {
	return table.Within(s.byRegistry, nameOf(account, cloudMapService, ""), "")
}
