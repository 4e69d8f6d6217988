package ecs

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
)

// newServiceWorld has Cloud Map services too: with A, SRV and no records.
func newServiceWorld(t *testing.T) *fixture {
	t.Helper()
	w := newRunWorld(t)
	w.put("td/111111111111/job/0000000004", `{"status":"ACTIVE","compatibilities":["EC2"],"containerDefinitions":[{"name":"app","image":"host","essential":true,"memory":128,"portMappings":[{"containerPort":80,"protocol":"tcp"}]}]}`)
	w.cloudMap(&registry.CreateNamespace{Name: "tutorial", Type: registry.DNSPrivate, VPC: "vpc-1"})
	return w
}

const fargate = `"cluster":"web","taskDefinition":"web","launchType":"FARGATE","desiredCount":1,` + subnets

// TestCreateService: the defaults that clients compare with what they asked for.
func TestCreateService(t *testing.T) {
	w := newServiceWorld(t)
	a := w.registry("a", "A")
	body := `{"serviceName":"s",` + fargate + `,"serviceRegistries":[{"registryArn":"` + a + `"}],"tags":[{"key":"k","value":"v"}]}`
	w.has("CreateService", body,
		`"status":"ACTIVE"`, `"desiredCount":1`, `"runningCount":0`, `"pendingCount":0`, `"schedulingStrategy":"REPLICA"`, `"deploymentController":{"type":"ECS"}`,
		`"maximumPercent":200`, `"minimumHealthyPercent":100`, `"deploymentCircuitBreaker":{"enable":false,"rollback":false}`, `"propagateTags":"NONE"`,
		`"enableECSManagedTags":false`, `"enableExecuteCommand":false`, `"availabilityZoneRebalancing":"ENABLED"`, `"launchType":"FARGATE"`, `"platformVersion":"LATEST"`,
		`"platformFamily":"Linux"`, `"serviceRegistries":[{"registryArn":"`+a+`"}]`, `"status":"PRIMARY"`, `"rolloutState":"IN_PROGRESS"`, `"loadBalancers":[]`,
		`"placementConstraints":[]`, `"placementStrategy":[]`, `"tags":[{"key":"k","value":"v"}]`, `"taskDefinition":"`+prefix+`task-definition/web:1"`)
	first := w.answer("DescribeServices", `{"cluster":"web","services":["s"]}`)["services"].([]any)[0].(map[string]any)["createdAt"]
	w.now += 5000
	w.must("CreateService", body)
	if again := w.answer("DescribeServices", `{"cluster":"web","services":["s"]}`)["services"].([]any)[0].(map[string]any)["createdAt"]; again != first {
		t.Errorf("created at %v, then at %v", first, again)
	}
	w.fails("CreateService", strings.Replace(body, `"desiredCount":1`, `"desiredCount":2`, 1), "InvalidParameterException", "Creation of service was not idempotent.")
}

func TestCreateServiceErrors(t *testing.T) {
	w := newServiceWorld(t)
	a, srv := w.registry("a", "A"), w.registry("srv", "SRV")
	const job = `"cluster":"web","taskDefinition":"job","desiredCount":1`
	registries := func(list string) string { return `,"serviceRegistries":[` + list + `]` }
	for _, tt := range []struct{ body, code, text string }{
		// What is not there is named.
		{fargate + `,"loadBalancers":[{"targetGroupArn":"x"}]`, "InvalidParameterException", "load balancers are not supported"},
		{fargate + `,"deploymentController":{"type":"CODE_DEPLOY"}`, "UnsupportedFeatureException", "CODE_DEPLOY"},
		{fargate + `,"deploymentController":{"type":"EXTERNAL"}`, "UnsupportedFeatureException", "EXTERNAL"},
		{fargate + `,"deploymentConfiguration":{"strategy":"BLUE_GREEN"}`, "InvalidParameterException", "BLUE_GREEN"},
		{fargate + `,"deploymentConfiguration":{"alarms":{"alarmNames":["a"],"enable":true,"rollback":true}}`, "InvalidParameterException", "CloudWatch"},
		{fargate + `,"enableExecuteCommand":true`, "InvalidParameterException", "SSM"},
		{fargate + `,"vpcLatticeConfigurations":[{"roleArn":"r","targetGroupArn":"t","portName":"p"}]`, "InvalidParameterException", "Lattice"},
		{fargate + `,"volumeConfigurations":[{"name":"v"}]`, "InvalidParameterException", "EBS"},
		// Texts of AWS.
		{fargate + `,"capacityProviderStrategy":[{"capacityProvider":"FARGATE"}]`, "InvalidParameterException", "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."},
		{job + `,"launchType":"EC2","platformVersion":"LATEST"`, "InvalidParameterException", "The platform version must be null when specifying an EC2 launch type."},
		{fargate + `,"deploymentConfiguration":{"minimumHealthyPercent":101}`, "InvalidParameterException", "minimumHealthyPercent must be at most 100"},
		{fargate + `,"deploymentConfiguration":{"minimumHealthyPercent":100,"maximumPercent":100}`, "InvalidParameterException", "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."},
		{job + `,"schedulingStrategy":"DAEMON"`, "InvalidParameterException", "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again"},
		{fargate + `,"placementConstraints":[{"type":"distinctInstance"}]`, "InvalidParameterException", "Placement constraints are not supported with FARGATE launch type."},
		// Registries.
		{fargate + registries(`{"registryArn":"`+a+`"},{"registryArn":"`+srv+`"}`), "", ""},
		{fargate + registries(`{"registryArn":"`+a+`","containerName":"app","containerPort":80}`), "InvalidParameterException", "The values specified for serviceRegistries do not require a value for 'containerPort'. Remove the value and retry. Registry: " + a},
		{job + registries(`{"registryArn":"`+srv+`"}`), "InvalidParameterException", "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be specified from the task definition. Registry: " + srv},
		{fargate + registries(`{"registryArn":"`+srv+`","port":80,"containerName":"app","containerPort":80}`), "InvalidParameterException", "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both. Remove one and retry."},
		{fargate + registries(`{"registryArn":"`+strings.Replace(a, "srv-", "srv-x", 1)+`"}`), "ClientException", `The service registry could not be validated. Route 53 error: "ServiceNotFound."`},
		{job + registries(`{"registryArn":"`+a+`"}`), "InvalidParameterException", a},
		// Service Connect.
		{fargate + `,"serviceConnectConfiguration":{"enabled":true,"services":[{"portName":"x"}],"namespace":"tutorial"}`, "", "portName(x) does not refer to any named PortMapping in the container definitions"},
		{fargate + `,"serviceConnectConfiguration":{"enabled":true}`, "", "Namespace is missing"},
		// Others.
		{strings.Replace(fargate, `"taskDefinition":"web"`, `"taskDefinition":"web:9"`, 1), "ClientException", "Unable to describe task definition."},
		{strings.Replace(fargate, `"cluster":"web"`, `"cluster":"nope"`, 1), "ClusterNotFoundException", "Cluster not found."},
		{fargate + `,"clientToken":"` + strings.Repeat("x", 37) + `"`, "InvalidParameterException", "clientToken has 37 characters"},
	} {
		answer, e := w.do("CreateService", `{"serviceName":"s",`+tt.body+`}`)
		if e == nil && tt.code == "" && tt.text == "" {
			w.must("DeleteService", `{"cluster":"web","service":"s","force":true}`)
			w.put("ts/111111111111/web/s", `{"status":"INACTIVE","deployments":[{"number":"1"}]}`)
			continue // several registries are accepted outside of strict mode
		}
		if e == nil || tt.code != "" && e.Code != tt.code || !strings.Contains(e.Message, tt.text) {
			t.Errorf("%s: got %.200s %v, want %s: %s", tt.body, answer, e, tt.code, tt.text)
		}
	}
}

func TestUpdateService(t *testing.T) {
	w := newServiceWorld(t)
	a := w.registry("a", "A")
	w.must("CreateService", `{"serviceName":"s",`+fargate+`}`)
	deployments := func(body string) int {
		w.must("UpdateService", `{"cluster":"web","service":"s",`+body+`}`)
		return len(w.answer("DescribeServices", `{"cluster":"web","services":["s"]}`)["services"].([]any)[0].(map[string]any)["deployments"].([]any))
	}
	n := deployments(`"desiredCount":3`)
	for _, body := range []string{
		`"healthCheckGracePeriodSeconds":5`, `"propagateTags":"SERVICE"`, `"enableECSManagedTags":true`, `"availabilityZoneRebalancing":"DISABLED"`,
		`"deploymentConfiguration":{"maximumPercent":150}`, `"taskDefinition":"web:1"`, `"serviceRegistries":[]`, subnets,
	} {
		if got := deployments(body); got != n {
			t.Errorf("%s made %d deployments of %d", body, got, n)
		}
	}
	id := func() any {
		return w.answer("DescribeServices", `{"cluster":"web","services":["s"]}`)["services"].([]any)[0].(map[string]any)["deployments"].([]any)[0].(map[string]any)["id"]
	}
	for _, body := range []string{`"forceNewDeployment":true`, `"serviceRegistries":[{"registryArn":"` + a + `"}]`, `"networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-2"]}}`} {
		before := id()
		deployments(body)
		if id() == before {
			t.Errorf("%s is no new deployment", body)
		}
	}
	w.has("UpdateService", `{"cluster":"web","service":"`+prefix+`service/web/s","desiredCount":0}`, `"desiredCount":0`, `"registryArn":"`+a+`"`)
	w.has("ListServiceDeployments", `{"cluster":"web","service":"s"}`, `"targetServiceRevisionArn":"`+prefix+`service-revision/web/s/`+strings.TrimPrefix(id().(string), "ecs-svc/")+`"`)
	w.fails("UpdateService", `{"cluster":"web","service":"nope"}`, "ServiceNotFoundException", "Service not found.")
	w.fails("UpdateService", `{"cluster":"web","service":"s","loadBalancers":[{"targetGroupArn":"x"}]}`, "InvalidParameterException", "load balancers")
}

// TestUpdateServiceWithoutRegistry: a service whose Cloud Map service is gone can be
// scaled, but not deployed.
func TestUpdateServiceWithoutRegistry(t *testing.T) {
	w := newServiceWorld(t)
	a := w.registry("a", "A")
	w.must("CreateService", `{"serviceName":"s",`+fargate+`,"serviceRegistries":[{"registryArn":"`+a+`"}]}`)
	w.cloudMap(&registry.DeleteService{Ref: a})
	w.has("UpdateService", `{"cluster":"web","service":"s","desiredCount":0}`, `"desiredCount":0`)
	w.fails("UpdateService", `{"cluster":"web","service":"s","forceNewDeployment":true}`, "ClientException", "ServiceNotFound")
}

func TestDeleteService(t *testing.T) {
	w := newServiceWorld(t)
	w.must("CreateService", `{"serviceName":"s",`+fargate+`}`)
	w.fails("DeleteService", `{"cluster":"web","service":"s"}`, "InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
	w.has("DeleteService", `{"cluster":"web","service":"s","force":true}`, `"status":"DRAINING"`, `"desiredCount":0`)
	w.has("DeleteService", `{"cluster":"web","service":"s"}`, `"status":"DRAINING"`)
	w.fails("CreateService", `{"serviceName":"s",`+fargate+`}`, "InvalidParameterException", "Unable to Start a service that is still Draining.")
	w.fails("UpdateService", `{"cluster":"web","service":"s","desiredCount":1}`, "ServiceNotActiveException", "Service was not ACTIVE.")
	w.fails("DeleteService", `{"cluster":"web","service":"nope"}`, "ServiceNotFoundException", "Service not found.")
	w.fails("DeleteService", `{"cluster":"web","service":"`+prefix+`service/other/s"}`, "ServiceNotFoundException", "Service not found.")
}

func TestStopServiceDeployment(t *testing.T) {
	w := newServiceWorld(t)
	w.must("CreateService", `{"serviceName":"s",`+fargate+`}`)
	w.now += 1000
	w.must("UpdateService", `{"cluster":"web","service":"s","forceNewDeployment":true}`)
	arn := w.answer("ListServiceDeployments", `{"cluster":"web","service":"s"}`)["serviceDeployments"].([]any)[0].(map[string]any)["serviceDeploymentArn"].(string)
	w.fails("StopServiceDeployment", `{"serviceDeploymentArn":"`+arn+`x"}`, "ServiceDeploymentNotFoundException", "")
	w.fails("StopServiceDeployment", `{"serviceDeploymentArn":"`+strings.Replace(arn, account, stranger, 1)+`"}`, "ServiceDeploymentNotFoundException", "")
	w.fails("StopServiceDeployment", `{"serviceDeploymentArn":"s"}`, "InvalidParameterException", "not the ARN of a service-deployment")
	w.has("StopServiceDeployment", `{"serviceDeploymentArn":"`+arn+`","stopType":"ABORT"}`, `"serviceDeploymentArn":"`+arn+`"`)
	w.has("DescribeServiceDeployments", `{"serviceDeploymentArns":["`+arn+`"]}`, `"status":"STOP`)
}
