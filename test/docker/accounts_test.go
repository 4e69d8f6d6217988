package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

// Two accounts with the same names for everything run tasks on one engine: each has its own
// instances, addresses, logs, and volumes, and the end of one changes nothing of the other.
func TestTwoAccounts(t *testing.T) {
	e := enginetest.Need(t)
	e.Load(t, enginetest.Image, nil)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, e, "accounts:",
		"  - {id: '111111111111', users: [{name: a, access_keys: [{id: AKIAONE, secret_file: "+secret+"}]}]}",
		"  - {id: '222222222222', users: [{name: b, access_keys: [{id: AKIATWO, secret_file: "+secret+"}]}]}")
	one, two := newService(n.as("AKIAONE"), e), newServiceIn(n.as("AKIATWO"), e, "store") // a name of the DNS belongs to one account
	first, second := one.registered(2), two.registered(2)
	addresses := map[string]string{}
	for account, tasks := range map[string]map[string]string{"111111111111": first, "222222222222": second} {
		for id, address := range tasks {
			if other := addresses[address]; other != "" {
				t.Errorf("tasks of %s and %s have the address %s", account, other, address)
			}
			addresses[address] = account
			if label := one.docker("ps", "--filter", "label=cairn.task-id="+id, "--filter", "label=cairn.container=web", "--format", `{{.Label "com.amazonaws.ecs.task-arn"}}`); !strings.Contains(label, ":"+account+":") {
				t.Errorf("the container of a task of %s has the ARN %s", account, label)
			}
		}
	}

	for id := range first {
		if d := two.n.call("ecs:DescribeTasks", object{"cluster": "c", "tasks": []string{id}}); text(d, "failures", 0, "reason") != "MISSING" {
			t.Errorf("account 2 sees a task of account 1: %v", d)
		}
		if _, err := two.n.try("ecs:StopTask", object{"cluster": "c", "task": id}); err == nil {
			t.Error("account 2 stops a task of account 1")
		}
	}

	t.Log("a shared volume belongs to one account")
	if got := useVolume(n.as("AKIAONE")); got != "0" {
		t.Errorf("account 1 makes a volume: %s", got)
	}
	if got := useVolume(n.as("AKIATWO")); !strings.HasPrefix(got, "ResourceInitializationError: volume \"cache\"") {
		t.Errorf("account 2 uses the volume of account 1: %s", got)
	}
	if n.logFolder("111111111111") == "" || n.logFolder("222222222222") == "" {
		t.Error("each account has a folder of logs")
	}

	t.Log("account 1 deletes what it has")
	one.n.call("ecs:DeleteService", object{"cluster": "c", "service": "web", "force": true})
	one.n.until("its tasks are gone", func() bool {
		running, _ := at(one.n.call("ecs:ListTasks", object{"cluster": "c"}), "taskArns").([]any)
		return len(running) == 0 && len(one.containers()) == 2
	})
	if now := two.registered(2); fmt.Sprint(now) != fmt.Sprint(second) {
		t.Errorf("account 2 had %v and has %v", second, now)
	}
	for id := range one.containers() {
		if second[id] == "" {
			t.Errorf("container of task %s", id)
		}
	}
	two.n.call("ecs:DeleteService", object{"cluster": "c", "service": "web", "force": true})
	one.docker("volume", "rm", "cache") // ECS keeps shared volumes, and so does cairn
	n.until("no container and no network is left", func() bool {
		return one.docker("ps", "-aq", "--filter", "label=cairn.node")+one.docker("network", "ls", "-q", "--filter", "label=cairn.node") == ""
	})
}

// useVolume runs a task with a shared volume and returns its exit code or its reason.
func useVolume(n *node) string {
	n.t.Helper()
	n.call("ecs:RegisterTaskDefinition", object{
		"family": "volume", "networkMode": "none",
		"volumes": []object{{"name": "cache", "dockerVolumeConfiguration": object{"scope": "shared", "autoprovision": true, "driver": "local"}}},
		"containerDefinitions": []object{{
			"name": "app", "image": enginetest.Image, "memory": 64, "command": []string{"write", "/data/file", "text"},
			"mountPoints": []object{{"sourceVolume": "cache", "containerPath": "/data"}},
		}},
	})
	ran := n.call("ecs:RunTask", object{"cluster": "c", "taskDefinition": "volume"})
	var task any
	n.until("the task has stopped", func() bool {
		task = at(n.call("ecs:DescribeTasks", object{"cluster": "c", "tasks": []string{text(ran, "tasks", 0, "taskArn")}}), "tasks", 0)
		return text(task, "lastStatus") == "STOPPED"
	})
	if code, ok := at(task, "containers", 0, "exitCode").(float64); ok {
		return fmt.Sprint(code)
	}
	return text(task, "stoppedReason")
}

// logFolder returns the names of the tasks of an account that have logs.
func (n *node) logFolder(account string) string {
	n.t.Helper()
	entries, _ := os.ReadDir(filepath.Join(n.data, "runner", "logs", account, "tasks", "c"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(slices.Sorted(slices.Values(names)), " ")
}
