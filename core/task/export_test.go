package task

import "github.com/cairn-discovery/cairn/core/command"

// PutDefinition and PutCluster are changes for tests.
func PutDefinition(d *Definition) command.Command {
	return putAll{definitions.put(d), families.put(&Family{Account: d.Account, Name: d.Family, Last: d.Revision, Latest: d.Revision})}
}
func PutCluster(c *Cluster) command.Command { return putAll{clusters.put(c)} }

type putAll []command.Change

func (c putAll) Decide(command.View, *command.Meta) (command.Decision, error) {
	return command.Decision{Changes: c}, nil
}

// Commands of the planner.
type (
	PurgeCluster        = purgeCluster
	PurgeTaskDefinition = purgeTaskDefinition
)
