package docker

import (
	"context"
	"io"
	"maps"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

// A service of two tasks registers in Cloud Map; its tasks are replaced when they stop,
// survive kill -9 of the node, and leave nothing behind.
func TestService(t *testing.T) {
	e := enginetest.Need(t)
	e.Load(t, enginetest.Image, nil)
	n := newNode(t, e)
	s := newService(n, e)

	both := s.registered(2)
	for id, address := range both {
		if g := greeting(address + ":8080"); !strings.HasPrefix(g, "hello") {
			t.Errorf("task %s at %s: %q", id, address, g)
		}
	}
	if got, want := s.names(), slices.Sorted(maps.Values(both)); !slices.Equal(got, want) {
		t.Errorf("DNS has %q, want %q", got, want)
	}

	t.Log("StopTask: another task takes its place")
	one := slices.Sorted(maps.Keys(both))[0]
	n.call("ecs:StopTask", object{"cluster": "c", "task": one, "reason": "test"})
	if _, there := s.instances()[one]; there {
		t.Error("the task is registered after the answer to StopTask")
	}
	n.until("another task is registered", func() bool {
		now := s.instances()
		_, there := now[one]
		return len(now) == 2 && !there
	})
	n.until("the task is STOPPED", func() bool {
		d := n.call("ecs:DescribeTasks", object{"cluster": "c", "tasks": []string{one}})
		return text(d, "tasks", 0, "lastStatus") == "STOPPED" && text(d, "tasks", 0, "stoppedReason") == "test"
	})

	t.Log("kill -9 of the node: what runs is adopted, what ended is noticed")
	before := s.registered(2)
	containers := s.containers()
	n.kill()
	ended := slices.Sorted(maps.Keys(before))[0]
	s.docker("kill", containers[ended])
	n.start()
	n.until("the ended task is replaced", func() bool {
		now := s.instances()
		_, there := now[ended]
		return len(now) == 2 && !there
	})
	lives := slices.Sorted(maps.Keys(before))[1]
	if now := s.containers(); now[lives] != containers[lives] {
		t.Errorf("the container of the living task was %s and is %s", containers[lives], now[lives])
	}

	t.Log("restart of the engine: it stops all containers, and the service starts others")
	before = s.registered(2)
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	n.until("two other tasks are registered", func() bool {
		now := s.instances()
		for id := range before {
			if _, there := now[id]; there {
				return false
			}
		}
		return len(now) == 2
	})

	t.Log("delete everything")
	n.call("ecs:UpdateService", object{"cluster": "c", "service": "web", "desiredCount": 0})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("left: containers, networks, volumes: %q", s.left())
		}
	})
	n.until("no task is left", func() bool {
		return len(s.instances()) == 0 && len(at(n.call("ecs:ListTasks", object{"cluster": "c"}), "taskArns").([]any)) == 0 && s.left() == ""
	})
	n.call("ecs:DeleteService", object{"cluster": "c", "service": "web"})
	n.until("the cluster is deleted", func() bool {
		_, err := n.try("ecs:DeleteCluster", object{"cluster": "c"})
		return err == nil
	})
}

// service is an ECS service "web" with a Cloud Map service "web" in a namespace.
type service struct {
	n         *node
	e         *enginetest.Engine
	namespace string
}

func newService(n *node, e *enginetest.Engine) *service { return newServiceIn(n, e, "shop") }

func newServiceIn(n *node, e *enginetest.Engine, name string) *service {
	n.t.Helper()
	op := n.call("cloudmap:CreatePrivateDnsNamespace", object{"Name": name, "Vpc": "vpc-a"})
	var namespace string
	n.until("the namespace exists", func() bool {
		o := n.call("cloudmap:GetOperation", object{"OperationId": text(op, "OperationId")})
		namespace = text(o, "Operation", "Targets", "NAMESPACE")
		return text(o, "Operation", "Status") == "SUCCESS"
	})
	registry := n.call("cloudmap:CreateService", object{
		"Name": "web", "NamespaceId": namespace, "HealthCheckCustomConfig": object{"FailureThreshold": 1},
		"DnsConfig": object{"DnsRecords": []object{{"Type": "A", "TTL": 1}}},
	})
	n.call("ecs:CreateCluster", object{"clusterName": "c"})
	n.call("ecs:RegisterTaskDefinition", object{
		"family": "web", "networkMode": "awsvpc", "cpu": "64", "memory": "64",
		"containerDefinitions": []object{{
			"name": "web", "image": enginetest.Image, "command": []string{"serve", "8080"}, "essential": true,
			"portMappings": []object{{"containerPort": 8080}},
			"healthCheck":  object{"command": []string{"CMD", "/program", "check", "8080"}, "interval": 5, "timeout": 5, "retries": 3},
		}},
	})
	n.call("ecs:CreateService", object{
		"cluster": "c", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2,
		"serviceRegistries":    []object{{"registryArn": text(registry, "Service", "Arn")}},
		"networkConfiguration": object{"awsvpcConfiguration": object{"subnets": []string{"subnet-a"}}},
	})
	return &service{n, e, name}
}

// instances returns the addresses of the healthy instances by task.
func (s *service) instances() map[string]string {
	s.n.t.Helper()
	out := s.n.call("cloudmap:DiscoverInstances", object{"NamespaceName": s.namespace, "ServiceName": "web", "HealthStatus": "HEALTHY"})
	all := map[string]string{}
	list, _ := at(out, "Instances").([]any)
	for _, i := range list {
		all[text(i, "InstanceId")] = text(i, "Attributes", "AWS_INSTANCE_IPV4")
	}
	return all
}

// registered waits until a number of tasks is registered and healthy.
func (s *service) registered(count int) (all map[string]string) {
	s.n.t.Helper()
	s.n.until("tasks are registered and healthy", func() bool {
		all = s.instances()
		return len(all) == count
	})
	return all
}

// names returns the addresses of the service in DNS.
func (s *service) names() []string {
	s.n.t.Helper()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, dnsAddress)
	}}
	got, err := r.LookupHost(s.n.t.Context(), "web."+s.namespace+".")
	if err != nil {
		s.n.t.Fatal(err)
	}
	slices.Sort(got)
	return got
}

// docker runs the engine's own client.
func (s *service) docker(args ...string) string {
	s.n.t.Helper()
	out, err := exec.Command("docker", append([]string{"--host", "unix://" + s.e.Socket()}, args...)...).CombinedOutput()
	if err != nil {
		s.n.t.Fatalf("docker %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// containers returns the containers "web" by task.
func (s *service) containers() map[string]string {
	s.n.t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(s.docker("ps", "--filter", "label=cairn.container=web", "--format", `{{.Label "cairn.task-id"}} {{.ID}}`)) {
		task, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[task] = id
	}
	return all
}

// left returns what the node has left on the engine.
func (s *service) left() string {
	s.n.t.Helper()
	return s.docker("ps", "-aq", "--filter", "label=cairn.node") + s.docker("network", "ls", "-q", "--filter", "label=cairn.node") +
		s.docker("volume", "ls", "-q", "--filter", "label=cairn.node")
}

func greeting(address string) string {
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	b, err := io.ReadAll(io.LimitReader(c, 1000))
	if err != nil {
		return err.Error()
	}
	return string(b)
}
