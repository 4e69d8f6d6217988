package ecs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
)

// register is the input of RegisterTaskDefinition for one container with more members.
func register(family, member, top string) string {
	return fmt.Sprintf(`{"family": %q, "containerDefinitions": [{"name": "app", "image": "img", "memory": 100%s}]%s}`, family, member, top)
}

func TestTaskDefinitions(t *testing.T) {
	w := newFixture(t)
	w.has("RegisterTaskDefinition", register("web", `, "portMappings": [{"containerPort": 80}]`, `, "tags": [{"key": "team", "value": "a"}]`),
		`"taskDefinitionArn":"`+prefix+`task-definition/web:1"`, `"revision":1`, `"status":"ACTIVE"`, `"compatibilities":["EXTERNAL","EC2"]`,
		`"cpu":0`, `"essential":true`, `"environment":[]`, `"mountPoints":[]`, `"volumesFrom":[]`, `"systemControls":[]`, `"volumes":[]`, `"placementConstraints":[]`,
		`"protocol":"tcp"`, `"registeredAt":`, `"registeredBy":"arn:aws:iam::111111111111:root"`, `"tags":[{"key":"team","value":"a"}]`)
	if text := w.must("DescribeTaskDefinition", `{"taskDefinition": "web"}`); strings.Contains(text, `"requiresCompatibilities"`) || strings.Contains(text, `"tags"`) || strings.Contains(text, `"stopTimeout"`) {
		t.Errorf("members that were not asked for: %s", text)
	}
	w.has("DescribeTaskDefinition", `{"taskDefinition": "web:1", "include": ["TAGS"]}`, `"tags":[{"key":"team","value":"a"}]`)
	w.has("RegisterTaskDefinition", register("web", "", ""), `"revision":2`)
	w.has("DescribeTaskDefinition", `{"taskDefinition": "web"}`, `"revision":2`)
	w.fails("RegisterTaskDefinition", register("a b", "", ""), codeClientException, "Family contains invalid characters.")
	w.fails("DescribeTaskDefinition", `{"taskDefinition": "web:x"}`, codeClientException, "Invalid revision number. Number: x")
	w.fails("DescribeTaskDefinition", `{"taskDefinition": "web:9"}`, codeClientException, "Unable to describe task definition.")
	w.fails("DeregisterTaskDefinition", `{"taskDefinition": "web"}`, codeInvalidParameterException, "it must have a revision")

	w.has("DeregisterTaskDefinition", `{"taskDefinition": "web:2"}`, `"status":"INACTIVE"`, `"deregisteredAt":`)
	w.has("DeregisterTaskDefinition", `{"taskDefinition": "web:2"}`, `"status":"INACTIVE"`)
	w.has("DescribeTaskDefinition", `{"taskDefinition": "web"}`, `"revision":1`)
	w.has("DescribeTaskDefinition", `{"taskDefinition": "web:2"}`, `"status":"INACTIVE"`)
	w.has("DeleteTaskDefinitions", `{"taskDefinitions": ["web:1", "web:2", "web:3"]}`, `"status":"DELETE_IN_PROGRESS"`,
		`{"arn":"`+prefix+`task-definition/web:1","reason":"The specified task definition is still in ACTIVE status. Please deregister the target and try again."}`,
		`{"arn":"`+prefix+`task-definition/web:3","reason":"The specified task definition does not exist. Specify a valid account, family, revision and try again."}`)
	w.fails("DescribeTaskDefinition", `{"taskDefinition": "web:2"}`, codeClientException, "Unable to describe task definition.")
	w.has("RegisterTaskDefinition", register("web", "", ""), `"revision":3`)
}

// TestDeleteUsedTaskDefinition: a definition stays until its last task is gone.
func TestDeleteUsedTaskDefinition(t *testing.T) {
	w := newFixture(t)
	w.must("RegisterTaskDefinition", register("web", "", ""))
	w.must("CreateCluster", `{}`)
	w.put("tt/111111111111/default/0123", `{"lastStatus": "RUNNING", "family": "web", "revision": 1}`)
	w.must("DeregisterTaskDefinition", `{"taskDefinition": "web:1"}`)
	w.has("DeleteTaskDefinitions", `{"taskDefinitions": ["web:1"]}`, `"status":"DELETE_IN_PROGRESS"`)
	w.has("DescribeTaskDefinition", `{"taskDefinition": "web:1"}`, `"status":"DELETE_IN_PROGRESS"`, `"deleteRequestedAt"`)
	w.has("ListTaskDefinitions", `{"status": "DELETE_IN_PROGRESS"}`, `web:1`)
}

func TestListTaskDefinitions(t *testing.T) {
	w := newFixture(t)
	for _, family := range []string{"b", "a", "a", "a-x"} {
		w.must("RegisterTaskDefinition", register(family, "", ""))
	}
	list := func(body string) string {
		t.Helper()
		return strings.ReplaceAll(w.must("ListTaskDefinitions", body), prefix+"task-definition/", "")
	}
	for body, want := range map[string]string{
		`{}`:                                 `{"taskDefinitionArns":["a-x:1","a:1","a:2","b:1"]}`,
		`{"sort": "DESC"}`:                   `{"taskDefinitionArns":["b:1","a:2","a:1","a-x:1"]}`,
		`{"familyPrefix": "a"}`:              `{"taskDefinitionArns":["a:1","a:2"]}`,
		`{"status": "INACTIVE"}`:             `{"taskDefinitionArns":[]}`,
		`{"familyPrefix": "none"}`:           `{"taskDefinitionArns":[]}`,
		`{"maxResults": 100, "sort": "ASC"}`: `{"taskDefinitionArns":["a-x:1","a:1","a:2","b:1"]}`,
	} {
		if got := list(body); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	for _, sort := range []string{"ASC", "DESC"} {
		var all []string
		token := ""
		for range 5 {
			body := `{"maxResults": 1, "sort": "` + sort + `"` + token + `}`
			answer := w.answer("ListTaskDefinitions", body)
			for _, arn := range answer["taskDefinitionArns"].([]any) {
				all = append(all, strings.TrimPrefix(arn.(string), prefix+"task-definition/"))
			}
			if answer["nextToken"] == nil {
				break
			}
			token = fmt.Sprintf(`, "nextToken": %q`, answer["nextToken"])
		}
		want := "a-x:1 a:1 a:2 b:1"
		if sort == "DESC" {
			want = "b:1 a:2 a:1 a-x:1"
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("pages in order %s: %s, want %s", sort, got, want)
		}
	}
	w.must("DeregisterTaskDefinition", `{"taskDefinition": "b:1"}`)
	for body, want := range map[string]string{
		`{}`:                     `{"families":["a","a-x"]}`,
		`{"status": "INACTIVE"}`: `{"families":["b"]}`,
		`{"status": "ALL"}`:      `{"families":["a","a-x","b"]}`,
		`{"familyPrefix": "a-"}`: `{"families":["a-x"]}`,
	} {
		if got := w.must("ListTaskDefinitionFamilies", body); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// TestDiscoveryRegistry: the block comes in either letter case, as an object or a list,
// on a container or at the top level, and is echoed where it came as a member.
func TestDiscoveryRegistry(t *testing.T) {
	w := newFixture(t)
	if _, err := w.Propose(t.Context(), account, &registry.CreateNamespace{Type: registry.HTTP, Name: "shop"}); err != nil {
		t.Fatal(err)
	}
	var id string
	for _, ns := range w.state.Registry.VisibleNamespaces(&w.rules.Registry, account, "") {
		id = string(ns.ID)
	}
	const ports = `, "portMappings": [{"containerPort": 80}]`
	block := `{"NamespaceId": "` + id + `", "ServiceName": "web", "ContainerPort": 80}`
	echo := `"serviceDiscoveryRegistry":{"containerPort":80,"namespaceId":"` + id + `","serviceName":"web"}`
	for i, c := range []struct{ member, top string }{
		{ports + `, "ServiceDiscoveryRegistry": ` + block, ""},
		{ports + `, "serviceDiscoveryRegistry": [` + block + `]`, ""},
		{ports, `, "ServiceDiscoveryRegistry": ` + block},
		{ports, `, "serviceDiscoveryRegistry": [` + block + `]`},
	} {
		w.has("RegisterTaskDefinition", register("web", c.member, c.top), echo)
		w.has("DescribeTaskDefinition", fmt.Sprintf(`{"taskDefinition": "web:%d"}`, i+1), echo)
	}
	two := `[` + block + `, {"namespaceId": "` + id + `", "serviceName": "admin"}]`
	w.has("RegisterTaskDefinition", register("web", ports+`, "serviceDiscoveryRegistry": `+two, ""), `"serviceDiscoveryRegistry":[{`, `"serviceName":"admin"}]`)
	labels := `, "dockerLabels": {"cairn.discovery.namespace-id": "` + id + `", "cairn.discovery.service-name": "web"}`
	if text := w.must("RegisterTaskDefinition", register("web", ports+labels, "")); strings.Contains(text, "serviceDiscoveryRegistry") {
		t.Errorf("a block in labels is echoed as a member: %s", text)
	}
	for member, want := range map[string]string{
		`, "serviceDiscoveryRegistry": {"namespaceId": "ns-none", "serviceName": "web"}`:    `ServiceDiscoveryRegistry has the NamespaceId "ns-none": there is no such namespace`,
		`, "serviceDiscoveryRegistry": {"serviceName": "web"}`:                              "ServiceDiscoveryRegistry of container 'app' has no NamespaceId",
		`, "serviceDiscoveryRegistry": {"namespaceId": "` + id + `"}`:                       "ServiceDiscoveryRegistry of container 'app' has no ServiceName",
		`, "serviceDiscoveryRegistry": {"namespaceId": "` + id + `", "serviceName": "x y"}`: `ServiceDiscoveryRegistry has a ServiceName that cannot be created: Service name "x y" is not allowed`,
	} {
		w.fails("RegisterTaskDefinition", register("web", member, ""), codeClientException, want)
	}
	if _, e := w.do("RegisterTaskDefinition", register("web", `, "serviceDiscoveryRegistry": 7`, "")); e == nil || e.Code != "SerializationException" {
		t.Errorf("a block that is a number: %v", e)
	}
	w.rules.Task.Strict = true
	w.fails("RegisterTaskDefinition", register("web", ports+labels, ""), codeClientException, `there is no such service in namespace `+id)
}

// TestHostileDefinition: 10⁵ variables of the environment are refused with the limit.
func TestHostileDefinition(t *testing.T) {
	w := newFixture(t)
	list := strings.Repeat(`{"name":"N","value":"v"},`, 100_000)
	w.fails("RegisterTaskDefinition", register("web", `, "environment": [`+list[:len(list)-1]+`]`, ""), codeClientException, "Max allowed length is '65536' bytes.")
}
