package state

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
)

// Rules are the settings that decide what is accepted. They never influence how
// a change is applied, so nodes with different rules keep the same State.
type Rules struct {
	// Shared says that other nodes decide on the same records too.
	Shared bool
	// Quotas are the limits that the configuration sets, defaults included.
	Quotas      command.Quotas
	Registry    registry.Rules
	Identity    identity.Rules
	Task        task.Rules
	HostedZones hostedzone.Rules
	Mesh        mesh.Rules
}

// Region returns the region of this cairn, which is part of ARNs.
func (r *Rules) Region() string { return r.Registry.Region }

// view implements command.View.
type view struct {
	state  *State
	rules  *Rules
	meta   command.Meta // of the command
	guards []string     // of the quotas that were asked for, if other nodes decide too
}

func (v *view) Slice(name string) (state, rules any) {
	for i := range table {
		if table[i].name == name {
			return table[i].state(v.state), table[i].rules(v.rules)
		}
	}
	return nil, nil
}

// Quota returns the limit in the settings of the account, and without one that of
// the configuration.
func (v *view) Quota(account command.AccountID, q *command.Quota) int {
	if v.rules.Shared && q.Guard != "" && !slices.Contains(v.guards, q.Guard) {
		v.guards = append(v.guards, q.Guard)
	}
	if a, ok := v.state.Identity.Settings(string(account)); ok {
		if n, ok := a.Quotas[q.Name]; ok {
			return n
		}
	}
	return v.rules.Quotas.Of(account, q.Name)
}

func (v *view) Quotas() []*command.Quota { return Quotas() }

// NewView returns a state and its rules as commands see them.
func NewView(s *State, r *Rules) command.View { return &view{state: s, rules: r} }
