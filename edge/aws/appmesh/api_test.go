package appmesh

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	nodeSpec   = `{"listeners":[{"portMapping":{"port":8080,"protocol":"http"}}],"serviceDiscovery":{"dns":{"hostname":"n.local"}}}`
	routerSpec = `{"listeners":[{"portMapping":{"port":8080,"protocol":"http"}}]}`
	routeSpec  = `{"httpRoute":{"action":{"weightedTargets":[{"virtualNode":"n","weight":1}]},"match":{"prefix":"/"}}}`
)

// populated has a resource of each kind in the mesh "m".
func populated(t *testing.T) *fixture {
	w := newFixture(t)
	for _, r := range []struct{ uri, body string }{
		{"/meshes", `{"meshName":"m","tags":[{"key":"team","value":"a"}]}`},
		{"/meshes/m/virtualNodes", `{"virtualNodeName":"n","spec":` + nodeSpec + `}`},
		{"/meshes/m/virtualRouters", `{"virtualRouterName":"r","spec":` + routerSpec + `}`},
		{"/meshes/m/virtualRouter/r/routes", `{"routeName":"x","spec":` + routeSpec + `}`},
		{"/meshes/m/virtualServices", `{"virtualServiceName":"s.local","spec":{"provider":{"virtualRouter":{"virtualRouterName":"r"}}}}`},
		{"/meshes/m/virtualGateways", `{"virtualGatewayName":"g","spec":` + routerSpec + `}`},
		{"/meshes/m/virtualGateway/g/gatewayRoutes", `{"gatewayRouteName":"y","spec":{"httpRoute":{"action":{"target":{"virtualService":{"virtualServiceName":"s.local"}}},"match":{"prefix":"/"}}}}`},
	} {
		w.must("PUT", r.uri, r.body)
	}
	return w
}

// paths are those of the resources of populated, the innermost first, with the member
// of the list.
var paths = []struct{ collection, name, list string }{
	{"/meshes/m/virtualGateway/g/gatewayRoutes", "y", "gatewayRoutes"},
	{"/meshes/m/virtualGateways", "g", "virtualGateways"},
	{"/meshes/m/virtualServices", "s.local", "virtualServices"},
	{"/meshes/m/virtualRouter/r/routes", "x", "routes"},
	{"/meshes/m/virtualRouters", "r", "virtualRouters"},
	{"/meshes/m/virtualNodes", "n", "virtualNodes"},
	{"/meshes", "m", "meshes"},
}

// TestEveryKind describes, lists, updates and deletes a resource of each kind.
func TestEveryKind(t *testing.T) {
	w := populated(t)
	created := float64(w.now) / 1000
	w.now += 1000
	for _, p := range paths {
		uri := p.collection + "/" + p.name
		got := w.must("GET", uri, "")
		m := got["metadata"].(map[string]any)
		arn := m["arn"].(string)
		if m["version"] != 1.0 || m["createdAt"] != created || m["lastUpdatedAt"] != created || len(m["uid"].(string)) != 36 ||
			m["meshOwner"] != account || m["resourceOwner"] != account || !strings.HasPrefix(arn, prefix+"mesh/m") || got["meshName"] != "m" ||
			got["status"].(map[string]any)["status"] != "ACTIVE" {
			t.Errorf("%s: %v", uri, got)
		}
		spec, err := json.Marshal(got["spec"])
		if err != nil {
			t.Fatal(err)
		}
		row := w.must("GET", p.collection, "")[p.list].([]any)[0].(map[string]any)
		if row["arn"] != arn || row["version"] != 1.0 || row["createdAt"] != created || row["meshOwner"] != account || row["resourceOwner"] != account ||
			row["spec"] != nil || row["uid"] != nil || row["status"] != nil {
			t.Errorf("%s: %v", p.collection, row)
		}
		same := w.must("PUT", uri, `{"spec":`+string(spec)+`}`)
		if fmt.Sprint(same) != fmt.Sprint(got) {
			t.Errorf("%s: after an update without a change %v, before %v", uri, same, got)
		}
		deleted := w.must("DELETE", uri, "")
		want := 2.0
		if p.list == "meshes" {
			want = 1
		}
		m = deleted["metadata"].(map[string]any)
		if deleted["status"].(map[string]any)["status"] != "DELETED" || m["version"] != want || m["lastUpdatedAt"] != created+1 || m["createdAt"] != created {
			t.Errorf("%s: %v", uri, deleted)
		}
		w.fails("GET", uri, "", codeNotFoundException, 404, "is not present")
	}
}

// TestUpdate: a new spec replaces the old one, and counts.
func TestUpdate(t *testing.T) {
	w := populated(t)
	w.now += 1000
	got := w.must("PUT", "/meshes/m/virtualNodes/n", `{"spec":{}}`)
	m := got["metadata"].(map[string]any)
	if m["version"] != 2.0 || m["lastUpdatedAt"] == m["createdAt"] || len(got["spec"].(map[string]any)) != 0 {
		t.Errorf("got %v", got)
	}
	if got := w.must("PUT", "/meshes/m", `{}`); got["metadata"].(map[string]any)["version"] != 1.0 || len(got["spec"].(map[string]any)) != 0 {
		t.Errorf("an update of a mesh without a spec: %v", got)
	}
	got = w.must("PUT", "/meshes/m", `{"spec":{"egressFilter":{"type":"ALLOW_ALL"}}}`)
	if got["metadata"].(map[string]any)["version"] != 2.0 || fmt.Sprint(got["spec"]) != "map[egressFilter:map[type:ALLOW_ALL]]" {
		t.Errorf("got %v", got)
	}
}

// TestErrors: one of each code, with the texts that clients know.
func TestErrors(t *testing.T) {
	w := populated(t)
	w.fails("PUT", "/meshes", `{"meshName":"m"}`, codeConflictException, 409, "Mesh with name m already exists")
	w.fails("PUT", "/meshes/m/virtualNodes", `{"virtualNodeName":"n","spec":{},"clientToken":"t"}`, codeConflictException, 409, "already exists in mesh m")
	w.fails("PUT", "/meshes/m/virtualNodes", `{"virtualNodeName":"b"}`, codeBadRequestException, 400, "'spec' failed to satisfy constraint: Member must not be null")
	w.fails("PUT", "/meshes/m/virtualNodes", `{"virtualNodeName":"b","spec":[]}`, codeBadRequestException, 400, "")
	w.fails("GET", "/meshes?limit=0", "", codeBadRequestException, 400, "'limit'")
	w.fails("GET", "/meshes?nextToken=x", "", codeBadRequestException, 400, "NextToken")
	w.fails("GET", "/meshes/m/virtualNodes?meshOwner=1", "", codeBadRequestException, 400, "'meshOwner'")
	w.fails("PUT", "/meshes/m/virtualRouter/z/routes", `{"routeName":"x","spec":`+routeSpec+`}`, codeNotFoundException, 404, "VirtualRouter with name z is not present under mesh m for account 111111111111")
	w.fails("PUT", "/meshes/m/virtualRouter/r/routes", `{"routeName":"z","spec":`+strings.Replace(routeSpec, `"n"`, `"z"`, 1)+`}`, codeBadRequestException, 400, "VirtualNode with name z is not present")
	w.fails("DELETE", "/meshes/m/virtualNodes/n", "", codeResourceInUseException, 409, "cannot be deleted because it is the target of one or more routes.")
	w.fails("GET", "/meshes/z/virtualNodes", "", codeNotFoundException, 404, "Mesh with name z is not present")
	w.fails("GET", "/meshes/m/virtualNodes/a%2Fb", "", codeNotFoundException, 404, "a/b")
	w.rules.Quotas.Limits = map[string]int{"virtual_nodes_per_mesh": 1, "backends_per_virtual_node": 1}
	w.fails("PUT", "/meshes/m/virtualNodes", `{"virtualNodeName":"b","spec":{}}`, codeLimitExceededException, 400, "1 virtual nodes per mesh")
	two := `{"backends":[{"virtualService":{"virtualServiceName":"a"}},{"virtualService":{"virtualServiceName":"b"}}]}`
	w.fails("PUT", "/meshes/m/virtualNodes/n", `{"spec":`+two+`}`, codeLimitExceededException, 400, "1 backends per virtual node")
	var tags []string
	for i := range 50 {
		tags = append(tags, fmt.Sprintf(`{"key":"k%d","value":""}`, i))
	}
	w.fails("PUT", "/tag?resourceArn="+prefix+"mesh/m", `{"tags":[`+strings.Join(tags, ",")+`]}`, codeTooManyTagsException, 400, "at most 50")
}

// TestToken: a request that is sent again is answered again.
func TestToken(t *testing.T) {
	w := populated(t)
	body := `{"virtualNodeName":"t","spec":{},"clientToken":"a-b_1"}`
	first := w.must("PUT", "/meshes/m/virtualNodes", body)
	w.now += 1000
	if again := w.must("PUT", "/meshes/m/virtualNodes", body); fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("got %v, before %v", again, first)
	}
	w.fails("PUT", "/meshes/m/virtualNodes", strings.Replace(body, "{}", nodeSpec, 1), codeConflictException, 409, "a-b_1")
}

// TestPages reads lists page by page.
func TestPages(t *testing.T) {
	w := populated(t)
	for i := range 6 {
		w.must("PUT", "/meshes/m/virtualNodes", fmt.Sprintf(`{"virtualNodeName":"n%d","spec":{}}`, i))
		w.must("PUT", "/meshes", fmt.Sprintf(`{"meshName":"m%d"}`, i))
	}
	for uri, member := range map[string][2]string{"/meshes": {"meshes", "meshName"}, "/meshes/m/virtualNodes": {"virtualNodes", "virtualNodeName"}} {
		var names []string
		token := ""
		for pages := 0; ; pages++ {
			answer := w.must("GET", uri+"?limit=3"+token, "")
			for _, row := range answer[member[0]].([]any) {
				names = append(names, row.(map[string]any)[member[1]].(string))
			}
			next, more := answer["nextToken"].(string)
			if !more {
				if pages != 2 {
					t.Errorf("%s has %d pages", uri, pages+1)
				}
				break
			}
			token = "&nextToken=" + next
		}
		if len(names) != 7 || !slices.IsSorted(names) {
			t.Errorf("%s: %v", uri, names)
		}
	}
	token := w.must("GET", "/meshes/m/virtualNodes?limit=1", "")["nextToken"].(string)
	w.fails("GET", "/meshes/m/virtualRouters?nextToken="+token, "", codeBadRequestException, 400, "NextToken")
	if got := w.must("GET", "/meshes/m/virtualServices", "")["virtualServices"].([]any); len(got) != 1 {
		t.Errorf("virtual services: %v", got)
	}
}

func TestTags(t *testing.T) {
	w := populated(t)
	arn := prefix + "mesh/m/virtualNode/n"
	if got := w.must("PUT", "/tag?resourceArn="+arn, `{"tags":[{"key":"b","value":"2"},{"key":"a","value":"1"},{"key":"c","value":""}]}`); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	w.must("PUT", "/untag?resourceArn="+arn, `{"tagKeys":["b","none"]}`)
	page := w.must("GET", "/tags?limit=1&resourceArn="+arn, "")
	if fmt.Sprint(page["tags"]) != "[map[key:a value:1]]" {
		t.Errorf("got %v", page)
	}
	page = w.must("GET", "/tags?resourceArn="+arn+"&nextToken="+page["nextToken"].(string), "")
	if fmt.Sprint(page) != "map[tags:[map[key:c value:]]]" {
		t.Errorf("got %v", page)
	}
	if got := w.must("GET", "/meshes/m/virtualNodes/n", "")["metadata"].(map[string]any)["version"]; got != 1.0 {
		t.Errorf("tags made version %v", got)
	}
	for arn, code := range map[string]string{
		"x":                           codeBadRequestException,
		prefix + "mesh/m/virtualNode": codeBadRequestException,
		"arn:aws:ecs:eu-west-1:111111111111:cluster/c":      codeBadRequestException,
		"arn:aws:appmesh:eu-west-9:111111111111:mesh/m":     codeNotFoundException,
		prefix + "mesh/none":                                codeNotFoundException,
		"arn:aws:appmesh:eu-west-1:" + consumer + ":mesh/m": codeForbiddenException,
	} {
		status := map[string]int{codeBadRequestException: 400, codeNotFoundException: 404, codeForbiddenException: 403}[code]
		w.fails("GET", "/tags?resourceArn="+arn, "", code, status, "")
	}
}

// TestSharing: a consumer names the owner of the mesh, and owns what it creates.
func TestSharing(t *testing.T) {
	w := populated(t)
	w.account = consumer
	w.fails("GET", "/meshes/m", "", codeNotFoundException, 404, "Mesh with name m is not present for account "+consumer)
	if got := w.must("GET", "/meshes", "")["meshes"].([]any); len(got) != 1 {
		t.Errorf("meshes of the consumer: %v", got)
	}
	owner := "?meshOwner=" + account
	w.must("GET", "/meshes/m"+owner, "")
	got := w.must("PUT", "/meshes/m/virtualNodes"+owner, `{"virtualNodeName":"c","spec":{}}`)
	m := got["metadata"].(map[string]any)
	if m["meshOwner"] != account || m["resourceOwner"] != consumer || m["arn"] != "arn:aws:appmesh:eu-west-1:"+consumer+":mesh/m/virtualNode/c" {
		t.Errorf("got %v", got)
	}
	w.fails("PUT", "/meshes/m/virtualNodes/n"+owner, `{"spec":{}}`, codeForbiddenException, 403, "which alone can change it")
	w.fails("PUT", "/meshes/m/virtualGateways"+owner, `{"virtualGatewayName":"c","spec":`+routerSpec+`}`, codeForbiddenException, 403, "only the owner of a mesh can")
	w.fails("GET", "/tags?resourceArn="+prefix+"mesh/m", "", codeForbiddenException, 403, "")
	if got := w.must("GET", "/meshes/m/virtualNodes"+owner, "")["virtualNodes"].([]any); len(got) != 2 {
		t.Errorf("virtual nodes: %v", got)
	}
	w.account = stranger
	w.fails("GET", "/meshes/m"+owner, "", codeNotFoundException, 404, "Mesh with name m is not present for account "+stranger)
	w.account = account
	w.must("DELETE", "/meshes/m/virtualNodes/c", "")
}

// TestAuthorization: what calls ask to be permitted.
func TestAuthorization(t *testing.T) {
	w := populated(t)
	asked := func(method, uri, body string, want ...string) {
		t.Helper()
		w.do(method, uri, body)
		if !slices.Equal(w.asked, want) {
			t.Errorf("%s %s asked for %q, want %q", method, uri, w.asked, want)
		}
	}
	asked("GET", "/meshes", "", "appmesh:ListMeshes *")
	asked("GET", "/meshes/m", "", "appmesh:DescribeMesh mesh/m team=a")
	asked("GET", "/meshes/none", "", "appmesh:DescribeMesh mesh/none")
	asked("GET", "/meshes/m/virtualNodes", "", "appmesh:ListVirtualNodes mesh/m team=a")
	asked("GET", "/meshes/m/virtualRouter/r/routes", "", "appmesh:ListRoutes mesh/m/virtualRouter/r team=")
	asked("PUT", "/meshes/m/virtualRouter/r/routes", `{"routeName":"z","spec":`+routeSpec+`,"tags":[{"key":"team","value":"b"}]}`,
		"appmesh:CreateRoute mesh/m/virtualRouter/r/route/z request=b", "appmesh:CreateRoute mesh/m/virtualNode/n request=b team=",
		"appmesh:TagResource mesh/m/virtualRouter/r/route/z request=b team=b")
	asked("PUT", "/meshes/m/virtualServices/s.local", `{"spec":{"provider":{"virtualNode":{"virtualNodeName":"n"}}}}`,
		"appmesh:UpdateVirtualService mesh/m/virtualService/s.local team=", "appmesh:UpdateVirtualService mesh/m/virtualNode/n optional team=")
	asked("DELETE", "/meshes/m/virtualGateway/g/gatewayRoutes/y", "", "appmesh:DeleteGatewayRoute mesh/m/virtualGateway/g/gatewayRoute/y team=")
	asked("PUT", "/tag?resourceArn="+prefix+"mesh/m", `{"tags":[{"key":"team","value":"c"}]}`, "appmesh:TagResource mesh/m request=c team=a")
	w.account = consumer
	asked("PUT", "/meshes/m/virtualNodes?meshOwner="+account, `{"virtualNodeName":"c","spec":{}}`, "appmesh:CreateVirtualNode arn:aws:appmesh:eu-west-1:"+consumer+":mesh/m/virtualNode/c")
}

// TestAuditResources: the resource of each record.
func TestAuditResources(t *testing.T) {
	w := populated(t)
	in := &DescribeRouteInput{MeshName: new("m"), VirtualRouterName: new("r"), RouteName: new("x")}
	w.do("GET", "/meshes/m/virtualRouter/r/routes/x", "")
	c := w.call("DescribeRoute")
	if got := auditResources(c, in, nil); len(got) != 1 || got[0].ARN != prefix+"mesh/m/virtualRouter/r/route/x" || got[0].Type != "AWS::AppMesh::Route" {
		t.Errorf("got %v", got)
	}
	if got := auditResources(c, &ListMeshesInput{}, nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
