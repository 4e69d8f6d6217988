package ecs

import (
	"testing"
)

func TestAddresses(t *testing.T) {
	var none ecsTask
	if got := none.addresses(1); got != "-" {
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
	if got := own.addresses(1); got != "10.0.0.7" {
		t.Errorf("two containers of one task: %q", got)
	}
	own.Containers[1].Interfaces[0].IPv4 = "10.0.0.8"
	if got := own.addresses(1); got != "10.0.0.7 and 1 more" {
		t.Errorf("more addresses than are shown: %q", got)
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

func TestClusterOf(t *testing.T) {
	for _, tt := range []struct{ task, want string }{
		{"0f3c3c1d", "default"},
		{"arn:aws:ecs:us-east-1:000000000000:task/shop/0f3c3c1d", "shop"},
		{"arn:aws:ecs:us-east-1:000000000000:task/0f3c3c1d", "default"},
	} {
		if got := clusterOf(tt.task, "default"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.task, got, tt.want)
		}
	}
}
