// Package hostile runs task definitions that try to do harm on a node: each is refused, or
// its task ends with a clear reason, while another task goes on and the API answers. It is
// used with every driver. It also kills tasks of services, and measures until when they are
// answered.
package hostile

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Object is a JSON object of a request or an answer.
type Object = map[string]any

// Node is the node under test.
type Node struct {
	// Call sends a request of the ECS API.
	Call func(operation string, in Object) (Object, error)
	// Image is an image with the program of drivertest.Build at /program.
	Image string
	// DataDir is the data folder of the node, which no task may mount.
	DataDir string
	// Reached returns nil if a task with an address serves at port 80.
	Reached func(address string) error
}

// patience is how long a state is waited for.
const patience = 2 * time.Minute

// Check runs all task definitions.
func Check(t *testing.T, n *Node) {
	c := &checker{T: t, n: n}
	step := func(name string, f func()) {
		t.Run(name, func(t *testing.T) {
			c.T = t
			f()
		})
		c.T = t
	}
	c.call("CreateCluster", Object{"clusterName": "default"})
	step("witness", c.witness)
	if t.Failed() {
		return
	}
	for _, d := range refused() {
		step(d.name, func() { c.refused(d) })
	}
	for _, d := range failing(n.DataDir) {
		step(d.name, func() { c.fails(d) })
	}
	step("forks", c.forks)
	step("ignores SIGTERM", c.ignoresSigterm)
	step("check hangs", c.checkHangs)
	step("eats memory", c.eatsMemory)
	step("floods", c.floods)
	c.unharmed("everything")
	c.stop(c.good)
}

// definition is a hostile task definition.
type definition struct {
	name string
	// container and task have the members that differ from a harmless definition.
	container, task Object
	// want is a part of the error, or of the reason.
	want string
}

func refused() []definition {
	volume := func(path string) Object {
		return Object{"volumes": []Object{{"name": "v", "host": Object{"sourcePath": path}}}}
	}
	mounted := func(path string) Object {
		return Object{"mountPoints": []Object{{"sourceVolume": "v", "containerPath": path}}}
	}
	environment := func(name, value string) Object {
		return Object{"environment": []Object{{"name": name, "value": value}}}
	}
	var many []Object
	for i := range 100_000 {
		many = append(many, Object{"name": fmt.Sprint("V", i), "value": "x"})
	}
	return []definition{
		{"path upwards", mounted("/mnt"), volume("/tmp/../etc"), "it must not have the part '..'"},
		{"relative path", mounted("/mnt"), volume("etc"), "it must be an absolute path"},
		{"path with a newline", mounted("/mnt"), volume("/tmp/a\nb"), "it must not have control characters"},
		{"path with NUL", mounted("/mnt"), volume("/tmp/a\x00b"), "it must not have control characters"},
		{"long path", mounted("/mnt"), volume("/" + strings.Repeat("x", 5000)), "it can have at most 4096"},
		{"path in the container upwards", mounted("/a/../../b"), volume("/srv"), "it must not have the part '..'"},
		{"root of the container", mounted("/"), volume("/srv"), "must be a directory below /"},
		{"name with a newline", Object{"name": "a\nb"}, nil, "Container.name contains invalid characters"},
		{"name that is a path", Object{"name": ".."}, nil, "Container.name contains invalid characters"},
		{"image with a newline", Object{"image": "a\nb"}, nil, "must be the name of an image"},
		{"variable with a newline in its name", environment("A\nB", "x"), nil, "must not have '=' or control characters"},
		{"variable with = in its name", environment("A=B", "x"), nil, "must not have '=' or control characters"},
		{"variable with NUL", environment("A", "x\x00y"), nil, "it must not have the character NUL"},
		{"command with NUL", Object{"command": []string{"a\x00b"}}, nil, "it must not have the character NUL"},
		{"100,000 variables", Object{"environment": many}, nil, "bytes"},
		{"more than 64 KiB", environment("A", strings.Repeat("x", 65_536)), nil, "Max allowed length is '65536' bytes."},
		{"search domain with a newline", Object{"dnsSearchDomains": []string{"a\nnameserver 192.0.2.1"}}, Object{"networkMode": "bridge"}, "it must be a DNS name"},
		{"address with a newline", Object{"extraHosts": []Object{{"hostname": "a", "ipAddress": "192.0.2.1\n192.0.2.2 b"}}}, Object{"networkMode": "bridge"}, "it needs a host name and an IP address"},
		{"kernel parameter that is a path", Object{"systemControls": []Object{{"namespace": "net/../kernel/panic", "value": "1"}}}, nil, "it must be the name of a kernel parameter"},
	}
}

func failing(dataDir string) []definition {
	mount := func(name, path string) definition {
		return definition{
			"volume " + name, Object{"mountPoints": []Object{{"sourceVolume": "v", "containerPath": "/mnt"}}},
			Object{"volumes": []Object{{"name": "v", "host": Object{"sourcePath": path}}}}, `volume "v": `,
		}
	}
	return []definition{
		mount("/", "/"), mount("/proc", "/proc/1/root"), mount("/etc", "/etc"), mount("/dev", "/dev"),
		mount("data folder", dataDir), mount("data folder by a link", "/proc/self/root"+dataDir),
		{"no such image", Object{"image": "nobody/has:this"}, nil, "CannotPullContainerError: "},
		{"image that is a path", Object{"image": "../../etc"}, nil, "CannotPullContainerError: "},
		{"no such program", Object{"entryPoint": []string{"/no/such/program"}}, nil, "no such file or directory"},
		{"no such user", Object{"user": "nobody-here"}, nil, "unable to find user"},
		{"privileged", Object{"privileged": true}, nil, "privileged"},
		{"device", Object{"linuxParameters": Object{"devices": []Object{{"hostPath": "/dev/kmsg"}}}}, nil, "devices"},
		{"capability", Object{"linuxParameters": Object{"capabilities": Object{"add": []string{"SYS_ADMIN"}}}}, nil, "SYS_ADMIN"},
		{"processes of the host", nil, Object{"pidMode": "host"}, "pidMode"},
	}
}

type checker struct {
	*testing.T
	n         *Node
	good      string // the ARN of a harmless task
	container string // the id of its container
	address   string
	families  int
}

func (c *checker) call(operation string, in Object) Object {
	c.Helper()
	out, err := c.n.Call(operation, in)
	if err != nil {
		c.Fatal(err)
	}
	return out
}

// register registers a definition and returns its name.
func (c *checker) register(d definition) (family string, err error) {
	c.families++
	family = fmt.Sprint("hostile-", c.families)
	container := Object{"name": "app", "image": c.n.Image, "entryPoint": []string{"/program"}, "command": []string{"sleep"}, "memory": 64, "stopTimeout": 2}
	for member, value := range d.container {
		container[member] = value
	}
	in := Object{"family": family, "networkMode": "awsvpc", "containerDefinitions": []Object{container}}
	for member, value := range d.task {
		in[member] = value
	}
	_, err = c.n.Call("RegisterTaskDefinition", in)
	return family, err
}

// run starts a task and returns its ARN.
func (c *checker) run(d definition) string {
	c.Helper()
	family, err := c.register(d)
	if err != nil {
		c.Fatalf("%s: %v", d.name, err)
	}
	out := c.call("RunTask", Object{
		"taskDefinition": family, "networkConfiguration": Object{"awsvpcConfiguration": Object{"subnets": []string{"subnet-a"}}},
	})
	list, _ := out["tasks"].([]any)
	if len(list) != 1 {
		c.Fatalf("%s: %v", d.name, out)
	}
	return text(list[0], "taskArn")
}

// until waits until a task satisfies a condition and returns it.
func (c *checker) until(what, task string, good func(x any) bool) any {
	c.Helper()
	tick := time.NewTicker(100 * time.Millisecond) // the API has no call that waits
	defer tick.Stop()
	for late := time.After(patience); ; {
		list, _ := c.call("DescribeTasks", Object{"tasks": []string{task}})["tasks"].([]any)
		if len(list) == 1 && good(list[0]) {
			return list[0]
		}
		select {
		case <-tick.C:
		case <-late:
			c.Fatalf("%s: it never happened: %v", what, list)
		}
	}
}

func (c *checker) status(what, task, status string) any {
	c.Helper()
	return c.until(what+": "+status, task, func(x any) bool { return text(x, "lastStatus") == status })
}

// stop stops a task and returns it.
func (c *checker) stop(task string) any {
	c.Helper()
	c.call("StopTask", Object{"task": task})
	return c.status("stop", task, "STOPPED")
}

// witness starts the task that must not be harmed.
func (c *checker) witness() {
	c.Helper()
	c.good = c.run(definition{name: "witness", container: Object{"command": []string{"serve", "80"}}})
	x := c.status("witness", c.good, "RUNNING")
	c.container, c.address = text(first(x), "runtimeId"), text(first(first(x), "networkInterfaces"), "privateIpv4Address")
}

// unharmed fails the test if the harmless task does not run and answer.
func (c *checker) unharmed(after string) {
	c.Helper()
	x := c.status(after, c.good, "RUNNING")
	if id := text(first(x), "runtimeId"); id != c.container {
		c.Errorf("after %s another task has the container %s, before %s", after, id, c.container)
	}
	if err := c.n.Reached(c.address); err != nil {
		c.Errorf("after %s another task does not answer: %v", after, err)
	}
}

func (c *checker) refused(d definition) {
	c.Helper()
	_, err := c.register(d)
	if err == nil || !strings.Contains(err.Error(), d.want) || !strings.Contains(err.Error(), "ClientException") {
		c.Errorf("%s: error %.500v, want %q", d.name, err, d.want)
	}
}

func (c *checker) fails(d definition) {
	c.Helper()
	x := c.status(d.name, c.run(d), "STOPPED")
	reason := text(x, "stoppedReason")
	if text(x, "stopCode") != "TaskFailedToStart" || !strings.Contains(reason, d.want) || !strings.HasPrefix(reason, "Cannot") && !strings.HasPrefix(reason, "ResourceInitializationError: ") {
		c.Errorf("%s: %s %s, want %q", d.name, text(x, "stopCode"), reason, d.want)
	}
}

// forks starts processes until the limit of the node.
func (c *checker) forks() {
	c.Helper()
	x := c.run(definition{name: "forks", container: Object{"command": []string{"fork"}, "memory": 256}})
	c.until("forks", x, func(x any) bool { s := text(x, "lastStatus"); return s == "RUNNING" || s == "STOPPED" })
	c.unharmed("forks")
	c.stop(x)
}

func (c *checker) ignoresSigterm() {
	c.Helper()
	x := c.run(definition{name: "ignores SIGTERM", container: Object{"command": []string{"ignore"}}})
	c.status("ignores SIGTERM", x, "RUNNING")
	if code := fmt.Sprint(first(c.stop(x)).(Object)["exitCode"]); code != "137" {
		c.Errorf("a container that ignores SIGTERM ended with %s", code)
	}
}

// checkHangs has a health check that never ends.
func (c *checker) checkHangs() {
	c.Helper()
	check := Object{"command": []string{"CMD", "/program", "ignore"}, "interval": 5, "timeout": 2, "retries": 1}
	x := c.run(definition{name: "check hangs", container: Object{"healthCheck": check}})
	c.until("check hangs", x, func(x any) bool { return text(x, "healthStatus") == "UNHEALTHY" })
	c.unharmed("a check that hangs")
	c.stop(x)
}

func (c *checker) eatsMemory() {
	c.Helper()
	x := c.status("eats memory", c.run(definition{name: "eats memory", container: Object{"command": []string{"eat"}}}), "STOPPED")
	if reason := text(first(x), "reason"); !strings.HasPrefix(reason, "OutOfMemoryError: ") || text(x, "stoppedReason") != "Essential container in task exited" {
		c.Errorf("eats memory: %s, %s", text(x, "stoppedReason"), reason)
	}
}

// floods prints much.
func (c *checker) floods() {
	c.Helper()
	x := c.run(definition{name: "floods", container: Object{"command": []string{"print", "3000000"}}})
	c.until("floods", x, func(x any) bool { s := text(x, "lastStatus"); return s == "RUNNING" || s == "STOPPED" })
	c.unharmed("much output")
	c.stop(x)
}

// first returns the first element of a list in an object, of its containers by default.
func first(x any, list ...string) any {
	name := "containers"
	if len(list) > 0 {
		name = list[0]
	}
	o, _ := x.(Object)
	all, _ := o[name].([]any)
	if len(all) == 0 {
		return Object{}
	}
	return all[0]
}

func text(x any, member string) string {
	o, _ := x.(Object)
	s, _ := o[member].(string)
	return s
}
