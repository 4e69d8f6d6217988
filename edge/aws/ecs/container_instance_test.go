package ecs

import (
	"fmt"
	"testing"
)

func TestContainerInstances(t *testing.T) {
	w := newFixture(t)
	w.fails("ListContainerInstances", `{}`, codeClusterNotFoundException, "Cluster not found.")
	w.fails("RegisterContainerInstance", `{"cluster": "nope"}`, codeClusterNotFoundException, "Cluster not found.")
	answer := w.answer("RegisterContainerInstance", `{"attributes": [{"name": "ecs.os-type", "value": "linux"}, {"name": "bare"}],
		"totalResources": [{"name": "CPU", "type": "INTEGER", "integerValue": 1024}]}`)
	instance := answer["containerInstance"].(map[string]any)
	if got := fmt.Sprint(instance["attributes"]); got != "[map[name:ecs.os-type value:linux] map[name:bare]]" {
		t.Errorf("attributes %s", got)
	}
	id := instance["containerInstanceArn"].(string)
	w.has("ListClusters", `{}`, "cluster/default") // created by the first use
	w.has("RegisterContainerInstance", `{"containerInstanceArn": "`+id+`", "attributes": [{"name": "ecs.os-type", "value": "linux"}]}`, id, `"version":2`)
	w.has("DescribeContainerInstances", `{"containerInstances": ["`+id+`", "none"], "include": ["CONTAINER_INSTANCE_HEALTH", "TAGS"]}`,
		`"overallStatus":"OK"`, `"registeredResources":[`, `"arn":"`+prefix+`container-instance/default/none"`)
	w.has("ListContainerInstances", `{"filter": "attribute:ecs.os-type == linux"}`, id)
	w.has("ListContainerInstances", `{"status": "DRAINING"}`, `"containerInstanceArns":[]`)

	w.has("PutAttributes", `{"attributes": [{"name": "stack", "value": "prod", "targetId": "`+id+`"}]}`, `"targetId":"`+id+`"`)
	w.has("ListAttributes", `{"targetType": "container-instance", "attributeName": "stack"}`, `{"attributes":[{"name":"stack","targetId":"`+id+`","targetType":"container-instance","value":"prod"}]}`)
	w.has("ListAttributes", `{"targetType": "container-instance", "maxResults": 1}`, "ecs.os-type", `"nextToken"`)
	w.fails("PutAttributes", `{"attributes": [{"name": "stack", "targetId": "none"}]}`, codeTargetNotFoundException, "The specified target wasn't found")
	w.fails("PutAttributes", `{"attributes": [{"name": "ecs.x", "targetId": "`+id+`"}]}`, codeInvalidParameterException, "reserved")
	w.fails("PutAttributes", `{"attributes": [{"name": "a\nb", "targetId": "`+id+`"}]}`, codeInvalidParameterException, "must match")
	for i := range 9 {
		w.must("PutAttributes", fmt.Sprintf(`{"attributes": [{"name": "a%d", "targetId": %q}]}`, i, id))
	}
	w.fails("PutAttributes", `{"attributes": [{"name": "more", "targetId": "`+id+`"}]}`, codeAttributeLimitExceededException, "at most 10 custom attributes")
	w.must("DeleteAttributes", `{"attributes": [{"name": "stack", "targetId": "`+id+`"}]}`)
	w.has("ListAttributes", `{"targetType": "container-instance", "attributeName": "stack"}`, `{"attributes":[]}`)

	w.has("UpdateContainerInstancesState", `{"containerInstances": ["`+id+`", "none"], "status": "DRAINING"}`, `"status":"DRAINING"`, `"reason":"MISSING"`)
	w.fails("UpdateContainerInstancesState", `{"containerInstances": ["`+id+`"], "status": "REGISTERING"}`, codeInvalidParameterException, "should be one of [ACTIVE,DRAINING]")
	w.fails("UpdateContainerAgent", `{"containerInstance": "`+id+`"}`, codeNoUpdateAvailableException, "no update available")
	w.fails("DiscoverPollEndpoint", `{}`, codeClientException, "--runner")

	short := id[len(prefix+"container-instance/default/"):]
	w.put("tt/111111111111/default/0123", `{"lastStatus": "RUNNING", "instance": "`+short+`"}`)
	w.fails("DeregisterContainerInstance", `{"containerInstance": "`+id+`"}`, codeInvalidParameterException, "Found running tasks on the instance.")
	w.has("DeregisterContainerInstance", `{"containerInstance": "`+short+`", "force": true}`, `"status":"INACTIVE"`)
	if x, _ := w.state.Task.Task(account, "default", "0123"); x.LastStatus != "STOPPED" {
		t.Errorf("a task of the instance is %s", x.LastStatus)
	}
	w.fails("DeregisterContainerInstance", `{"containerInstance": "`+short+`"}`, codeInvalidParameterException, "The specified container instance does not exist.")
	w.put("ti/111111111111/default/abc", `{"status": "ACTIVE", "managed": true, "node": "n1"}`)
	w.fails("DeregisterContainerInstance", `{"containerInstance": "abc"}`, codeInvalidParameterException, `node "n1"`)
}

func TestAccountSettings(t *testing.T) {
	w := newFixture(t)
	w.has("ListAccountSettings", `{}`, `{"settings":[]}`)
	w.has("ListAccountSettings", `{"effectiveSettings": true, "name": "taskLongArnFormat"}`, `"value":"enabled"`)
	w.fails("PutAccountSetting", `{"name": "taskLongArnFormat", "value": "disabled"}`, codeInvalidParameterException, "it must be one of enabled")
	w.fails("PutAccountSetting", `{"name": "containerInsights", "value": "enabled", "principalArn": "arn:aws:iam::222222222222:user/x"}`, codeInvalidParameterException, "principalArn is")
	w.must("PutAccountSettingDefault", `{"name": "containerInsights", "value": "enabled"}`)
	w.has("CreateCluster", `{"clusterName": "web"}`, `"settings":[{"name":"containerInsights","value":"enabled"}]`)
	user := `, "principalArn": "arn:aws:iam::111111111111:user/ann"`
	w.has("PutAccountSetting", `{"name": "containerInsights", "value": "enhanced"`+user+`}`, `"principalArn":"arn:aws:iam::111111111111:user/ann"`, `"value":"enhanced"`)
	w.has("ListAccountSettings", `{"effectiveSettings": true, "name": "containerInsights"`+user+`}`, `"value":"enhanced"`)
	w.has("DeleteAccountSetting", `{"name": "containerInsights"`+user+`}`, `"value":"enabled"`)
	w.has("ListAccountSettings", `{"effectiveSettings": true, "name": "containerInsights"`+user+`}`, `"value":"enabled"`)
	w.has("DeleteAccountSetting", `{"name": "containerInsights"}`, `"value":"disabled"`)
}

func TestTags(t *testing.T) {
	w := newFixture(t)
	w.must("CreateCluster", `{"clusterName": "web"}`)
	w.must("RegisterTaskDefinition", register("web", "", ""))
	for _, resource := range []string{prefix + "cluster/web", prefix + "task-definition/web:1"} {
		w.must("TagResource", `{"resourceArn": "`+resource+`", "tags": [{"key": "a", "value": "1"}, {"key": "b"}]}`)
		w.must("TagResource", `{"resourceArn": "`+resource+`", "tags": [{"key": "a", "value": "2"}]}`)
		w.has("ListTagsForResource", `{"resourceArn": "`+resource+`"}`, `{"key":"b","value":""}`)
		w.must("UntagResource", `{"resourceArn": "`+resource+`", "tagKeys": ["b", "c"]}`)
		w.has("ListTagsForResource", `{"resourceArn": "`+resource+`"}`, `{"tags":[{"key":"a","value":"2"}]}`)
	}
	var many string
	for i := range 51 {
		many += fmt.Sprintf(`, {"key": "k%d"}`, i)
	}
	w.fails("TagResource", `{"resourceArn": "`+prefix+`cluster/web", "tags": [`+many[1:]+`]}`, codeInvalidParameterException, "Member must have length less than or equal to 50")
	w.fails("TagResource", `{"resourceArn": "`+prefix+`cluster/web", "tags": [{"key": "AWS:x"}]}`, codeInvalidParameterException, "the prefix aws: is reserved")
	w.fails("TagResource", `{"resourceArn": "`+prefix+`cluster/none", "tags": []}`, codeClusterNotFoundException, "Cluster not found.")
	w.fails("ListTagsForResource", `{"resourceArn": "`+prefix+`service/web/none"}`, codeInvalidParameterException, "The specified resource was not found")
	w.fails("TagResource", `{"resourceArn": "`+prefix+`service/none", "tags": []}`, codeInvalidParameterException, "Long arn format must be used")
	w.fails("TagResource", `{"resourceArn": "x", "tags": []}`, codeInvalidParameterException, "Invalid resource ARN")
	w.fails("TagResource", `{"resourceArn": "`+prefix+`task-definition/web:1", "tags": [{"key": "cairn.discovery.service-name", "value": "x"}]}`, codeClientException, "has no NamespaceId")
}
