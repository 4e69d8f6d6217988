package ecs

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var rounds = flag.Int("rounds", 10, "how often TestKilledDuringDeployments kills the node")

// phases are the moments of a deployment at which the node is killed. Each looks at the
// status and the deployment of a task; old means that another one replaces it.
var phases = []struct {
	name string
	seen func(status string, old bool) bool
}{
	{"the deployment begins", func(string, bool) bool { return true }},
	{"a new task is made", func(status string, old bool) bool { return !old }},
	{"a new task starts", func(status string, old bool) bool { return !old && (status == "PENDING" || status == "ACTIVATING") }},
	{"a new task runs", func(status string, old bool) bool { return !old && status == "RUNNING" }},
	{"an old task leaves", func(status string, old bool) bool { return old && status == "DEACTIVATING" }},
	{"an old task stops", func(status string, old bool) bool { return old && (status == "STOPPING" || status == "DEPROVISIONING") }},
	{"an old task has stopped", func(status string, old bool) bool { return old && status == "STOPPED" }},
}

// TestKilledDuringDeployments kills the node (kill -9) in each phase of rolling
// deployments: no task may be lost, doubled, restarted or left unregistered, and no
// instance may be there without its task.
func TestKilledDuringDeployments(t *testing.T) {
	s := newShop(t, start(t, "ecs: {max_drain: 1s}"), nil)
	defer s.end()
	const tasks = 4
	s.must("UpdateService", object{"service": "orders", "desiredCount": tasks})
	s.settled("scaling in")
	c := &crashes{shop: s, desired: tasks, containers: map[string]string{}}
	c.check("before the first round")
	for round := range *rounds {
		phase := phases[round%len(phases)]
		s.must("UpdateService", object{"service": "orders", "forceNewDeployment": true})
		deployment := text(c.service(), "deployments", 0, "id")
		s.until("a phase begins: "+phase.name, func() bool {
			for _, x := range c.tasks() {
				if phase.seen(text(x, "lastStatus"), text(x, "startedBy") != deployment) {
					return true
				}
			}
			return s.steady() // it was too fast for this client
		})
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond) // other moments of the phase
		s.kill()
		s.boot()
		s.until("a deployment ends", func() bool {
			c.strangers()
			return s.steady()
		})
		c.check(fmt.Sprintf("round %d, killed when %s", round+1, phase.name))
		if t.Failed() {
			return
		}
	}
}

// crashes compares the tasks of a service with Cloud Map, DNS and the machine.
type crashes struct {
	*shop
	desired    int
	containers map[string]string // by task: the id of its container
}

func (c *crashes) service() any {
	c.Helper()
	return get(c.must("DescribeServices", object{"services": []string{"orders"}}), "services", 0)
}

// tasks returns the tasks of the service, with those that have stopped.
func (c *crashes) tasks() []any {
	c.Helper()
	return append(c.described("RUNNING"), c.described("STOPPED")...)
}

// registered returns the instances in Cloud Map by id, each with its address.
func (c *crashes) registered() map[string]string {
	c.Helper()
	found, _ := c.call("servicediscovery", "DiscoverInstances", object{"NamespaceName": "shop.internal", "ServiceName": "orders", "HealthStatus": "ALL"})["Instances"].([]any)
	all := map[string]string{}
	for _, i := range found {
		all[text(i, "InstanceId")] = text(i, "Attributes", "AWS_INSTANCE_IPV4")
	}
	return all
}

// strangers looks for instances of tasks that have stopped, and counts those that serve.
func (c *crashes) strangers() {
	c.Helper()
	before := c.registered()
	if len(before) < c.desired {
		c.Errorf("%d instances during a deployment, want %d at least", len(before), c.desired)
	}
	live := map[string]bool{}
	for _, x := range c.tasks() {
		live[taskID(x)] = text(x, "lastStatus") != "STOPPED"
	}
	after := c.registered() // a task may have left while the tasks were listed
	for id := range before {
		if _, still := after[id]; still && !live[id] {
			c.Errorf("instance %s has no task", id)
		}
	}
}

// check compares everything when nothing changes.
func (c *crashes) check(when string) {
	c.Helper()
	instances, running := c.registered(), 0
	for _, x := range c.tasks() {
		id, container := taskID(x), text(x, "containers", 0, "runtimeId")
		if text(x, "lastStatus") != "RUNNING" {
			continue
		}
		running++
		if old, known := c.containers[id]; known && old != container {
			c.Errorf("%s: container %s of task %s was replaced by %s", when, old, id, container)
		}
		c.containers[id] = container
		address := text(x, "containers", 0, "networkInterfaces", 0, "privateIpv4Address")
		if instances[id] != address {
			c.Errorf("%s: task %s with address %s is registered with %q", when, id, address, instances[id])
		}
		fetch(c.T, "http://"+address+"/")
	}
	if running != c.desired || len(instances) != c.desired {
		c.Errorf("%s: %d tasks and %d instances, want %d", when, running, len(instances), c.desired)
	}
	c.until("there is one process for each task", func() bool { return c.processes() == c.desired })
}

// processes counts the web servers on the machine.
func (c *crashes) processes() int {
	c.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		c.Fatal(err)
	}
	n := 0
	for _, file := range files {
		if command, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(command), "httpd-foreground") {
			n++
		}
	}
	return n
}

func taskID(x any) string {
	arn := text(x, "taskArn")
	return arn[strings.LastIndexByte(arn, '/')+1:]
}
