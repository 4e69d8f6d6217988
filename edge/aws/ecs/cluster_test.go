package ecs

import (
	"strings"
	"testing"
)

func TestClusters(t *testing.T) {
	w := newFixture(t)
	w.has("DescribeClusters", `{}`, `"failures":[{"arn":"`+prefix+`cluster/default","reason":"MISSING"}]`)
	w.fails("CreateCluster", `{"clusterName": "a b"}`, codeInvalidParameterException, `ClusterName must match ^[a-zA-Z0-9\-_]{1,255}$`)
	w.fails("CreateCluster", `{"clusterName": "a", "settings": [{"name": "containerInsights", "value": "x"}]}`, codeInvalidParameterException, "one of disabled, enabled, enhanced")
	w.fails("CreateCluster", `{"clusterName": "a", "tags": [{"key": "aws:x", "value": "1"}]}`, codeInvalidParameterException, "the prefix aws: is reserved")
	first := w.must("CreateCluster", `{"clusterName": "web", "tags": [{"key": "team", "value": "a"}]}`)
	for _, part := range []string{`"clusterArn":"` + prefix + `cluster/web"`, `"status":"ACTIVE"`, `"runningTasksCount":0`, `"settings":[{"name":"containerInsights","value":"disabled"}]`, `"tags":[{"key":"team","value":"a"}]`} {
		if !strings.Contains(first, part) {
			t.Errorf("CreateCluster: %s has no %s", first, part)
		}
	}
	if again := w.must("CreateCluster", `{"clusterName": "web"}`); again != first {
		t.Errorf("the second CreateCluster answers %s, want %s", again, first)
	}
	w.must("CreateCluster", `{}`)
	w.has("ListClusters", `{"maxResults": 1}`, `cluster/default"]`, `"nextToken"`)
	w.fails("ListClusters", `{"maxResults": 0}`, codeInvalidParameterException, "from 1 to 100")
	w.has("DescribeClusters", `{"clusters": ["web"]}`, `"tags":[]`, `"settings":[]`)
	w.has("DescribeClusters", `{"clusters": ["`+prefix+`cluster/web", "arn:aws:ecs:eu-west-1:222222222222:cluster/web"], "include": ["TAGS", "STATISTICS"]}`,
		`"tags":[{"key":"team","value":"a"}]`, `"name":"runningFargateTasksCount","value":"0"`, `"failures":[{"arn":"arn:aws:ecs:eu-west-1:222222222222:cluster/web","reason":"MISSING"}]`)
	w.fails("DescribeClusters", `{"clusters": ["`+prefix+`service/web/x"]}`, codeInvalidParameterException, "Identifier is for service")
	w.has("UpdateClusterSettings", `{"cluster": "web", "settings": [{"name": "containerInsights", "value": "enabled"}]}`, `"value":"enabled"`)
	w.fails("UpdateCluster", `{"cluster": "nope"}`, codeClusterNotFoundException, "Cluster not found.")
	w.has("UpdateCluster", `{"cluster": "web", "serviceConnectDefaults": {"namespace": "connect"}}`, `"serviceConnectDefaults":{"namespace":"arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-`)
	w.fails("UpdateCluster", `{"cluster": "web", "serviceConnectDefaults": {"namespace": "arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-x"}}`, codeNamespaceNotFoundException, "ns-x")
	w.has("DeleteCluster", `{"cluster": "web"}`, `"status":"INACTIVE"`)
	w.has("DescribeClusters", `{"clusters": ["web"]}`, `"status":"INACTIVE"`)
	w.fails("DeleteCluster", `{"cluster": "web"}`, codeClusterNotFoundException, "The referenced cluster was inactive.")
	w.has("CreateCluster", `{"clusterName": "web"}`, `"status":"ACTIVE"`, `"tags":[]`)
}

func TestClusterNames(t *testing.T) {
	w := newFixture(t)
	long := strings.Repeat("x", 255)
	for _, name := range []string{"a", "A-b_9", "-", long} {
		w.has("CreateCluster", `{"clusterName": "`+name+`"}`, `"clusterArn":"`+prefix+`cluster/`+name+`"`)
		w.has("DescribeClusters", `{"clusters": ["`+prefix+`cluster/`+name+`"]}`, `"failures":[]`)
	}
	for _, name := range []string{"a b", "a/b", "a.b", "a:b", "ä", "..", `a\nb`, `a\u0000`, long + "x", prefix + "cluster/a b"} {
		w.fails("CreateCluster", `{"clusterName": "`+name+`"}`, codeInvalidParameterException, `ClusterName must match ^[a-zA-Z0-9\-_]{1,255}$`)
	}
	for name, code := range map[string]string{"a b": codeClusterNotFoundException, "nope": codeClusterNotFoundException, prefix + "task/a/b": codeInvalidParameterException} {
		if _, e := w.do("ListTasks", `{"cluster": "`+name+`"}`); e == nil || e.Code != code {
			t.Errorf("ListTasks of %q: %v, want %s", name, e, code)
		}
	}
}

func TestCapacityProviders(t *testing.T) {
	w := newFixture(t)
	w.must("CreateCluster", `{"clusterName": "web"}`)
	put := func(providers, strategy string) string {
		return `{"cluster": "web", "capacityProviders": [` + providers + `], "defaultCapacityProviderStrategy": [` + strategy + `]}`
	}
	w.fails("PutClusterCapacityProviders", put(`"mine"`, ""), codeInvalidParameterException, `The specified capacity provider "mine" does not exist.`)
	w.fails("PutClusterCapacityProviders", put(`"FARGATE"`, `{"capacityProvider": "FARGATE_SPOT"}`), codeInvalidParameterException, "not associated with the cluster")
	w.fails("PutClusterCapacityProviders", put(`"FARGATE", "FARGATE_SPOT"`, `{"capacityProvider": "FARGATE", "base": 1, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "base": 1}`), codeInvalidParameterException, "base above 0")
	w.has("PutClusterCapacityProviders", put(`"FARGATE"`, `{"capacityProvider": "FARGATE", "weight": 1}`), `"attachmentsStatus":"UPDATE_COMPLETE"`, `"capacityProviders":["FARGATE"]`)
	w.has("DescribeCapacityProviders", `{"cluster": "web"}`, `"name":"FARGATE"`)
	w.has("DescribeCapacityProviders", `{"maxResults": 1}`, `"name":"FARGATE"`, `"nextToken"`)
	w.has("DescribeCapacityProviders", `{"capacityProviders": ["mine", "`+prefix+`capacity-provider/FARGATE_SPOT"]}`, `"name":"FARGATE_SPOT"`, `"reason":"MISSING"`)
}

// TestDeleteUsedCluster has the texts on which clients wait.
func TestDeleteUsedCluster(t *testing.T) {
	w := newFixture(t)
	w.must("CreateCluster", `{"clusterName": "web"}`)
	w.put("ts/111111111111/web/shop", `{"status": "DRAINING"}`)
	w.fails("DeleteCluster", `{"cluster": "web"}`, codeClusterContainsServicesException, "The Cluster cannot be deleted while Services are active.")
	w.put("ts/111111111111/web/shop", `{"status": "INACTIVE"}`)
	w.put("tt/111111111111/web/0123", `{"lastStatus": "STOPPING"}`)
	w.fails("DeleteCluster", `{"cluster": "web"}`, codeClusterContainsTasksException, "The Cluster cannot be deleted while Tasks are active.")
	w.put("tt/111111111111/web/0123", `{"lastStatus": "STOPPED"}`)
	w.put("ti/111111111111/web/abc", `{"status": "ACTIVE"}`)
	w.fails("DeleteCluster", `{"cluster": "web"}`, codeClusterContainsContainerInstancesException, "The Cluster cannot be deleted while Container Instances are active.")
	w.put("ti/111111111111/web/abc", `{"status": "ACTIVE", "managed": true, "node": "n1"}`)
	w.has("DeleteCluster", `{"cluster": "web"}`, `"status":"INACTIVE"`)
	if _, ok := w.state.Task.Instance(account, "web", "abc"); ok {
		t.Error("the container instance of a node is still in the deleted cluster")
	}
}
