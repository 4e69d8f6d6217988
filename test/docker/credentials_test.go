package docker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

// A program with the SDK of AWS in a task finds credentials, the API, DNS and its
// metadata with nothing configured.
func TestSDKInATask(t *testing.T) {
	e := enginetest.Need(t)
	e.Load(t, enginetest.Image, nil)
	e.LoadFiles(t, "discover:1", map[string]any{"Entrypoint": []string{"/discover"}}, map[string][]byte{"discover": discoverProgram(t)})
	seal := filepath.Join(t.TempDir(), "seal.key")
	if err := os.WriteFile(seal, []byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, e, "auth: {seal_key_file: "+seal+"}")
	s := newService(n, e)
	both := s.registered(2)
	n.call("ecs:RegisterTaskDefinition", object{
		"family": "discover", "networkMode": "awsvpc", "taskRoleArn": "arn:aws:iam::000000000000:role/reader",
		"containerDefinitions": []object{{"name": "app", "image": "discover:1", "memory": 64}},
	})
	ran := n.call("ecs:RunTask", object{
		"cluster": "c", "taskDefinition": "discover", "networkConfiguration": object{"awsvpcConfiguration": object{"subnets": []string{"subnet-a"}}},
	})
	arn := text(ran, "tasks", 0, "taskArn")
	var task any
	n.until("the task has stopped", func() bool {
		task = at(n.call("ecs:DescribeTasks", object{"cluster": "c", "tasks": []string{arn}}), "tasks", 0)
		return text(task, "lastStatus") == "STOPPED"
	})
	output := n.output(filepath.Base(arn), "app")
	if code, ok := at(task, "containers", 0, "exitCode").(float64); !ok || code != 0 {
		t.Fatalf("%v\n%s", task, output)
	}
	want := []string{"credentials: CredentialsEndpointProvider token: true expire: true\n", "task: " + arn + " discover\n"}
	for id, address := range both {
		want = append(want, "instance: "+id+" "+address+"\n")
	}
	for _, line := range want {
		if !strings.Contains(output, line) {
			t.Errorf("the task did not print %q:\n%s", line, output)
		}
	}
	_, names, _ := strings.Cut(output, "addresses: ")
	names, _, _ = strings.Cut(names, "\n")
	for _, address := range both {
		if !strings.Contains(names, address) {
			t.Errorf("DNS has %s, want %s too", names, address)
		}
	}
	n.call("ecs:UpdateService", object{"cluster": "c", "service": "web", "desiredCount": 0})
	n.until("nothing is left", func() bool { return s.left() == "" })
}

// discoverProgram returns a static executable; see testdata/discover.
func discoverProgram(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "discover")
	if err := testtool.Build(file, "github.com/cairn-discovery/cairn/test/docker/testdata/discover"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
