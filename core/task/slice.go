package task

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
)

// Slice describes the state of ECS to core/state.
func Slice() command.Slice[State] {
	return table.NewSlice(sliceName, quotas, settings, clusters, definitions, eventLists, families, instances, providers, nodes, deployments, services, tasks, revisions)
}

const sliceName = "task"

// stateOf returns the state of a view, and its rules.
func stateOf(v command.View) (*State, *Rules) {
	s, r := v.Slice(sliceName)
	return s.(*State), r.(*Rules)
}
