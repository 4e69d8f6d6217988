package identity

import (
	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
)

// Rules are the settings for changes of identities.
type Rules struct {
	// Catalog has the actions and condition keys that policies can name. Nil: those
	// of no API are checked.
	Catalog *access.Catalog
}

// catalogOf returns the catalog of a view.
func catalogOf(v command.View) *access.Catalog {
	_, rules := v.Slice(sliceName)
	return rules.(*Rules).Catalog
}

// stateOf returns the identities of a view.
func stateOf(v command.View) *State {
	s, _ := v.Slice(sliceName)
	return s.(*State)
}
