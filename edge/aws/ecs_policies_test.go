package aws_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/cairn-discovery/cairn/core/identity"
)

const ecsPrefix = "AmazonEC2ContainerServiceV20141113."

// allow is a statement of a policy, with the text of its condition or "".
func allow(action, resource, condition string) string {
	return statement("Allow", action, resource, condition)
}

func deny(action, resource, condition string) string {
	return statement("Deny", action, resource, condition)
}

func statement(effect, action, resource, condition string) string {
	s := `{"Effect":"` + effect + `","Action":"` + action + `","Resource":"` + strings.ReplaceAll(resource, "ECS:", "arn:aws:ecs:eu-west-1:111111111111:") + `"`
	if condition != "" {
		s += `,"Condition":` + strings.ReplaceAll(condition, "ECS:", "arn:aws:ecs:eu-west-1:111111111111:")
	}
	return s + "}"
}

// ecsCaller is a user "ops" with a policy, who calls ECS.
type ecsCaller struct {
	*guarded
}

// with gives the user another policy.
func (e *ecsCaller) with(statements ...string) {
	e.Helper()
	s := people()
	text := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	s.Users = append(s.Users, identity.User{Account: owner, Name: "ops", PolicyAttachments: identity.PolicyAttachments{Inline: []identity.Inline{{Name: "inline", Text: text}}}})
	s.Keys = append(s.Keys, identity.AccessKey{ID: "KEYops", Account: owner, User: "ops", Secret: "ops-secret"})
	s.Roles = append(s.Roles, identity.Role{Account: owner, Name: "web", Trust: trustOwner, Tags: map[string]string{"team": "red"}})
	d, problems := identity.Compile(testCatalog, nil, s)
	if len(problems) > 0 {
		e.Fatalf("%s: %v", text, problems[0])
	}
	e.directory.Store(d)
}

// ask calls an operation and returns the text of the denial, or "" if it is allowed.
func (e *ecsCaller) ask(user, operation, body string) string {
	e.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+e.addr+"/", strings.NewReader(body))
	if err != nil {
		e.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", ecsPrefix+operation)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
	creds := sdk.Credentials{AccessKeyID: "KEY" + user, SecretAccessKey: user + "-secret"}
	if err := v4.NewSigner().SignHTTP(e.Context(), creds, r, sum, "ecs", "eu-west-1", time.Now()); err != nil {
		e.Fatal(err)
	}
	_, answer := e.do(r)
	if strings.Contains(answer, "AccessDeniedException") {
		return answer
	}
	if strings.Contains(answer, "Exception\"") && strings.Contains(answer, "validation error") || strings.Contains(answer, "Serialization") {
		e.Fatalf("%s %s: %s", operation, body, answer)
	}
	return ""
}

// TestECSPolicies: each operation is authorized on its resources, with its condition
// keys. A row has a policy under which the first body is allowed and the second is
// not.
func TestECSPolicies(t *testing.T) {
	e := &ecsCaller{guarded: startGuarded(t)}
	for _, tt := range []struct {
		name      string
		policy    []string
		operation string
		yes, no   string
	}{
		{"cluster by ARN", []string{allow("ecs:DescribeClusters", "ECS:cluster/a", "")}, "DescribeClusters", `{"clusters":["a"]}`, `{"clusters":["a","b"]}`},
		{"cluster left out", []string{allow("ecs:DescribeClusters", "ECS:cluster/default", "")}, "DescribeClusters", `{}`, `{"clusters":["b"]}`},
		{"cluster of another account", []string{allow("ecs:DeleteCluster", "ECS:cluster/*", "")}, "DeleteCluster", `{"cluster":"a"}`, `{"cluster":"arn:aws:ecs:eu-west-1:222222222222:cluster/a"}`},
		{"service by ARN", []string{allow("ecs:DeleteService", "ECS:service/a/*", "")}, "DeleteService", `{"cluster":"a","service":"s"}`, `{"cluster":"b","service":"s"}`},
		{"service by its short ARN", []string{allow("ecs:DeleteService", "ECS:service/a/s", "")}, "DeleteService",
			`{"cluster":"a","service":"arn:aws:ecs:eu-west-1:111111111111:service/s"}`, `{"cluster":"b","service":"arn:aws:ecs:eu-west-1:111111111111:service/s"}`},
		{"ecs:cluster", []string{allow("ecs:DescribeServices", "*", `{"ArnEquals":{"ecs:cluster":"ECS:cluster/a"}}`)}, "DescribeServices", `{"cluster":"a","services":["s"]}`, `{"cluster":"b","services":["s"]}`},
		{"ecs:cluster of an ARN", []string{allow("ecs:StopTask", "*", `{"ArnEquals":{"ecs:cluster":"ECS:cluster/a"}}`)}, "StopTask",
			`{"cluster":"a","task":"arn:aws:ecs:eu-west-1:111111111111:task/a/1"}`, `{"cluster":"a","task":"arn:aws:ecs:eu-west-1:111111111111:task/b/1"}`},
		{"tasks", []string{allow("ecs:DescribeTasks", "ECS:task/a/1", "")}, "DescribeTasks", `{"cluster":"a","tasks":["1"]}`, `{"cluster":"a","tasks":["1","2"]}`},
		{"protection", []string{allow("ecs:UpdateTaskProtection", "ECS:task/a/*", "")}, "UpdateTaskProtection", `{"cluster":"a","tasks":["1"],"protectionEnabled":true}`, `{"cluster":"b","tasks":["1"],"protectionEnabled":true}`},
		{"container instances", []string{allow("ecs:UpdateContainerInstancesState", "ECS:container-instance/a/*", "")}, "UpdateContainerInstancesState",
			`{"cluster":"a","containerInstances":["1"],"status":"DRAINING"}`, `{"cluster":"b","containerInstances":["1"],"status":"DRAINING"}`},
		{"attributes", []string{allow("ecs:PutAttributes", "ECS:container-instance/a/1", "")}, "PutAttributes",
			`{"cluster":"a","attributes":[{"name":"x","targetId":"1"}]}`, `{"cluster":"a","attributes":[{"name":"x","targetId":"2"}]}`},
		{"tasks of an instance", []string{allow("ecs:ListTasks", "ECS:container-instance/a/1", "")}, "ListTasks", `{"cluster":"a","containerInstance":"1"}`, `{"cluster":"a"}`},
		{"tasks of a cluster", []string{allow("ecs:ListTasks", "*", `{"ArnEquals":{"ecs:cluster":"ECS:cluster/a"}}`)}, "ListTasks", `{"cluster":"a"}`, `{"cluster":"b"}`},
		{"services of a cluster", []string{allow("ecs:ListServices", "*", `{"ArnEquals":{"ecs:cluster":"ECS:cluster/a"}}`)}, "ListServices", `{"cluster":"a"}`, `{}`},
		{"task definition", []string{allow("ecs:RunTask", "ECS:task-definition/web:3", "")}, "RunTask", `{"taskDefinition":"web:3"}`, `{"taskDefinition":"web:4"}`},
		{"family that does not exist", []string{allow("ecs:RunTask", "ECS:task-definition/web:*", "")}, "RunTask", `{"taskDefinition":"web"}`, `{"taskDefinition":"db"}`},
		{"RunTask in a cluster", []string{allow("ecs:RunTask", "*", `{"ArnEquals":{"ecs:cluster":"ECS:cluster/a"}}`)}, "RunTask", `{"cluster":"a","taskDefinition":"web:3"}`, `{"taskDefinition":"web:3"}`},
		{"StartTask on an instance", []string{allow("ecs:StartTask", "*", `{"ForAllValues:ArnEquals":{"ecs:container-instances":"ECS:container-instance/a/1"}}`)}, "StartTask",
			`{"cluster":"a","taskDefinition":"web:3","containerInstances":["1"]}`, `{"cluster":"a","taskDefinition":"web:3","containerInstances":["1","2"]}`},
		{"ecs:task-definition", []string{allow("ecs:CreateService", "*", `{"ArnEquals":{"ecs:task-definition":"ECS:task-definition/web:3"}}`)}, "CreateService",
			`{"serviceName":"s","taskDefinition":"web:3"}`, `{"serviceName":"s","taskDefinition":"web:4"}`},
		{"UpdateService to a definition", []string{allow("ecs:UpdateService", "*", `{"ArnEquals":{"ecs:task-definition":"ECS:task-definition/web:3"}}`)}, "UpdateService",
			`{"service":"s","taskDefinition":"web:3"}`, `{"service":"s","taskDefinition":"db:3"}`},
		{"subnets", []string{allow("ecs:CreateService", "*", `{"ForAllValues:StringEquals":{"ecs:subnet":["subnet-1","subnet-2"]}}`)}, "CreateService",
			`{"serviceName":"s","networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"]}}}`, `{"serviceName":"s","networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1","subnet-3"]}}}`},
		{"no public address", []string{allow("ecs:UpdateService", "*", `{"Bool":{"ecs:auto-assign-public-ip":"false"}}`)}, "UpdateService",
			`{"service":"s","networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"],"assignPublicIp":"DISABLED"}}}`,
			`{"service":"s","networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"],"assignPublicIp":"ENABLED"}}}`},
		{"namespace", []string{allow("ecs:CreateService", "*", `{"ArnLike":{"ecs:namespace":"arn:aws:servicediscovery:*:*:namespace/ns-1"}}`)}, "CreateService",
			`{"serviceName":"s","serviceConnectConfiguration":{"enabled":true,"namespace":"arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1"}}`,
			`{"serviceName":"s","serviceConnectConfiguration":{"enabled":true,"namespace":"other"}}`},
		{"Service Connect", []string{allow("ecs:*", "*", ""), deny("ecs:CreateService", "*", `{"StringEquals":{"ecs:enable-service-connect":"true"}}`)}, "CreateService",
			`{"serviceName":"s","serviceConnectConfiguration":{"enabled":false}}`, `{"serviceName":"s","serviceConnectConfiguration":{"enabled":true}}`},
		{"services by namespace", []string{allow("ecs:ListServicesByNamespace", "*", `{"ArnLike":{"ecs:namespace":"arn:aws:servicediscovery:*:*:namespace/ns-1"}}`)}, "ListServicesByNamespace",
			`{"namespace":"arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1"}`, `{"namespace":"ns-1x"}`},
		{"a deployment and its service", []string{allow("ecs:DescribeServiceDeployments", "ECS:service-deployment/a/s/*", ""), allow("ecs:DescribeServiceDeployments", "ECS:service/a/s", "")},
			"DescribeServiceDeployments", `{"serviceDeploymentArns":["arn:aws:ecs:eu-west-1:111111111111:service-deployment/a/s/1"]}`,
			`{"serviceDeploymentArns":["arn:aws:ecs:eu-west-1:111111111111:service-deployment/a/t/1"]}`},
		{"ecs:service", []string{allow("ecs:StopServiceDeployment", "*", `{"ArnEquals":{"ecs:service":"ECS:service/a/s"}}`)}, "StopServiceDeployment",
			`{"serviceDeploymentArn":"arn:aws:ecs:eu-west-1:111111111111:service-deployment/a/s/1"}`, `{"serviceDeploymentArn":"arn:aws:ecs:eu-west-1:111111111111:service-deployment/b/s/1"}`},
		{"sizes", []string{allow("ecs:RegisterTaskDefinition", "*", `{"NumericLessThanEquals":{"ecs:task-cpu":"512","ecs:task-memory":"2048"}}`)}, "RegisterTaskDefinition",
			`{"family":"web","containerDefinitions":[],"cpu":".5 vCPU","memory":"2GB"}`, `{"family":"web","containerDefinitions":[],"cpu":"1 vCPU","memory":"2048"}`},
		{"no privileged containers", []string{allow("ecs:RegisterTaskDefinition", "*", `{"StringEquals":{"ecs:privileged":"false"}}`)}, "RegisterTaskDefinition",
			`{"family":"web","containerDefinitions":[{"name":"a"}]}`, `{"family":"web","containerDefinitions":[{"name":"a","privileged":true}]}`},
		{"Fargate only", []string{allow("ecs:RegisterTaskDefinition", "*", `{"ForAllValues:StringEquals":{"ecs:compute-compatibility":"FARGATE"}}`)}, "RegisterTaskDefinition",
			`{"family":"web","containerDefinitions":[],"requiresCompatibilities":["FARGATE"]}`, `{"family":"web","containerDefinitions":[],"requiresCompatibilities":["FARGATE","EC2"]}`},
		{"account settings", []string{allow("ecs:PutAccountSetting", "*", `{"StringEquals":{"ecs:account-setting":"containerInsights"}}`)}, "PutAccountSetting",
			`{"name":"containerInsights","value":"enabled"}`, `{"name":"fargateFIPSMode","value":"enabled"}`},
		{"tags need TagResource", []string{allow("ecs:CreateCluster", "*", "")}, "CreateCluster", `{"clusterName":"a"}`, `{"clusterName":"a","tags":[{"key":"k","value":"v"}]}`},
		{"ecs:CreateAction", []string{allow("ecs:*", "*", ""), deny("ecs:TagResource", "*", `{"StringNotEquals":{"ecs:CreateAction":["CreateCluster"]}}`)}, "CreateCluster",
			`{"clusterName":"a","tags":[{"key":"k","value":"v"}]}`, ""},
		{"ecs:CreateAction of another operation", []string{allow("ecs:*", "*", ""), deny("ecs:TagResource", "*", `{"StringNotEquals":{"ecs:CreateAction":["CreateCluster"]}}`)}, "CreateService",
			`{"serviceName":"s"}`, `{"serviceName":"s","tags":[{"key":"k","value":"v"}]}`},
		{"no ecs:CreateAction without creation", []string{allow("ecs:*", "*", ""), deny("ecs:TagResource", "*", `{"Null":{"ecs:CreateAction":"true"}}`)}, "TagResource",
			"", `{"resourceArn":"arn:aws:ecs:eu-west-1:111111111111:cluster/a","tags":[{"key":"k","value":"v"}]}`},
		{"tags of the request", []string{allow("ecs:RunTask", "*", `{"StringEquals":{"aws:RequestTag/team":"red"}}`), allow("ecs:TagResource", "ECS:task/default/*", "")}, "RunTask",
			`{"taskDefinition":"web:3","tags":[{"key":"team","value":"red"}]}`, `{"taskDefinition":"web:3","tags":[{"key":"team","value":"blue"}]}`},
		{"keys of tags", []string{allow("ecs:UntagResource", "*", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}`)}, "UntagResource",
			`{"resourceArn":"arn:aws:ecs:eu-west-1:111111111111:cluster/a","tagKeys":["a"]}`, `{"resourceArn":"arn:aws:ecs:eu-west-1:111111111111:cluster/a","tagKeys":["a","b"]}`},
		{"roles need PassRole", []string{allow("ecs:*", "*", "")}, "RegisterTaskDefinition",
			`{"family":"web","containerDefinitions":[]}`, `{"family":"web","containerDefinitions":[],"taskRoleArn":"web"}`},
		{"PassRole to tasks", []string{allow("ecs:*", "*", ""), allow("iam:PassRole", "arn:aws:iam::111111111111:role/web", `{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}`)}, "RegisterTaskDefinition",
			`{"family":"web","containerDefinitions":[],"taskRoleArn":"web","executionRoleArn":"arn:aws:iam::111111111111:role/web"}`,
			`{"family":"web","containerDefinitions":[],"taskRoleArn":"web","executionRoleArn":"admin"}`},
		{"PassRole to another service", []string{allow("ecs:*", "*", ""), allow("iam:PassRole", "*", `{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`)}, "RegisterTaskDefinition",
			"", `{"family":"web","containerDefinitions":[],"taskRoleArn":"web"}`},
		{"PassRole by tags of the role", []string{allow("ecs:*", "*", ""), allow("iam:PassRole", "*", `{"StringEquals":{"iam:ResourceTag/team":"red"}}`)}, "RegisterTaskDefinition",
			`{"family":"web","containerDefinitions":[],"taskRoleArn":"web"}`, `{"family":"web","containerDefinitions":[],"taskRoleArn":"deployer"}`},
		{"PassRole of overrides", []string{allow("ecs:*", "*", ""), allow("iam:PassRole", "arn:aws:iam::*:role/web", "")}, "RunTask",
			`{"taskDefinition":"web:3","overrides":{"taskRoleArn":"web"}}`, `{"taskDefinition":"web:3","overrides":{"executionRoleArn":"deployer"}}`},
		{"PassRole of overrides of StartTask", []string{allow("ecs:*", "*", ""), allow("iam:PassRole", "arn:aws:iam::*:role/web", "")}, "StartTask",
			`{"taskDefinition":"web:3","containerInstances":["1"],"overrides":{"taskRoleArn":"web"}}`, `{"taskDefinition":"web:3","containerInstances":["1"],"overrides":{"taskRoleArn":"deployer"}}`},
		{"PassRole has no tags of the request", []string{allow("ecs:*", "*", ""), allow("iam:PassRole", "*", `{"Null":{"aws:RequestTag/k":"true","ecs:cluster":"true"}}`)}, "RunTask",
			`{"taskDefinition":"web:3","tags":[{"key":"k","value":"v"}],"overrides":{"taskRoleArn":"web"}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e.with(tt.policy...)
			if tt.yes != "" {
				if denied := e.ask("ops", tt.operation, tt.yes); denied != "" {
					t.Errorf("%s: %s", tt.yes, denied)
				}
			}
			if tt.no != "" && e.ask("ops", tt.operation, tt.no) == "" {
				t.Errorf("%s is allowed", tt.no)
			}
		})
	}
}

// TestPassRoleText: the text of a denial names the role and the action.
func TestPassRoleText(t *testing.T) {
	e := &ecsCaller{guarded: startGuarded(t)}
	e.with(allow("ecs:*", "*", ""))
	got := e.ask("ops", "RegisterTaskDefinition", `{"family":"web","containerDefinitions":[],"taskRoleArn":"web"}`)
	want := "User: arn:aws:iam::111111111111:user/ops is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111111111111:role/web " +
		"because no identity-based policy allows the iam:PassRole action"
	if !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestECSRefusedOperations: what AWS has and cairn has not is named, and policies may
// name it.
func TestECSRefusedOperations(t *testing.T) {
	s := start(t)
	for operation, part := range map[string]string{
		"ExecuteCommand": "SSM", "CreateTaskSet": "CODE_DEPLOY", "CreateCapacityProvider": "Auto Scaling", "CreateExpressGatewayService": "load balancers",
	} {
		req := s.request(operation, strings.NewReader("{}"))
		req.Header.Set("X-Amz-Target", ecsPrefix+operation)
		a := s.send(req)
		if a.status != 400 || a.text("__type") != "UnsupportedFeatureException" || !strings.Contains(a.text("message"), part) {
			t.Errorf("%s: %d %s", operation, a.status, a.body)
		}
		if _, ok := testCatalog.Action("ecs:" + operation); !ok {
			t.Errorf("policies cannot name ecs:%s", operation)
		}
	}
}
