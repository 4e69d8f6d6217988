package ecs

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/test/hostile"
	"github.com/cairn-discovery/cairn/worker/runner/drivertest"
)

// programImage makes the image program:1, for options.images.
func programImage(t *testing.T) string {
	root := t.TempDir()
	if err := os.Rename(drivertest.Build(t), filepath.Join(root, "program")); err != nil {
		t.Fatal(err)
	}
	return `, "program:1": {root: ` + root + `}`
}

// TestHostileDefinitions: see package hostile.
func TestHostileDefinitions(t *testing.T) {
	n := startWith(t, options{cgroups: true, images: programImage(t)})
	hostile.Check(t, &hostile.Node{
		Call:    func(operation string, in object) (object, error) { return n.try("ecs", operation, in) },
		Image:   "program:1",
		DataDir: n.store,
		Reached: reached,
	})
}

// reached returns nil if a task serves.
func reached(address string) error {
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Get("http://" + address + "/")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// TestFullDisk fills the disk with the output of a task: other tasks go on and new ones
// start, the API answers, and the task can be stopped.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the process driver needs root")
	}
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=24m"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(disk, unix.MNT_DETACH)
	n := startWith(t, options{store: filepath.Join(disk, "store"), images: programImage(t)})
	n.call("ecs", "CreateCluster", object{"clusterName": "default"})
	run := func(family string, command ...string) string {
		t.Helper()
		n.call("ecs", "RegisterTaskDefinition", object{"family": family, "networkMode": "awsvpc", "containerDefinitions": []object{{
			"name": "app", "image": "program:1", "memory": 64, "stopTimeout": 2, "entryPoint": []string{"/program"}, "command": command,
		}}})
		out := n.call("ecs", "RunTask", object{"taskDefinition": family, "networkConfiguration": object{"awsvpcConfiguration": object{"subnets": []string{"s"}}}})
		return text(out, "tasks", 0, "taskArn")
	}
	status := func(task, want string) any {
		t.Helper()
		var x any
		n.poll(fmt.Sprintf("task %s is %s", task, want), func() bool {
			x = get(n.call("ecs", "DescribeTasks", object{"tasks": []string{task}}), "tasks", 0)
			return text(x, "lastStatus") == want
		})
		return x
	}
	address := func(x any) string { return text(x, "containers", 0, "networkInterfaces", 0, "privateIpv4Address") }
	other := status(run("other", "serve", "80"), "RUNNING")
	flood := run("flood", "print", "1000000000")
	n.poll("the disk is full", func() bool {
		var fs unix.Statfs_t
		if err := unix.Statfs(disk, &fs); err != nil {
			t.Fatal(err)
		}
		return fs.Bfree == 0
	})
	late := status(run("late", "serve", "80"), "RUNNING")
	for name, x := range map[string]any{"a task that ran before": other, "a task that was started afterwards": late} {
		n.poll(name+" answers", func() bool { return reached(address(x)) == nil })
	}
	for _, task := range []string{flood, text(other, "taskArn"), text(late, "taskArn")} {
		n.call("ecs", "StopTask", object{"task": task})
		if x := status(task, "STOPPED"); !strings.HasPrefix(text(x, "stoppedReason"), "Task stopped by user") {
			t.Errorf("%v", x)
		}
	}
}
