package identity

import "github.com/cairn-discovery/cairn/core/command"

// testView is a command.View of identities alone.
type testView struct{ state *State }

func (v testView) Slice(string) (state, rules any) { return v.state, new(Rules) }

func (testView) Quota(command.AccountID, *command.Quota) int { return 0 }

func (testView) Quotas() []*command.Quota { return []*command.Quota{{Name: "instances_per_service"}} }
