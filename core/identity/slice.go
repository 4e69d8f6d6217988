package identity

import "github.com/cairn-discovery/cairn/core/command"

// Slice describes identities to core/state.
type Slice struct{}

const sliceName = "identity"

// Name implements command.Slice.
func (Slice) Name() string { return sliceName }

// Prefixes implements command.Slice.
func (Slice) Prefixes() []string {
	return []string{accountPrefix, groupPrefix, keyPrefix, policyPrefix, rolePrefix, userPrefix}
}

// Quotas implements command.Slice: there are none.
func (Slice) Quotas() []*command.Quota { return nil }

// of returns the identities of a view.
func of(v command.View) *State {
	s, _ := v.Slice(sliceName)
	return s.(*State)
}
