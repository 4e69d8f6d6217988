package ecs

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The input files of the tutorial "Create a service using service discovery" of the ECS
// developer guide.
const (
	fargateTask = `{
    "family": "tutorial-task-def",
    "networkMode": "awsvpc",
    "containerDefinitions": [{
        "name": "sample-app",
        "image": "httpd:2.4",
        "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
        "essential": true,
        "entryPoint": ["sh", "-c"],
        "command": ["/bin/sh -c \"echo '<html><body>It works</body></html>' > /usr/local/apache2/htdocs/index.html && httpd-foreground\""]
    }],
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512"
}`
	serviceDiscovery = `{
    "cluster": "tutorial",
    "serviceName": "ecs-service-discovery",
    "taskDefinition": "tutorial-task-def",
    "serviceRegistries": [{"registryArn": "REGISTRY"}],
    "launchType": "FARGATE",
    "platformVersion": "LATEST",
    "networkConfiguration": {"awsvpcConfiguration": {"assignPublicIp": "ENABLED", "securityGroups": ["sg-abcd1234"], "subnets": ["subnet-abcd1234"]}},
    "desiredCount": 1
}`
)

// TestTutorial is the tutorial of AWS with the AWS CLI, word for word.
func TestTutorial(t *testing.T) {
	n := start(t)
	dir := t.TempDir()
	aws := func(command string, more ...string) object {
		t.Helper()
		return n.aws(dir, append(strings.Fields(command), more...)...)
	}
	targets := func(answer object) any {
		t.Helper()
		op := get(aws("servicediscovery get-operation --operation-id "+text(answer, "OperationId")), "Operation")
		if text(op, "Status") != "SUCCESS" {
			t.Fatalf("%v", op)
		}
		return get(op, "Targets")
	}
	want := func(what string, got any, want string) {
		t.Helper()
		if text(got) != want {
			t.Errorf("%s: got %v, want %s", what, got, want)
		}
	}

	ns := text(targets(aws("servicediscovery create-private-dns-namespace --name tutorial --vpc vpc-abcd1234")), "NAMESPACE")
	registry := aws("servicediscovery create-service --name myapplication --health-check-custom-config FailureThreshold=1",
		"--dns-config", "NamespaceId="+ns+",DnsRecords=[{Type=A,TTL=300}]")
	srv := text(registry, "Service", "Id")
	cluster := aws("ecs create-cluster --cluster-name tutorial")
	want("cluster", get(cluster, "cluster", "status"), "ACTIVE")
	write(t, filepath.Join(dir, "fargate-task.json"), fargateTask)
	definition := aws("ecs register-task-definition --cli-input-json file://fargate-task.json")
	want("revision", get(definition, "taskDefinition", "revision"), "1")
	want("compatibilities", get(definition, "taskDefinition", "compatibilities"), "[EC2 FARGATE]")
	write(t, filepath.Join(dir, "ecs-service-discovery.json"), strings.Replace(serviceDiscovery, "REGISTRY", text(registry, "Service", "Arn"), 1))
	service := aws("ecs create-service --cli-input-json file://ecs-service-discovery.json")
	want("service", get(service, "service", "status"), "ACTIVE")
	want("deployments", get(service, "service", "deployments", 0, "status"), "PRIMARY")
	want("serviceRegistries", get(service, "service", "serviceRegistries"), "[map[registryArn:"+text(registry, "Service", "Arn")+"]]")
	aws("ecs wait services-stable --cluster tutorial --services ecs-service-discovery")

	instances := aws("servicediscovery list-instances --service-id " + srv)
	task, attributes := text(instances, "Instances", 0, "Id"), get(instances, "Instances", 0, "Attributes")
	arn := text(aws("ecs list-tasks --cluster tutorial"), "taskArns", 0)
	if len(get(instances, "Instances").([]any)) != 1 || !strings.HasSuffix(arn, "/"+task) {
		t.Fatalf("task %s, instances %v", arn, instances)
	}
	described := get(aws("ecs describe-tasks --cluster tutorial --tasks "+arn), "tasks", 0)
	address := text(described, "containers", 0, "networkInterfaces", 0, "privateIpv4Address")
	for name, value := range map[string]string{
		"AWS_INSTANCE_IPV4": address, "REGION": "us-east-1", "ECS_SERVICE_NAME": "ecs-service-discovery",
		"ECS_CLUSTER_NAME": "tutorial", "ECS_TASK_DEFINITION_FAMILY": "tutorial-task-def", "AWS_INSTANCE_PORT": "80",
	} {
		want(name, get(attributes, name), value)
	}
	found := aws("servicediscovery discover-instances --namespace-name tutorial --service-name myapplication --query-parameters ECS_CLUSTER_NAME=tutorial")
	want("discovered", get(found, "Instances", 0, "InstanceId"), task)
	want("health", get(found, "Instances", 0, "HealthStatus"), "HEALTHY")
	zone := text(aws("servicediscovery get-namespace --id "+ns), "Namespace", "Properties", "DnsProperties", "HostedZoneId")
	records := aws("route53 list-resource-record-sets --hosted-zone-id " + zone)
	for i, kind := range []string{"NS", "SOA", "A"} {
		want("record", get(records, "ResourceRecordSets", i, "Type"), kind)
	}
	record := get(records, "ResourceRecordSets", 2)
	for name, value := range map[string]string{"Name": "myapplication.tutorial.", "SetIdentifier": task, "MultiValueAnswer": "true", "TTL": "300"} {
		want(name, get(record, name), value)
	}
	want("value", get(record, "ResourceRecords", 0, "Value"), address)
	want("dig", lookup(t, n.dns, "myapplication.tutorial."), address)
	if page := fetch(t, "http://"+address+":80/"); !strings.Contains(page, "It works") {
		t.Errorf("the page is %q", page)
	}

	// Clean up. The task that was deregistered by hand is not registered again.
	left := targets(aws("servicediscovery deregister-instance --service-id " + srv + " --instance-id " + task))
	want("INSTANCE", get(left, "INSTANCE"), task)
	want("task", get(aws("ecs describe-tasks --cluster tutorial --tasks "+arn), "tasks", 0, "lastStatus"), "RUNNING")
	want("instances", get(aws("servicediscovery list-instances --service-id "+srv), "Instances"), "[]")
	aws("servicediscovery delete-service --id " + srv)
	targets(aws("servicediscovery delete-namespace --id " + ns))
	want("desiredCount", get(aws("ecs update-service --cluster tutorial --service ecs-service-discovery --desired-count 0"), "service", "desiredCount"), "0")
	aws("ecs wait tasks-stopped --cluster tutorial --tasks " + arn)
	described = get(aws("ecs describe-tasks --cluster tutorial --tasks "+arn), "tasks", 0)
	want("stopCode", get(described, "stopCode"), "ServiceSchedulerInitiated")
	want("service", get(aws("ecs delete-service --cluster tutorial --service ecs-service-discovery"), "service", "status"), "DRAINING")
	aws("ecs wait services-inactive --cluster tutorial --services ecs-service-discovery")
	want("cluster", get(aws("ecs delete-cluster --cluster tutorial"), "cluster", "status"), "INACTIVE")
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lookup returns the address that a name has.
func lookup(t *testing.T, server, name string) string {
	t.Helper()
	query := new(dns.Msg)
	query.SetQuestion(name, dns.TypeA)
	answer, err := dns.Exchange(query, server)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range answer.Answer {
		if a, ok := record.(*dns.A); ok {
			return a.A.String()
		}
	}
	return answer.String()
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
