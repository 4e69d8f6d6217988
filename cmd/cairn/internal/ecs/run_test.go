package ecs

import (
	"encoding/json"
	"testing"
)

// The exit code of a task is that of the container whose end has ended it.
func TestExitCode(t *testing.T) {
	const two = `{"ContainerDefinitions": [{"name": "app", "essential": true}, {"name": "db", "essential": true}, {"name": "log", "essential": false}]}`
	for _, test := range []struct {
		name, containers string
		want             int
	}{
		{"no container has started", `[]`, 0},
		{"success, and the others were stopped", `[{"name": "app", "exitCode": 0}, {"name": "db", "exitCode": 143}, {"name": "log", "exitCode": 137}]`, 0},
		{"an error, and the others were stopped", `[{"name": "app", "exitCode": 143}, {"name": "db", "exitCode": 3}]`, 3},
		{"an error, and the others ended well", `[{"name": "app", "exitCode": 0}, {"name": "db", "exitCode": 3}]`, 3},
		{"not essential", `[{"name": "app", "exitCode": 0}, {"name": "log", "exitCode": 9}]`, 0},
		{"stopped by a user", `[{"name": "app", "exitCode": 143}, {"name": "db", "exitCode": 143}]`, 143},
		{"killed by the kernel", `[{"name": "app", "exitCode": 0}, {"name": "db", "exitCode": 137, "reason": "OutOfMemoryError"}]`, 137},
	} {
		var d definition
		var task ecsTask
		for text, out := range map[string]any{two: &d, `{"containers":` + test.containers + `}`: &task} {
			if err := json.Unmarshal([]byte(text), out); err != nil {
				t.Fatal(err)
			}
		}
		if got := d.exitCode(&task); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}
