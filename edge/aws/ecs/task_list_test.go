package ecs

import (
	"fmt"
	"strings"
	"testing"
)

// newListWorld has a cluster with a service and tasks.
func newListWorld(t *testing.T) *fixture {
	t.Helper()
	w := newFixture(t)
	w.put("tc/111111111111/web", `{"status":"ACTIVE"}`)
	w.put("td/111111111111/shop/0000000001", `{"status":"ACTIVE","networkMode":"awsvpc","cpu":"256","memory":"512","containerDefinitions":[
		{"name":"app","image":"shop:1","cpu":10,"memory":128},{"name":"side","image":"side:1","memoryReservation":64}]}`)
	w.put("ts/111111111111/web/shop", `{"status":"ACTIVE","desiredCount":2,"schedulingStrategy":"REPLICA","created":1764331200000,"deployments":[
		{"number":"0254910055998611338","family":"shop","revision":1,"launchType":"FARGATE","platformVersion":"LATEST","rolloutState":"IN_PROGRESS","serviceDeployment":"d2"},
		{"number":"0000000000000000001","family":"shop","revision":1,"rolloutState":"COMPLETED","launchType":"FARGATE"}]}`)
	task := func(id, members string) {
		w.put("tt/111111111111/web/"+id, `{"family":"shop","revision":1,"created":1764331200000,"desiredStatus":"RUNNING",`+members+`}`)
	}
	task("a1", `"service":"shop","deployment":"0254910055998611338","startedBy":"ecs-svc/0254910055998611338","group":"service:shop","launchType":"FARGATE","platformVersion":"LATEST",
		"lastStatus":"RUNNING","health":"HEALTHY","instance":"i1","started":1764331201500,"version":4,
		"network":{"ipv4":"10.0.0.7","ipv6":"fd00::7","mac":"02:00:00:00:00:07","subnet":"subnet-1","attachmentId":"att-1","interfaceId":"eni-1"},
		"overrides":{"containerOverrides":[{"name":"app","cpu":20}]},
		"containers":[{"name":"app","id":"c1","lastStatus":"RUNNING","health":"HEALTHY","runtimeId":"r1"},{"name":"side","id":"c2","lastStatus":"STOPPED","exitCode":0}]`)
	task("a2", `"service":"shop","deployment":"0000000000000000001","lastStatus":"PENDING","launchType":"FARGATE"`)
	task("a3", `"lastStatus":"RUNNING","startedBy":"me","launchType":"EC2","instance":"i2","containers":[{"name":"app","id":"c3","lastStatus":"RUNNING",
		"bindings":[{"bindIP":"0.0.0.0","containerPort":80,"hostPort":32768,"protocol":"tcp"}]}]`)
	w.put("tt/111111111111/web/a4", `{"family":"job","revision":1,"desiredStatus":"STOPPED","lastStatus":"STOPPED","stopCode":"UserInitiated","stoppedReason":"Task stopped by user","instance":"i2"}`)
	return w
}

func TestListTasks(t *testing.T) {
	w := newListWorld(t)
	for _, tt := range []struct{ filters, want string }{
		{`{}`, "a1 a2 a3"},
		{`{"desiredStatus":"STOPPED"}`, "a4"},
		{`{"desiredStatus":"PENDING"}`, ""},
		{`{"family":"shop"}`, "a1 a2 a3"},
		{`{"family":"job","desiredStatus":"STOPPED"}`, "a4"},
		{`{"serviceName":"shop"}`, "a1 a2"},
		{`{"serviceName":"` + prefix + `service/web/shop"}`, "a1 a2"},
		{`{"containerInstance":"i2"}`, "a3"},
		{`{"containerInstance":"` + prefix + `container-instance/web/i1"}`, "a1"},
		{`{"serviceName":"shop","containerInstance":"i1"}`, "a1"},
		{`{"containerInstance":"` + prefix + `container-instance/other/i1"}`, ""},
		{`{"startedBy":"me"}`, "a3"},
		{`{"launchType":"EC2"}`, "a3"},
		{`{"launchType":"EXTERNAL"}`, ""},
		{`{"daemonName":"d"}`, ""},
	} {
		out := w.answer("ListTasks", strings.Replace(`{"cluster":"web",`+tt.filters[1:], ",}", "}", 1))
		var got []string
		for _, text := range out["taskArns"].([]any) {
			got = append(got, strings.TrimPrefix(text.(string), prefix+"task/web/"))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %v, want %s", tt.filters, got, tt.want)
		}
	}
	w.fails("ListTasks", `{"cluster":"web","serviceName":"other"}`, "ServiceNotFoundException", "Service not found.")
	w.fails("ListTasks", `{"cluster":"other"}`, "ClusterNotFoundException", "Cluster not found.")
	w.fails("ListTasks", `{}`, "ClusterNotFoundException", "Cluster not found.")
	w.fails("ListTasks", `{"cluster":"web","maxResults":101}`, "InvalidParameterException", "maxResults is 101")
}

// TestListTasksPages: pages cover everything once, and a token is for its filters.
func TestListTasksPages(t *testing.T) {
	w := newListWorld(t)
	var all []string
	token := ""
	for range 3 {
		out := w.answer("ListTasks", fmt.Sprintf(`{"cluster":"web","maxResults":1,"nextToken":"%s"}`, token))
		for _, text := range out["taskArns"].([]any) {
			all = append(all, strings.TrimPrefix(text.(string), prefix+"task/web/"))
		}
		token, _ = out["nextToken"].(string)
		if len(all) == 1 {
			w.fails("ListTasks", fmt.Sprintf(`{"cluster":"web","family":"x","nextToken":"%s"}`, token), "InvalidParameterException", "NextToken")
		}
	}
	if strings.Join(all, " ") != "a1 a2 a3" || token != "" {
		t.Errorf("%v, then %q", all, token)
	}
}

// TestDescribeTasks: a task in awsvpc mode, one with ports of the node, one that has
// stopped, and one that does not exist.
func TestDescribeTasks(t *testing.T) {
	w := newListWorld(t)
	w.has("DescribeTasks", `{"cluster":"web","tasks":["a1","`+prefix+`task/web/nope","`+prefix+`task/other/a1"]}`,
		`"attachments":[{"details":[{"name":"subnetId","value":"subnet-1"},{"name":"networkInterfaceId","value":"eni-1"},{"name":"macAddress","value":"02:00:00:00:00:07"},`+
			`{"name":"privateDnsName","value":"ip-10-0-0-7.eu-west-1.compute.internal"},{"name":"privateIPv4Address","value":"10.0.0.7"},{"name":"ipv6Address","value":"fd00::7"}],`+
			`"id":"att-1","status":"ATTACHED","type":"ElasticNetworkInterface"}]`,
		`"containerInstanceArn":"`+prefix+`container-instance/web/i1"`, `"cpu":"256"`, `"memory":"512"`, `"lastStatus":"RUNNING"`, `"healthStatus":"HEALTHY"`,
		`"networkInterfaces":[{"attachmentId":"att-1","ipv6Address":"fd00::7","privateIpv4Address":"10.0.0.7"}]`, `"cpu":"20"`, `"image":"shop:1"`, `"memoryReservation":"64"`,
		`"exitCode":0`, `"platformVersion":"1.4.0"`, `"platformFamily":"Linux"`, `"ephemeralStorage":{"sizeInGiB":20}`, `"startedAt":1764331201.5`, `"version":4`,
		`"overrides":{"containerOverrides":[{"cpu":20,"name":"app"},{"name":"side"}],"inferenceAcceleratorOverrides":[]}`,
		`"failures":[{"arn":"`+prefix+`task/web/nope","reason":"MISSING"},{"arn":"`+prefix+`task/other/a1","reason":"MISSING"}]`)
	w.has("DescribeTasks", `{"cluster":"web","tasks":["a3"],"include":["TAGS"]}`, `"networkBindings":[{"bindIP":"0.0.0.0","containerPort":80,"hostPort":32768,"protocol":"tcp"}]`,
		`"attachments":[]`, `"networkInterfaces":[]`, `"healthStatus":"UNKNOWN"`, `"tags":[]`)
	w.has("DescribeTasks", `{"cluster":"web","tasks":["a4"]}`, `"stopCode":"UserInitiated"`, `"stoppedReason":"Task stopped by user"`, `"taskDefinitionArn":"`+prefix+`task-definition/job:1"`)
	w.fails("DescribeTasks", `{"cluster":"web","tasks":[]}`, "InvalidParameterException", "Tasks cannot be empty.")
	w.fails("DescribeTasks", `{"cluster":"web","tasks":["`+prefix+`service/web/shop"]}`, "InvalidParameterException", "Identifier is for service")
	w.fails("DescribeTasks", `{"cluster":"web","tasks":[`+strings.TrimSuffix(strings.Repeat(`"x",`, 101), ",")+`]}`, "InvalidParameterException", "tasks can have at most 100 items.")
}

// TestStranger: another account sees nothing, whatever ARN it names.
func TestStranger(t *testing.T) {
	w := newListWorld(t)
	w.account = stranger
	w.put("tc/222222222222/web", `{"status":"ACTIVE"}`)
	w.has("DescribeTasks", `{"cluster":"web","tasks":["`+prefix+`task/web/a1"]}`, `"tasks":[]`, `"reason":"MISSING"`)
	w.has("DescribeServices", `{"cluster":"web","services":["`+prefix+`service/web/shop"]}`, `"services":[]`, `"reason":"MISSING"`)
	w.has("ListTasks", `{"cluster":"web"}`, `"taskArns":[]`)
	w.fails("ListTasks", `{"cluster":"`+prefix+`cluster/web"}`, "ClusterNotFoundException", "")
	w.has("DescribeServiceRevisions", `{"serviceRevisionArns":["`+prefix+`service-revision/web/shop/1"]}`, `"reason":"MISSING"`)
}

func TestDescribeServices(t *testing.T) {
	w := newListWorld(t)
	w.has("DescribeServices", `{"cluster":"web","services":["shop","nope"]}`,
		`"desiredCount":2`, `"runningCount":1`, `"pendingCount":1`, `"launchType":"FARGATE"`, `"platformVersion":"LATEST"`, `"propagateTags":"NONE"`,
		`"deploymentController":{"type":"ECS"}`, `"loadBalancers":[]`, `"serviceRegistries":[]`, `"placementConstraints":[]`, `"events":[]`,
		`"id":"ecs-svc/0254910055998611338"`, `"status":"PRIMARY"`, `"rolloutState":"IN_PROGRESS"`, `"taskDefinition":"`+prefix+`task-definition/shop:1"`,
		`"currentServiceDeployment":"`+prefix+`service-deployment/web/shop/d2"`, `"arn":"`+prefix+`service-revision/web/shop/0254910055998611338"`,
		`"failures":[{"arn":"`+prefix+`service/web/nope","reason":"MISSING"}]`)
	w.fails("DescribeServices", `{"cluster":"web","services":[]}`, "InvalidParameterException", "Services cannot be empty.")
	w.fails("DescribeServices", `{"cluster":"web","services":["1","2","3","4","5","6","7","8","9","10","11"]}`, "InvalidParameterException", "services can have at most 10 items.")
	w.has("ListServices", `{"cluster":"web"}`, `"serviceArns":["`+prefix+`service/web/shop"]`)
	w.has("ListServices", `{"cluster":"web","launchType":"EC2"}`, `"serviceArns":[]`)
	w.has("ListServices", `{"cluster":"web","schedulingStrategy":"DAEMON"}`, `"serviceArns":[]`)
	w.put("ts/111111111111/web/shop", `{"status":"INACTIVE","deployments":[{"number":"1","family":"shop","revision":1}]}`)
	w.has("ListServices", `{"cluster":"web"}`, `"serviceArns":[]`)
	w.has("DescribeServices", `{"cluster":"web","services":["shop"]}`, `"status":"INACTIVE"`, `"deployments":[]`)
}

func TestServiceDeployments(t *testing.T) {
	w := newListWorld(t)
	for i, status := range []string{"SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "IN_PROGRESS"} {
		w.put(fmt.Sprintf("tp/111111111111/web/shop/d%d", i), fmt.Sprintf(
			`{"status":"%s","target":"0254910055998611338","sources":["0000000000000000001"],"requestedCount":2,"created":%d,"threshold":3}`, status, 1764331200000+1000*i))
	}
	list := func(body string) string {
		var ids []string
		for _, d := range w.answer("ListServiceDeployments", `{"cluster":"web","service":"shop"`+body+`}`)["serviceDeployments"].([]any) {
			ids = append(ids, strings.TrimPrefix(d.(map[string]any)["serviceDeploymentArn"].(string), prefix+"service-deployment/web/shop/"))
		}
		return strings.Join(ids, " ")
	}
	for body, want := range map[string]string{
		"": "d2 d1 d0", `,"status":["SUCCESSFUL"]`: "d0", `,"createdAt":{"after":1764331201}`: "d2 d1", `,"createdAt":{"before":1764331201}`: "d1 d0",
		`,"createdAt":{"after":1764331200.5,"before":1764331201.5}`: "d1",
	} {
		if got := list(body); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
	w.fails("ListServiceDeployments", `{"cluster":"web","service":"nope"}`, "ServiceNotFoundException", "")
	w.has("DescribeServiceDeployments", `{"serviceDeploymentArns":["`+prefix+`service-deployment/web/shop/d2","`+prefix+`service-deployment/web/shop/d9"]}`,
		`"status":"IN_PROGRESS"`, `"deploymentCircuitBreaker":{"failureCount":0,"status":"MONITORING","threshold":3}`, `"alarms":{"alarmNames":[],"status":"DISABLED","triggeredAlarmNames":[]}`,
		`"targetServiceRevision":{"arn":"`+prefix+`service-revision/web/shop/0254910055998611338","pendingTaskCount":0,"requestedTaskCount":2,"runningTaskCount":1}`,
		`"failures":[{"arn":"`+prefix+`service-deployment/web/shop/d9","reason":"MISSING"}]`)
	w.put("tv/111111111111/web/shop/0254910055998611338", `{"family":"shop","revision":1,"created":1764331200000,"launchType":"FARGATE","platformVersion":"LATEST"}`)
	w.has("DescribeServiceRevisions", `{"serviceRevisionArns":["`+prefix+`service-revision/web/shop/0254910055998611338"]}`,
		`"containerImages":[{"containerName":"app","image":"shop:1"},{"containerName":"side","image":"side:1"}]`, `"taskDefinition":"`+prefix+`task-definition/shop:1"`)
	w.fails("DescribeServiceDeployments", `{"serviceDeploymentArns":["x"]}`, "InvalidParameterException", "not the ARN of a service-deployment")
}
