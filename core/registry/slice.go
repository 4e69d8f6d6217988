package registry

import "github.com/cairn-discovery/cairn/core/command"

// Slice describes the registry to core/state.
type Slice struct{}

const sliceName = "registry"

// Name implements command.Slice.
func (Slice) Name() string { return sliceName }

// Prefixes implements command.Slice.
func (Slice) Prefixes() []string {
	return []string{namespacePrefix + "/", servicePrefix + "/", revisionPrefix + "/", instancePrefix + "/", operationPrefix + "/", leasePrefix + "/"}
}

// Owns implements command.Slice.
func (Slice) Owns(c command.Change) bool {
	_, ok := c.(change)
	return ok
}

// stateOf returns the registry of a view, and its rules.
func stateOf(v command.View) (*State, *Rules) {
	s, r := v.Slice(sliceName)
	return s.(*State), r.(*Rules)
}
