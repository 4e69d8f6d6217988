package node

import (
	"errors"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/worker/scheduler"
)

func (w *wiring) schedulerComponent() (component, error) {
	if w.follows() {
		return component{}, nil
	}
	worker, err := scheduler.New(scheduler.Config{
		Replica: w.rep, Rules: w.currentRules, Logger: w.log.With("part", "scheduler"), Owns: w.owns(), Lease: w.cfg.Runner.Lease.Duration,
	})
	if err != nil {
		return component{}, err
	}
	return component{name: "scheduler", run: worker.Run, stopTimeout: workerStopTimeout}, nil
}

// taskAuthorizer returns what decides whether the role of a task may register it in Cloud
// Map, or nil in open mode, which allows everything.
func (n *Node) taskAuthorizer() func(command.View, *task.Authorization) error {
	if n.cfg.Auth.Mode == config.AuthOpen {
		return nil
	}
	return func(_ command.View, a *task.Authorization) error { return authorizeTask(n.directory.current(), a) }
}

// authorizeTask asks the policies of a role. The role must belong to the account of the
// task.
func authorizeTask(directory *identity.Directory, a *task.Authorization) error {
	parsed, _ := arn.Parse(a.Role)
	_, name, _ := strings.Cut(parsed.Resource, "/")
	reason := "because no identity-based policy allows the " + a.Action + " action"
	role, ok := directory.Principal(a.Role)
	if ok && role.Kind == identity.RoleKind && parsed.Account == a.Account {
		keys := access.MapContext{"aws:principalarn": {role.ARN}, "aws:principalaccount": {role.Account}, "aws:principaltype": {"AssumedRole"}}
		for key, values := range a.Keys {
			keys[strings.ToLower(key)] = values
		}
		d := role.Evaluate(&access.Request{
			Action: a.Action, Resources: []access.Resource{{ARN: a.Resource, Tags: resourceTags(a.Tags)}}, Context: taskContext{keys, role},
		})
		if d.Allowed {
			return nil
		}
		reason = d.Reason(a.Action)
	}
	user := identity.SessionARN(string(a.Account), name, a.Session)
	return errors.New("User: " + user + " is not authorized to perform: " + a.Action + " on resource: " + a.Resource + " " + reason)
}

// taskContext has the values of condition keys for the role of a task.
type taskContext struct {
	access.MapContext
	role *identity.Principal
}

// Values implements access.Context.
func (c taskContext) Values(key string) []string {
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		return c.role.TagValues(tag)
	}
	return c.MapContext.Values(key)
}

// resourceTags implements access.Tagged.
type resourceTags map[string]string

// TagValues implements access.Tagged.
func (t resourceTags) TagValues(key string) []string {
	var values []string
	for k, v := range t {
		if strings.EqualFold(k, key) {
			values = append(values, v)
		}
	}
	return values
}
