package task

import "github.com/cairn-discovery/cairn/core/command"

// Slice describes the state of ECS to core/state.
type Slice struct{}

const sliceName = "task"

// Name implements command.Slice.
func (Slice) Name() string { return sliceName }

// Prefixes implements command.Slice.
func (Slice) Prefixes() []string {
	return []string{
		clusterPrefix, definitionPrefix, familyPrefix, servicePrefix, eventsPrefix, revisionPrefix, deploymentPrefix,
		taskPrefix, instancePrefix, nodePrefix, settingPrefix, providerPrefix,
	}
}

// of returns the state of a view, and its rules.
func of(v command.View) (*State, *Rules) {
	s, r := v.Slice(sliceName)
	return s.(*State), r.(*Rules)
}
