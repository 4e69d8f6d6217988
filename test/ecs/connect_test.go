package ecs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// callerProgram sends requests to URL, as gRPC does if GRPC is set, and answers on port 9000
// what came of them.
const callerProgram = `package main

import (
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"
)

type result struct {
	Requests, Failures int
	First              string         // failure
	Tasks              map[string]int // that have answered
}

func main() {
	var mu sync.Mutex
	all := result{Tasks: map[string]int{}}
	transport := &http.Transport{}
	if os.Getenv("GRPC") != "" {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	client := &http.Client{Timeout: 20 * time.Second, Transport: transport}
	for range 4 {
		go func() {
			for {
				task, why := "", ""
				req, err := http.NewRequest(http.MethodGet, os.Getenv("URL"), nil)
				if err != nil {
					panic(err)
				}
				if transport.Protocols != nil {
					req.Header.Set("Content-Type", "application/grpc")
				}
				resp, err := client.Do(req)
				if err != nil {
					why = err.Error()
				} else {
					if status := resp.Header.Get("Grpc-Status"); status != "" {
						why = "status of gRPC " + status + ": " + resp.Header.Get("Grpc-Message")
					}
					if task = resp.Header.Get("Task"); resp.StatusCode != http.StatusOK {
						why = resp.Status
					}
					resp.Body.Close()
				}
				mu.Lock()
				all.Requests++
				all.Tasks[task]++
				if why != "" {
					all.Failures++
					if all.First == "" {
						all.First = why
					}
				}
				mu.Unlock()
				time.Sleep(10 * time.Millisecond)
			}
		}()
	}
	panic(http.ListenAndServe(":9000", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		json.NewEncoder(w).Encode(all)
		if r.URL.Path == "/reset" {
			all = result{Tasks: map[string]int{}}
		}
	})))
}
`

// connected is a service "orders" and a service "web" that calls it by Service Connect.
type connected struct {
	*machine
}

// newConnected starts a node with Envoy.
func newConnected(t *testing.T) *connected {
	t.Helper()
	c := &connected{startWith(t, options{envoy: testtool.Envoy(t)})}
	c.must("CreateCluster", object{"clusterName": "default", "serviceConnectDefaults": object{"namespace": "shop"}})
	return c
}

func (c *connected) must(operation string, in object) object {
	c.Helper()
	return c.call("ecs", operation, in)
}

// define registers a task definition.
func (c *connected) define(family, command, protocol string, port int, env ...object) {
	c.Helper()
	mapping := object{"containerPort": port, "name": "http"}
	if protocol != "" {
		mapping["appProtocol"] = protocol
	}
	c.must("RegisterTaskDefinition", object{"family": family, "networkMode": "awsvpc", "containerDefinitions": []object{{
		"name": "app", "image": "httpd:2.4", "memory": 32, "command": []string{command}, "stopTimeout": 2,
		"portMappings": []object{mapping}, "environment": env,
	}}})
}

// create creates a service; connect are members of its serviceConnectConfiguration.
func (c *connected) create(name string, count int, connect object) {
	c.Helper()
	connect["enabled"] = true
	c.must("CreateService", object{
		"serviceName": name, "taskDefinition": name, "desiredCount": count, "serviceConnectConfiguration": connect,
		"networkConfiguration": object{"awsvpcConfiguration": object{"subnets": []string{"subnet-1"}}},
	})
	c.settled(name)
}

// orders are the members of the server; alias is the port of its client alias.
func orders(alias int) object {
	return object{"services": []object{{"portName": "http", "discoveryName": "orders", "clientAliases": []object{{"port": alias, "dnsName": "orders"}}}}}
}

// settled waits until a service has the tasks that it wants, and no others.
func (c *connected) settled(name string) {
	c.Helper()
	if !c.happens(func() bool {
		service := get(c.must("DescribeServices", object{"services": []string{name}}), "services", 0)
		all, _ := get(service, "deployments").([]any)
		return len(all) == 1 && text(service, "runningCount") == text(service, "desiredCount") && text(service, "pendingCount") == "0" &&
			text(all[0], "rolloutState") == "COMPLETED" && len(c.tasks(name, "STOPPED")) == 0
	}) {
		c.Fatalf("service %s does not settle: %v", name, c.must("DescribeServices", object{"services": []string{name}}))
	}
}

// tasks returns the tasks of a service that are to have a status, but those that have
// stopped.
func (c *connected) tasks(name, status string) []any {
	c.Helper()
	arns, _ := c.must("ListTasks", object{"serviceName": name, "desiredStatus": status})["taskArns"].([]any)
	if len(arns) == 0 {
		return nil
	}
	all, _ := c.must("DescribeTasks", object{"tasks": arns})["tasks"].([]any)
	var left []any
	for _, task := range all {
		if text(task, "lastStatus") != "STOPPED" {
			left = append(left, task)
		}
	}
	return left
}

// address returns the address of a task.
func address(task any) string {
	return text(task, "containers", 0, "networkInterfaces", 0, "privateIpv4Address")
}

// result is what the calling task says.
type result struct {
	Requests, Failures int
	First              string
	Tasks              map[string]int
}

// ask returns the requests that the calling task has sent since they were last asked for.
func (c *connected) ask() result {
	c.Helper()
	var r result
	for _, task := range c.tasks("web", "RUNNING") {
		resp, err := http.Get("http://" + address(task) + ":9000/reset")
		if err != nil {
			c.Fatal(err)
		}
		err = json.NewDecoder(resp.Body).Decode(&r)
		resp.Body.Close()
		if err != nil {
			c.Fatal(err)
		}
	}
	return r
}

// noFailure fails the test if a request has failed since the last call.
func (c *connected) noFailure(what string) result {
	c.Helper()
	r := c.ask()
	c.Logf("%s: %d requests, %d failed, by %v", what, r.Requests, r.Failures, r.Tasks)
	if r.Failures > 0 {
		c.Errorf("%s: %d of %d requests failed, the first: %s", what, r.Failures, r.Requests, r.First)
	}
	return r
}

// answered waits until n tasks of a version have answered.
func (c *connected) answered(n int, version string) {
	c.Helper()
	seen := map[string]bool{}
	if !c.happens(func() bool {
		for task := range c.noFailure("requests").Tasks {
			if strings.HasSuffix(task, " "+version) {
				seen[task] = true
			}
		}
		return len(seen) >= n
	}) {
		c.Fatalf("%d tasks have answered: %v", len(seen), seen)
	}
}

// end removes the services with their tasks, which would live longer than the node.
func (c *connected) end() {
	for _, name := range []string{"web", "orders"} {
		if _, err := c.try("ecs", "DeleteService", object{"service": name, "force": true}); err != nil {
			continue
		}
		if !c.happens(func() bool {
			return text(c.must("DescribeServices", object{"services": []string{name}}), "services", 0, "status") == "INACTIVE"
		}) {
			c.Errorf("service %s is not deleted", name)
		}
	}
}

// envoyOf returns the process of the proxy of a task.
func envoyOf(t *testing.T, address string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range files {
		command, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !strings.HasPrefix(string(command), "/run/envoy\x00") {
			continue
		}
		addresses, err := os.ReadFile(filepath.Join(dir, "net", "fib_trie"))
		if pid, _ := strconv.Atoi(filepath.Base(dir)); err == nil && strings.Contains(string(addresses), " "+address+"\n") {
			return pid
		}
	}
	t.Fatalf("no Envoy has the address %s", address)
	return 0
}

// TestServiceConnect: a task calls another service by its client alias, through the proxies
// of both; nothing fails while tasks are replaced, the node is killed, and a proxy dies.
func TestServiceConnect(t *testing.T) {
	c := newConnected(t)
	defer c.end()
	c.define("orders", "httpd-foreground", "http", 80, object{"name": "VERSION", "value": "1"})
	c.create("orders", 2, orders(8080))
	c.define("web", "caller", "", 9000, object{"name": "URL", "value": "http://orders:8080/"})
	c.create("web", 1, object{})

	c.answered(2, "1")
	for _, task := range append(c.tasks("orders", "RUNNING"), c.tasks("web", "RUNNING")...) {
		if name := text(task, "containers", 1, "name"); !strings.HasPrefix(name, "ecs-service-connect-") || text(task, "containers", 1, "healthStatus") != "HEALTHY" {
			t.Errorf("the second container: %v", get(task, "containers", 1))
		}
	}
	c.redirected()

	c.define("orders", "httpd-foreground", "http", 80, object{"name": "VERSION", "value": "2"})
	c.must("UpdateService", object{"service": "orders", "taskDefinition": "orders"})
	c.settled("orders")
	c.noFailure("a deployment")
	c.answered(2, "2")

	c.kill()
	c.boot()
	c.noFailure("kill -9 of the node")
	c.must("UpdateService", object{"service": "orders", "desiredCount": 3})
	c.settled("orders")
	c.answered(3, "2")

	victim := c.tasks("orders", "RUNNING")[0]
	if err := syscall.Kill(envoyOf(t, address(victim)), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if !c.happens(func() bool { return text(c.task(victim), "lastStatus") == "STOPPED" }) {
		t.Error("a task goes on without its proxy")
	}
	if reason := text(c.task(victim), "stoppedReason"); reason != "Essential container in task exited" {
		t.Errorf("the task stopped: %s", reason)
	}
	c.settled("orders")
	if r := c.ask(); r.Failures > 20 {
		t.Errorf("a proxy was killed: %d of %d requests failed, the first: %s", r.Failures, r.Requests, r.First)
	}
	c.answered(3, "2")
}

// task returns a task as it is now.
func (c *connected) task(task any) any {
	c.Helper()
	return get(c.must("DescribeTasks", object{"tasks": []any{get(task, "taskArn")}}), "tasks", 0)
}

// redirected checks that what is sent to the port of a task goes through its proxy.
func (c *connected) redirected() {
	c.Helper()
	for _, task := range c.tasks("orders", "RUNNING") {
		resp, err := http.Get("http://" + address(task) + "/")
		if err != nil {
			c.Fatal(err)
		}
		resp.Body.Close()
		if server := resp.Header.Get("Server"); resp.StatusCode != http.StatusOK || server != "envoy" {
			c.Errorf("%s: the answer is from %q: %v", address(task), server, fmt.Sprint(resp.Header))
		}
	}
}

// TestServiceConnectTCP: a port without appProtocol is connected as TCP.
func TestServiceConnectTCP(t *testing.T) {
	c := newConnected(t)
	defer c.end()
	c.define("web", "caller", "", 9000, object{"name": "URL", "value": "http://orders:80/"})
	c.define("orders", "httpd-foreground", "", 80, object{"name": "VERSION", "value": "1"})
	c.create("orders", 1, orders(80))
	c.create("web", 1, object{})
	c.answered(1, "1")
	for _, task := range c.tasks("orders", "RUNNING") {
		resp, err := http.Get("http://" + address(task) + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Server") == "envoy" {
			t.Errorf("the proxy has changed an answer of TCP: %v", resp.Header)
		}
	}
}

// TestServiceConnectIngressPort: with ingressPortOverride, requests of other tasks go through
// the proxy at that port, which logs them; what is sent to the port of the container does not.
// The calls are those of gRPC, which is HTTP/2 all the way.
func TestServiceConnectIngressPort(t *testing.T) {
	c := newConnected(t)
	defer c.end()
	c.define("orders", "httpd-foreground", "grpc", 80, object{"name": "VERSION", "value": "1"})
	service := orders(8080)
	service["services"].([]object)[0]["ingressPortOverride"] = 19000
	service["accessLogConfiguration"] = object{"format": "JSON"}
	c.create("orders", 1, service)
	c.define("web", "caller", "", 9000, object{"name": "URL", "value": "http://orders:8080/"}, object{"name": "GRPC", "value": "1"})
	c.create("web", 1, object{})
	c.answered(1, "1")
	task := c.tasks("orders", "RUNNING")[0]
	for port, want := range map[string]string{"19000": "envoy", "80": ""} {
		resp, err := http.Get("http://" + address(task) + ":" + port + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Server"); resp.StatusCode != http.StatusOK || got != want {
			t.Errorf("port %s: %s from server %q, want %q", port, resp.Status, got, want)
		}
	}
	if !c.happens(func() bool { // Envoy writes its log every ten seconds
		return strings.Contains(fetch(t, "http://"+c.admin+"/tasks/logs?task="+taskID(task)), `"authority":"orders:8080"`)
	}) {
		t.Error("the proxy has logged no request of the other task")
	}
	c.noFailure("requests to the port")
}

// TestServiceConnectWithoutEnvoy: on a node without Envoy a service with Service Connect runs
// without a proxy; clients find its tasks by DNS.
func TestServiceConnectWithoutEnvoy(t *testing.T) {
	c := &connected{start(t)}
	defer c.end()
	c.must("CreateCluster", object{"clusterName": "default", "serviceConnectDefaults": object{"namespace": "shop"}})
	c.define("orders", "httpd-foreground", "http", 80)
	c.create("orders", 1, orders(8080))
	task := c.tasks("orders", "RUNNING")[0]
	if containers, _ := get(task, "containers").([]any); len(containers) != 1 {
		t.Errorf("containers %v", containers)
	}
	query := new(dns.Msg)
	query.SetQuestion("orders.", dns.TypeA)
	answer, _, err := (&dns.Client{Net: "tcp"}).Exchange(query, c.dns)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Answer) != 1 || !strings.HasSuffix(answer.Answer[0].String(), address(task)) {
		t.Errorf("the DNS answers %v, want %s", answer.Answer, address(task))
	}
}
