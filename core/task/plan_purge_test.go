package task_test

import (
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
)

// TestPlanPurge: a deleted cluster is removed when it is described no more, and a deleted
// task definition when its last task is.
func TestPlanPurge(t *testing.T) {
	w := newFixture(t)
	w.do(&task.CreateCluster{Name: "gone"})
	w.do(&task.DeleteCluster{Name: "gone"})
	deleted := func(d *task.Definition) { d.Status = task.DeleteInProgress }
	w.define("used", "awsvpc", nil)
	w.run("used")
	w.define("used", "awsvpc", deleted)
	w.define("unused", "awsvpc", deleted)
	// purge carries out the part of the plan that removes what was deleted.
	purge := func() (removed string) {
		actions, _ := task.Plan(state.NewView(w.state, &w.rules), w.now, 0)
		for _, a := range actions {
			switch c := a.Command.(type) {
			case *task.PurgeCluster:
				removed += " " + c.Name
			case *task.PurgeTaskDefinition:
				removed += fmt.Sprintf(" %s:%d", c.Family, c.Revision)
			default:
				continue
			}
			w.do(a.Command)
		}
		return removed
	}
	if removed := purge(); removed != " unused:1" {
		t.Errorf("at once:%s, want unused:1", removed)
	}
	if removed := purge(); removed != "" {
		t.Errorf("again:%s", removed)
	}
	w.now += w.rules.Task.StoppedRetention
	if removed := purge(); removed != " gone" {
		t.Errorf("later:%s, want gone", removed)
	}
	if _, ok := w.state.Task.Cluster(account, "gone"); ok {
		t.Error("the cluster is still there")
	}
	if _, ok := w.state.Task.Definition(account, "used", 1); !ok {
		t.Error("a definition that a task uses was removed")
	}
}
