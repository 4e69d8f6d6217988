package task_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
)

// TestDrainDelay: the tag of a task definition, or a docker label, sets how long a task
// answers after it has left Cloud Map.
func TestDrainDelay(t *testing.T) {
	const name = "cairn:drain-delay"
	asTag := func(value string) func(*task.Definition) {
		return func(d *task.Definition) { d.Tags = []task.Tag{{Key: name, Value: value}} }
	}
	asLabel := func(value string) func(*task.Definition) {
		return func(d *task.Definition) {
			c := &d.ContainerDefinitions[0]
			if c.DockerLabels == nil {
				c.DockerLabels = map[string]string{}
			}
			c.DockerLabels[name] = value
		}
	}
	for _, carrier := range []func(string) func(*task.Definition){asTag, asLabel} {
		for value, want := range map[string]int64{"3": 3000, "0": 0, "1m30s": 90_000, "1500ms": 1500, "1h": 3600_000, " 7 ": 7000} {
			w := newFixture(t)
			w.define("web", "awsvpc", func(d *task.Definition) {
				block(w.namespace, "web")(d)
				carrier(value)(d)
			})
			x := w.started(w.run("web").ID)
			x = w.do(&task.StopTask{Cluster: "c", Task: x.ID}).(*task.Task)
			wait := int64(0)
			if x.DrainUntil != 0 {
				wait = x.DrainUntil - w.now
			}
			if wait != want {
				t.Errorf("%q: the task waits %d ms, want %d", value, wait, want)
			}
			if w.instance("web", x.ID) != nil {
				t.Errorf("%q: the task is still registered", value)
			}
		}
		for _, value := range []string{"", "x", "-1", "-1s", "3601", "1h1s", "4000000000", "5 s"} {
			w := newFixture(t)
			memory := int64(64)
			d := task.Definition{Family: "web", ContainerDefinitions: []task.ContainerDefinition{{Name: "app", Image: "app", Memory: &memory}}}
			carrier(value)(&d)
			_, err := w.try(account, &task.RegisterTaskDefinition{Definition: d})
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "from 0 to 1h") {
				t.Errorf("%q: %v", value, err)
			}
		}
	}
}
