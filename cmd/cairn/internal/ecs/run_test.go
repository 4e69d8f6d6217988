package ecs

import (
	"strings"
	"testing"
)

func TestParseDefinition(t *testing.T) {
	tests := []struct{ name, text, problem string }{
		{"input", `{"family":"web","containerDefinitions":[]}`, ""},
		{"described", `{"taskDefinition":{"family":"web","revision":3,"status":"ACTIVE","containerDefinitions":[]},"tags":[]}`, ""},
		{"no object", `[]`, "task.json is not a JSON object: "},
		{"syntax", "{\n\"family\": \"web\",\n}", "task.json is not a JSON object, line 3: "},
		{"empty", ``, "task.json is not a JSON object, line 1: "},
		{"other", `{"services":{}}`, "task.json is not a task definition: it needs the members family and containerDefinitions"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			definition, err := parseDefinition([]byte(test.text), "task.json")
			if test.problem == "" {
				if err != nil || definition["family"] != "web" || definition["revision"] != nil {
					t.Errorf("%v, %v", definition, err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.problem) {
				t.Errorf("error %v, want %q", err, test.problem)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	var none ecsTask
	if got := none.addresses(); got != "-" {
		t.Errorf("no container: %q", got)
	}
	var own ecsTask
	own.Containers = make([]container, 2)
	for i := range own.Containers {
		own.Containers[i].Interfaces = append(own.Containers[i].Interfaces, struct {
			IPv4 string `json:"privateIpv4Address"`
			IPv6 string `json:"ipv6Address"`
		}{IPv4: "10.0.0.7"})
	}
	if got := own.addresses(); got != "10.0.0.7" {
		t.Errorf("two containers of one task: %q", got)
	}
}

func TestProblem(t *testing.T) {
	code := 3
	tests := []struct {
		task ecsTask
		want string
	}{
		{ecsTask{}, "-"},
		{ecsTask{StoppedReason: "Task stopped by user"}, "Task stopped by user"},
		{ecsTask{StoppedReason: "Essential container in task exited", Containers: []container{{Name: "app", ExitCode: &code}, {Name: "log"}}},
			"Essential container in task exited; app: exit code 3"},
		{ecsTask{StoppedReason: "Task failed to start", Containers: []container{{Name: "app", Reason: "CannotPullContainerError: no"}}},
			"Task failed to start; app: CannotPullContainerError: no"},
	}
	for _, test := range tests {
		if got := test.task.problem(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
