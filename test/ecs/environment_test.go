package ecs

import (
	"path/filepath"
	"strings"
	"testing"

	"os"
)

// TestEnvironmentFiles runs a task whose variables come from files that stand for objects
// of S3, and one whose file does not exist.
func TestEnvironmentFiles(t *testing.T) {
	files := t.TempDir()
	if err := os.Mkdir(filepath.Join(files, "bucket"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(files, "bucket", "a.env"), "# comment\nA=file a\nB=file a\nC=file a\n")
	write(t, filepath.Join(files, "bucket", "b.env"), "A=file b\nD=file b\n")
	n := start(t, "  environment_files: "+files)
	n.call("ecs", "CreateCluster", object{"clusterName": "default"})
	run := func(family string, names ...string) object {
		t.Helper()
		var list []object
		for _, name := range names {
			list = append(list, object{"type": "s3", "value": "arn:aws:s3:::bucket/" + name})
		}
		n.call("ecs", "RegisterTaskDefinition", object{"family": family, "containerDefinitions": []object{{
			"name": "app", "image": "httpd:2.4", "memory": 16, "environmentFiles": list,
			"environment": []object{{"name": "B", "value": "definition"}, {"name": "C", "value": "definition"}},
			"command":     []string{"sh", "-c", `echo "$A, $B, $C, $D"`},
		}}})
		ran := n.call("ecs", "RunTask", object{"taskDefinition": family, "overrides": object{
			"containerOverrides": []object{{"name": "app", "environment": []object{{"name": "C", "value": "override"}}}},
		}})
		arn := text(ran, "tasks", 0, "taskArn")
		for {
			task, _ := get(n.call("ecs", "DescribeTasks", object{"tasks": []string{arn}}), "tasks", 0).(object)
			if text(task, "lastStatus") == "STOPPED" {
				return task
			}
		}
	}
	task := run("good", "a.env", "b.env")
	if got, want := fetch(t, "http://"+n.admin+"/tasks/logs?task="+taskID(task)), "file a, definition, override, file b\n"; got != want {
		t.Errorf("got %q, want %q (%v)", got, want, task)
	}
	task = run("bad", "nope.env")
	if reason := text(task, "stoppedReason"); text(task, "stopCode") != "TaskFailedToStart" || !strings.HasPrefix(reason, "ResourceInitializationError: ") || strings.Contains(reason, files) {
		t.Errorf("%s: %s", text(task, "stopCode"), reason)
	}
}
