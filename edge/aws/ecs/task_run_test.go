package ecs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
)

// newRunWorld has a cluster with a node and task definitions: web in awsvpc mode, job in
// bridge mode.
func newRunWorld(t *testing.T) *fixture {
	t.Helper()
	w := newFixture(t)
	w.put("tc/111111111111/web", `{"status":"ACTIVE"}`)
	if _, err := w.Propose(t.Context(), account, &task.PutNode{Node: task.Node{Name: "n1", Driver: "process", IPv4: "192.0.2.10", Zone: "a", CPU: 4096, Memory: 8192}}); err != nil {
		t.Fatal(err)
	}
	w.put("td/111111111111/web/0000000001", `{"status":"ACTIVE","networkMode":"awsvpc","cpu":"256","memory":"512","requiresCompatibilities":["FARGATE"],"compatibilities":["EC2","FARGATE"],
		"containerDefinitions":[{"name":"app","image":"host","essential":true,"portMappings":[{"containerPort":80,"hostPort":80,"protocol":"tcp"}]}]}`)
	w.put("td/111111111111/web/0000000002", `{"status":"INACTIVE","networkMode":"awsvpc","cpu":"256","memory":"512","containerDefinitions":[{"name":"app","image":"host","essential":true}]}`)
	w.put("td/111111111111/job/0000000003", `{"status":"ACTIVE","compatibilities":["EC2"],"containerDefinitions":[{"name":"app","image":"host","essential":true,"memory":128}]}`)
	w.put("td/111111111111/big/0000000001", `{"status":"ACTIVE","compatibilities":["EC2"],"containerDefinitions":[{"name":"app","image":"host","essential":true,"memory":100000}]}`)
	return w
}

const subnets = `"networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"]}}`

func TestRunTask(t *testing.T) {
	w := newRunWorld(t)
	out := w.answer("RunTask", `{"cluster":"web","taskDefinition":"web","launchType":"FARGATE","count":2,"startedBy":"me",`+subnets+`,"tags":[{"key":"k","value":"v"}],
		"overrides":{"containerOverrides":[{"name":"app","environment":[{"name":"A","value":"b"}]}]}}`)
	tasks := out["tasks"].([]any)
	if len(tasks) != 2 || len(out["failures"].([]any)) != 0 {
		t.Fatalf("%v", out)
	}
	first, err := json.Marshal(tasks[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"lastStatus":"PROVISIONING"`, `"desiredStatus":"RUNNING"`, `"group":"family:web"`, `"startedBy":"me"`, `"launchType":"FARGATE"`, `"platformVersion":"1.4.0"`,
		`"status":"PRECREATED"`, `"tags":[{"key":"k","value":"v"}]`, `"taskDefinitionArn":"` + prefix + `task-definition/web:1"`, `"environment":[{"name":"A","value":"b"}]`,
		`"version":1`, `"lastStatus":"PENDING"`,
	} {
		if !strings.Contains(string(first), part) {
			t.Errorf("%s is not in %s", part, first)
		}
	}
	w.has("RunTask", `{"cluster":"web","taskDefinition":"job"}`, `"lastStatus":"PENDING"`, `"group":"family:job"`, `"launchType":"EC2"`, `"attachments":[]`,
		`"containerInstanceArn":"`+prefix+`container-instance/web/`, `"taskDefinitionArn":"`+prefix+`task-definition/job:3"`)
	w.has("RunTask", `{"cluster":"web","taskDefinition":"big"}`, `"tasks":[]`, `"reason":"RESOURCE:MEMORY"`)
}

func TestRunTaskErrors(t *testing.T) {
	w := newRunWorld(t)
	const job = `{"cluster":"web","taskDefinition":"job",`
	for _, tt := range []struct{ body, code, text string }{
		{`{"cluster":"web","taskDefinition":"web"}`, "InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{job + subnets + `}`, "InvalidParameterException", "Network Configuration is not valid for the given networkMode of this task definition."},
		{`{"cluster":"web","taskDefinition":"web","networkConfiguration":{"awsvpcConfiguration":{"subnets":[]}}}`, "InvalidParameterException", "subnets can not be empty."},
		{`{"cluster":"nope","taskDefinition":"job"}`, "ClusterNotFoundException", "Cluster not found."},
		{`{"cluster":"web","taskDefinition":"nope"}`, "ClientException", "Unable to describe task definition."},
		{`{"cluster":"web","taskDefinition":"web:2",` + subnets + `}`, "", "TaskDefinition is inactive"},
		{job + `"count":11}`, "InvalidParameterException", "11"},
		{job + `"count":0}`, "InvalidParameterException", "0"},
		{job + `"startedBy":"` + strings.Repeat("x", 129) + `"}`, "InvalidParameterException", "startedBy has 129 characters"},
		{job + `"clientToken":"` + strings.Repeat("x", 65) + `"}`, "InvalidParameterException", "clientToken has 65 characters"},
		{job + `"enableExecuteCommand":true}`, "InvalidParameterException", "SSM"},
		{job + `"volumeConfigurations":[{"name":"v"}]}`, "InvalidParameterException", "EBS"},
		{job + `"overrides":{"taskRoleArn":"arn:aws:iam::222222222222:role/x"}}`, "ClientException", "Role is not valid"},
		{job + `"overrides":{"containerOverrides":[{"name":"other"}]}}`, "InvalidParameterException", "other"},
		{job + `"overrides":{"containerOverrides":[{"name":"app","command":["` + strings.Repeat("x", 8192) + `"]}]}}`, "InvalidParameterException", "8192"},
		{job + `"launchType":"FARGATE"}`, "", ""},
	} {
		answer, e := w.do("RunTask", tt.body)
		if e == nil || tt.code != "" && e.Code != tt.code || !strings.Contains(e.Message, tt.text) {
			t.Errorf("%.150s: got %s %v, want %s: %s", tt.body, answer, e, tt.code, tt.text)
		}
	}
}

// TestRunTaskClientToken: the same request is answered with the same tasks, and another
// one is a conflict.
func TestRunTaskClientToken(t *testing.T) {
	w := newRunWorld(t)
	const body = `{"cluster":"web","taskDefinition":"job","clientToken":"t1"`
	first := w.answer("RunTask", body+`}`)["tasks"].([]any)[0].(map[string]any)["taskArn"]
	if again := w.answer("RunTask", body+`}`)["tasks"].([]any)[0].(map[string]any)["taskArn"]; again != first {
		t.Errorf("%v, then %v", first, again)
	}
	w.fails("RunTask", body+`,"count":2}`, "ConflictException", "")
	_, conflict := w.do("RunTask", body+`,"count":2}`)
	if got, want := string(awsjson.AppendError(nil, conflict)), `"resourceIds":["`+first.(string)+`"]}`; !strings.HasSuffix(got, want) {
		t.Errorf("%s has no %s", got, want)
	}
}

// TestStopReason: a long reason is cut between characters.
func TestStopReason(t *testing.T) {
	w := newRunWorld(t)
	arn := w.answer("RunTask", `{"cluster":"web","taskDefinition":"job"}`)["tasks"].([]any)[0].(map[string]any)["taskArn"].(string)
	task := w.answer("StopTask", `{"cluster":"web","task":"`+arn+`","reason":"a`+strings.Repeat("✓", 1100)+`"}`)["task"].(map[string]any)
	if want := "a" + strings.Repeat("✓", 1023); task["stoppedReason"] != want {
		t.Errorf("%q", task["stoppedReason"])
	}
}

func TestStartTask(t *testing.T) {
	w := newRunWorld(t)
	instance := ""
	for i := range w.state.Task.Instances(account, "web", "") {
		instance = i.ID
	}
	w.has("StartTask", `{"cluster":"web","taskDefinition":"job","containerInstances":["`+prefix+`container-instance/web/`+instance+`","nope"]}`,
		`"containerInstanceArn":"`+prefix+`container-instance/web/`+instance+`"`, `"failures":[{"arn":"`+prefix+`container-instance/web/nope","reason":"MISSING"}]`)
	w.fails("StartTask", `{"cluster":"web","taskDefinition":"job","containerInstances":[]}`, "InvalidParameterException", "cannot be empty")
	w.fails("StartTask", `{"cluster":"web","taskDefinition":"job","containerInstances":["x"],"startedBy":"`+strings.Repeat("x", 37)+`"}`, "InvalidParameterException", "at most 36")
	w.fails("StartTask", `{"cluster":"web","taskDefinition":"job","containerInstances":["1","2","3","4","5","6","7","8","9","10","11"]}`, "InvalidParameterException", "containerInstances can have at most 10 items.")
}

func TestStopTask(t *testing.T) {
	w := newRunWorld(t)
	arn := w.answer("RunTask", `{"cluster":"web","taskDefinition":"job"}`)["tasks"].([]any)[0].(map[string]any)["taskArn"].(string)
	w.fails("StopTask", `{"cluster":"other","task":"x"}`, "ClusterNotFoundException", "Cluster not found.")
	w.fails("StopTask", `{"cluster":"web","task":"nope"}`, "InvalidParameterException", "The referenced task was not found.")
	w.fails("StopTask", `{"cluster":"web","task":"`+strings.Replace(arn, account, stranger, 1)+`"}`, "InvalidParameterException", "The referenced task was not found.")
	w.fails("StopTask", `{"cluster":"web","task":"`+strings.Replace(arn, "/web/", "/other/", 1)+`"}`, "InvalidParameterException", "The referenced task was not found.")
	w.has("StopTask", `{"cluster":"web","task":"`+arn+`"}`, `"desiredStatus":"STOPPED"`, `"stopCode":"UserInitiated"`, `"stoppedReason":"Task stopped by user"`)
	w.has("StopTask", `{"cluster":"web","task":"`+arn+`","reason":"again"}`, `"stoppedReason":"Task stopped by user"`)
	w.has("ListTasks", `{"cluster":"web","desiredStatus":"STOPPED"}`, arn)
}

func TestTaskProtection(t *testing.T) {
	w := newListWorld(t)
	w.has("UpdateTaskProtection", `{"cluster":"web","tasks":["a1","a3","nope"],"protectionEnabled":true,"expiresInMinutes":60}`,
		`"protectedTasks":[{"expirationDate":1764334800.000,"protectionEnabled":true,"taskArn":"`+prefix+`task/web/a1"}]`,
		`{"arn":"`+prefix+`task/web/a3","detail":"The task is not part of an ECS service.","reason":"TASK_NOT_VALID"}`, `{"arn":"`+prefix+`task/web/nope","reason":"MISSING"}`)
	w.has("GetTaskProtection", `{"cluster":"web","tasks":["a1","a2"]}`, `"protectionEnabled":true,"taskArn":"`+prefix+`task/web/a1"`, `{"protectionEnabled":false,"taskArn":"`+prefix+`task/web/a2"}`)
	w.now += 60 * 60_000
	w.has("GetTaskProtection", `{"cluster":"web","tasks":["a1"]}`, `{"protectionEnabled":false,"taskArn":"`+prefix+`task/web/a1"}`)
	w.fails("UpdateTaskProtection", `{"cluster":"web","tasks":["a1"],"protectionEnabled":true,"expiresInMinutes":2881}`, "InvalidParameterException", "2881")
	w.fails("UpdateTaskProtection", `{"cluster":"web","tasks":["a1"],"protectionEnabled":true,"expiresInMinutes":0}`, "InvalidParameterException", "0")
	w.fails("UpdateTaskProtection", `{"cluster":"web","tasks":["1","2","3","4","5","6","7","8","9","10","11"],"protectionEnabled":true}`, "InvalidParameterException", "tasks can have at most 10 items.")
	w.fails("GetTaskProtection", `{"cluster":"web"}`, "InvalidParameterException", "Tasks cannot be empty.")
}
