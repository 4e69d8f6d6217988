package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// cli is the AWS CLI, pointed at a node by its proxy settings alone: that works
// with every version. Every call takes a second or more.
type cli struct {
	*testing.T
	api     api // of the same node
	program string
	dir     string
	env     []string
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	c := &cli{T: t, program: testtool.Need(t, "aws", "awscli"), dir: t.TempDir()}
	n := nodetest.Start(t)
	c.api = api{url: n.URL, client: http.DefaultClient}
	c.env = append(awsEnv(c.dir), throughProxy(n.URL)...)
	return c
}

// call runs an aws servicediscovery command and returns its answer.
func (c *cli) call(args ...string) object {
	c.Helper()
	args = append([]string{"--endpoint-url", awsEndpoint, "--output", "json", "servicediscovery"}, args...)
	out := run(c.T, c.dir, c.env, c.program, args...)
	var answer object
	if len(out) > 0 {
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			c.Fatalf("%v: %s", args, out)
		}
	}
	return answer
}

// targets returns what an operation has worked on.
func (c *cli) targets(answer object) object {
	c.Helper()
	op := c.api.must(c.T, "GetOperation", object{"OperationId": answer["OperationId"]})["Operation"].(object)
	if op["Status"] != "SUCCESS" {
		c.Fatalf("got %v", op)
	}
	return op["Targets"].(object)
}

// TestTutorial is what the ECS tutorial "create a service using service
// discovery" does with Cloud Map, in its words. ECS's part is played by two
// commands more.
func TestTutorial(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	ns := text(c.targets(c.call("create-private-dns-namespace", "--name", "tutorial", "--vpc", "vpc-abcd1234")), "NAMESPACE")
	svc := text(c.call("create-service", "--name", "myapplication", "--dns-config", "NamespaceId="+ns+",DnsRecords=[{Type=A,TTL=300}]",
		"--health-check-custom-config", "FailureThreshold=1"), "Service", "Id")

	const task = "16becc26-8558-4af1-9fbd-f81be062a266"
	c.call("register-instance", "--service-id", svc, "--instance-id", task, "--attributes",
		"AWS_INSTANCE_IPV4=172.31.87.2,AWS_INSTANCE_PORT=80,AVAILABILITY_ZONE=us-east-1a,REGION=us-east-1,"+
			"ECS_SERVICE_NAME=ecs-service-discovery,ECS_CLUSTER_NAME=tutorial,ECS_TASK_DEFINITION_FAMILY=tutorial-task-def")
	c.call("update-instance-custom-health-status", "--service-id", svc, "--instance-id", task, "--status", "HEALTHY")

	list := c.call("list-instances", "--service-id", svc)["Instances"].([]any)
	if len(list) != 1 || len(list[0].(object)["Attributes"].(object)) != 7 {
		t.Errorf("list-instances: %v", list)
	}
	found := c.call("discover-instances", "--namespace-name", "tutorial", "--service-name", "myapplication", "--query-parameters", "ECS_CLUSTER_NAME=tutorial")["Instances"].([]any)
	if len(found) != 1 || text(found[0], "InstanceId") != task || text(found[0], "HealthStatus") != "HEALTHY" {
		t.Errorf("discover-instances: %v", found)
	}
	if zone := text(c.api.must(t, "GetNamespace", object{"Id": ns}), "Namespace", "Properties", "DnsProperties", "HostedZoneId"); zone[0] != 'Z' {
		t.Errorf("hosted zone %q", zone)
	}

	op := c.call("deregister-instance", "--service-id", svc, "--instance-id", task)
	if got := c.targets(op); got["INSTANCE"] != task || got["SERVICE"] != svc {
		t.Errorf("deregister-instance: %v", got)
	}
	c.api.must(t, "DeleteService", object{"Id": svc})
	c.call("delete-namespace", "--id", ns)
	if left := c.api.all(t, "ListNamespaces", "Namespaces", object{}); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestCLIPages: the CLI follows tokens by itself.
func TestCLIPages(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	for i := range 3 {
		c.api.must(t, "CreateHttpNamespace", object{"Name": fmt.Sprint("n", i)})
	}
	if got := c.call("list-namespaces", "--page-size", "1", "--filters", "Name=TYPE,Values=HTTP")["Namespaces"].([]any); len(got) != 3 {
		t.Errorf("got %v", got)
	}
}
