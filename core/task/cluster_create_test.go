package task_test

import (
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
)

// A task can run in a cluster as soon as it exists: nodes are its container instances in
// the transaction that creates it.
func TestNewClusterHasNodes(t *testing.T) {
	w := newFixture(t)
	w.do(&task.CreateCluster{Name: "new"})
	nodes := len(slices.Collect(w.state.Task.Nodes()))
	all := slices.Collect(w.state.Task.Instances(account, "new", ""))
	if nodes == 0 || len(all) != nodes {
		t.Errorf("%d container instances of %d nodes", len(all), nodes)
	}
	before := all[0].Version
	w.do(&task.CreateCluster{Name: "new"})
	if i, _ := w.state.Task.Instance(account, "new", all[0].ID); i.Version != before {
		t.Error("creating a cluster that exists changes its instances")
	}
}
