package ecs

import (
	"strings"
	"testing"
)

// TestAuthorization: what calls are about, with the tags of resources that exist and the
// revisions that families mean.
func TestAuthorization(t *testing.T) {
	w := newFixture(t)
	w.guarded = true
	w.put("tc/111111111111/web", `{"status":"ACTIVE","serviceConnectNamespace":"arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1","tags":[{"key":"Team","value":"red"}]}`)
	w.put("td/111111111111/shop/0000000002", `{"status":"ACTIVE","taskRoleArn":"arn:aws:iam::111111111111:role/shop","executionRoleArn":"arn:aws:iam::111111111111:role/pull","tags":[{"key":"team","value":"blue"}]}`)
	w.put("td/111111111111/shop/0000000010", `{"status":"ACTIVE"}`)
	w.put("td/111111111111/shop/0000000011", `{"status":"INACTIVE"}`)
	w.put("ts/111111111111/web/s", `{"status":"ACTIVE","deployments":[{"number":"1"}],"tags":[{"key":"team","value":"green"}]}`)
	w.put("tt/111111111111/web/abc", `{"lastStatus":"RUNNING","desiredStatus":"RUNNING","tags":[{"key":"team","value":"grey"}]}`)
	for _, tt := range []struct{ operation, body, want string }{
		{"DescribeClusters", `{"clusters":["web","other"]}`, "ecs:DescribeClusters cluster/web team=red; ecs:DescribeClusters cluster/other"},
		{"DescribeServices", `{"cluster":"web","services":["s"]}`, "ecs:DescribeServices service/web/s ecs:cluster=cluster/web team=green"},
		{"DescribeTasks", `{"cluster":"` + prefix + `cluster/web","tasks":["abc"]}`, "ecs:DescribeTasks task/web/abc ecs:cluster=cluster/web team=grey"},
		{"ListTasks", `{"cluster":"web"}`, "ecs:ListTasks container-instance/web/* ecs:cluster=cluster/web"},
		{"ListServices", `{"cluster":"web"}`, "ecs:ListServices * ecs:cluster=cluster/web"},
		{"RunTask", `{"cluster":"web","taskDefinition":"shop"}`, "ecs:RunTask task-definition/shop:10 ecs:cluster=cluster/web team="},
		{"RunTask", `{"cluster":"web","taskDefinition":"shop:2"}`, "ecs:RunTask task-definition/shop:2 ecs:cluster=cluster/web team=blue; " +
			"iam:PassRole arn:aws:iam::111111111111:role/shop; iam:PassRole arn:aws:iam::111111111111:role/pull"},
		{"RunTask", `{"cluster":"web","taskDefinition":"shop:2","overrides":{"taskRoleArn":"pull"}}`, "ecs:RunTask task-definition/shop:2 ecs:cluster=cluster/web team=blue; " +
			"iam:PassRole arn:aws:iam::111111111111:role/pull"},
		{"RunTask", `{"taskDefinition":"other"}`, "ecs:RunTask task-definition/other:* ecs:cluster=cluster/default"},
		{"CreateService", `{"cluster":"web","serviceName":"n","taskDefinition":"shop","serviceConnectConfiguration":{"enabled":true}}`,
			"ecs:CreateService service/web/n ecs:cluster=cluster/web ecs:enable-service-connect=true " +
				"ecs:namespace=arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1 ecs:task-definition=task-definition/shop:10"},
		{"UpdateService", `{"cluster":"web","service":"s","desiredCount":1}`, "ecs:UpdateService service/web/s ecs:cluster=cluster/web team=green"},
		{"DescribeServiceRevisions", `{"serviceRevisionArns":["` + prefix + `service-revision/web/s/1"]}`,
			"ecs:DescribeServiceRevisions service-revision/web/s/1 ecs:cluster=cluster/web ecs:service=service/web/s; " +
				"ecs:DescribeServiceRevisions service/web/s ecs:cluster=cluster/web ecs:service=service/web/s team=green"},
		{"CreateCluster", `{"clusterName":"new","capacityProviders":["FARGATE"],"tags":[{"key":"team","value":"red"}]}`, "ecs:CreateCluster * ecs:capacity-provider=capacity-provider/FARGATE; " +
			"ecs:TagResource cluster/new ecs:CreateAction=CreateCluster team=red"},
		{"PutClusterCapacityProviders", `{"cluster":"web","capacityProviders":["FARGATE"],"defaultCapacityProviderStrategy":[{"capacityProvider":"FARGATE"}]}`, "ecs:PutClusterCapacityProviders cluster/web ecs:capacity-provider=capacity-provider/FARGATE,capacity-provider/FARGATE team=red"},
		{"DescribeCapacityProviders", `{"capacityProviders":["FARGATE"]}`, "ecs:DescribeCapacityProviders capacity-provider/FARGATE"},
		{"DescribeCapacityProviders", `{}`, "ecs:DescribeCapacityProviders capacity-provider/*"},
		{"PutAccountSetting", `{"name":"containerInsights","value":"enabled"}`, "ecs:PutAccountSetting * ecs:account-setting=containerInsights"},
		{"PutAccountSettingDefault", `{"name":"containerInsights","value":"enabled"}`, "ecs:PutAccountSettingDefault * ecs:account-setting=containerInsights"},
		{"DeleteAccountSetting", `{"name":"containerInsights"}`, "ecs:DeleteAccountSetting * ecs:account-setting=containerInsights"},
		{"PutAttributes", `{"cluster":"web","attributes":[{"name":"rack","targetId":"abc"}]}`, "ecs:PutAttributes container-instance/web/abc ecs:cluster=cluster/web"},
		{"DeleteAttributes", `{"cluster":"web","attributes":[{"name":"rack","targetId":"abc"}]}`, "ecs:DeleteAttributes container-instance/web/abc ecs:cluster=cluster/web"},
		{"RegisterContainerInstance", `{"cluster":"web","tags":[{"key":"team","value":"red"}]}`, "ecs:RegisterContainerInstance cluster/web team=red; ecs:TagResource container-instance/web/* ecs:CreateAction=RegisterContainerInstance team=red"},
		{"DiscoverPollEndpoint", `{"cluster":"web","containerInstance":"abc"}`, "ecs:DiscoverPollEndpoint container-instance/web/abc"},
		{"ListTagsForResource", `{"resourceArn":"` + prefix + `cluster/web"}`, "ecs:ListTagsForResource cluster/web team=red"},
		{"TagResource", `{"resourceArn":"` + prefix + `service/web/s","tags":[{"key":"a","value":"b"}]}`, "ecs:TagResource service/web/s team=green"},
		{"UntagResource", `{"resourceArn":"` + prefix + `task/web/abc","tagKeys":["a"]}`, "ecs:UntagResource task/web/abc team=grey"},
		{"ListServicesByNamespace", `{"namespace":"arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1"}`, "ecs:ListServicesByNamespace * ecs:namespace=arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1"},
		{"RegisterTaskDefinition", `{"family":"new","cpu":"1 vCPU","memory":"0.5 GB","requiresCompatibilities":["FARGATE"],"taskRoleArn":"shop","executionRoleArn":"arn:aws:iam::111111111111:role/pull",` +
			`"containerDefinitions":[{"name":"a","image":"b","privileged":true}]}`, "ecs:RegisterTaskDefinition task-definition/new:* ecs:compute-compatibility=FARGATE ecs:privileged=true ecs:task-cpu=1024 ecs:task-memory=512; iam:PassRole arn:aws:iam::111111111111:role/shop; iam:PassRole arn:aws:iam::111111111111:role/pull"},
		{"StartTask", `{"cluster":"web","containerInstances":["abc"],"taskDefinition":"shop:2","tags":[{"key":"team","value":"red"}]}`, "ecs:StartTask task-definition/shop:2 ecs:cluster=cluster/web ecs:container-instances=container-instance/web/abc team=blue; ecs:TagResource task/web/* ecs:CreateAction=StartTask team=red; iam:PassRole arn:aws:iam::111111111111:role/shop; iam:PassRole arn:aws:iam::111111111111:role/pull"},
		{"UpdateService", `{"cluster":"web","service":"s","taskDefinition":"shop:2","networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"],"securityGroups":["sg-1"],"assignPublicIp":"ENABLED"}}}`, "ecs:UpdateService service/web/s ecs:auto-assign-public-ip=true ecs:cluster=cluster/web ecs:subnet=subnet-1 ecs:task-definition=task-definition/shop:2 team=green"},
		{"StopTask", `{"cluster":"web","task":"abc"}`, "ecs:StopTask task/web/abc ecs:cluster=cluster/web team=grey"},
		{"UpdateTaskProtection", `{"cluster":"web","tasks":["abc"],"protectionEnabled":true}`, "ecs:UpdateTaskProtection task/web/abc ecs:cluster=cluster/web team=grey"},
		{"DeregisterTaskDefinition", `{"taskDefinition":"shop:2"}`, "ecs:DeregisterTaskDefinition *"},
		{"DeleteTaskDefinitions", `{"taskDefinitions":["shop:2"]}`, "ecs:DeleteTaskDefinitions task-definition/shop:2 team=blue"},
	} {
		w.do(tt.operation, tt.body)
		if got := strings.Join(w.asked, "; "); got != tt.want {
			t.Errorf("%s %s:\n got %s\nwant %s", tt.operation, tt.body, got, tt.want)
		}
	}
}
