"""Clusters, task definitions, container instances, settings and tags of ECS, with boto3.

ecs_definitions.py ENDPOINT: every call must be answered as AWS does.
"""

import sys

import boto3
from botocore.exceptions import ClientError

ecs = boto3.client("ecs", endpoint_url=sys.argv[1])
ACCOUNT = "arn:aws:ecs:us-east-1:000000000000:"


def fails(error, text, operation, **parameters):
    try:
        answer = getattr(ecs, operation)(**parameters)
    except getattr(ecs.exceptions, error) as refusal:
        assert text in refusal.response["Error"]["Message"], refusal
        return
    raise AssertionError(f"{operation}: {answer}, want {error}")


def pages(operation, member, **parameters):
    found = []
    for page in ecs.get_paginator(operation).paginate(PaginationConfig={"PageSize": 1}, **parameters):
        assert len(page[member]) <= 1, page
        found += page[member]
    return found


# Clusters.
cluster = ecs.create_cluster(clusterName="tutorial", tags=[{"key": "team", "value": "a"}])["cluster"]
assert cluster["status"] == "ACTIVE" and cluster["clusterArn"] == ACCOUNT + "cluster/tutorial", cluster
assert cluster["settings"] == [{"name": "containerInsights", "value": "disabled"}], cluster
assert cluster["registeredContainerInstancesCount"] == cluster["runningTasksCount"] == cluster["activeServicesCount"] == 0, cluster
assert ecs.create_cluster(clusterName="tutorial")["cluster"] == cluster
ecs.create_cluster(clusterName="other")
assert pages("list_clusters", "clusterArns") == [ACCOUNT + "cluster/other", ACCOUNT + "cluster/tutorial"]
answer = ecs.describe_clusters(clusters=["tutorial", "none"], include=["TAGS", "SETTINGS", "CONFIGURATIONS", "STATISTICS", "ATTACHMENTS"])
assert [c["clusterName"] for c in answer["clusters"]] == ["tutorial"], answer
assert answer["failures"] == [{"arn": ACCOUNT + "cluster/none", "reason": "MISSING"}], answer
fails("InvalidParameterException", "ClusterName must match", "create_cluster", clusterName="a b")
fails("ClusterNotFoundException", "Cluster not found.", "update_cluster", cluster="none")
strategy = [{"capacityProvider": "FARGATE", "weight": 1, "base": 1}]
cluster = ecs.put_cluster_capacity_providers(cluster="tutorial", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=strategy)["cluster"]
assert cluster["defaultCapacityProviderStrategy"] == strategy and cluster["attachmentsStatus"] == "UPDATE_COMPLETE", cluster
assert {p["name"] for p in ecs.describe_capacity_providers()["capacityProviders"]} == {"FARGATE", "FARGATE_SPOT"}
cluster = ecs.update_cluster(cluster="tutorial", settings=[{"name": "containerInsights", "value": "enhanced"}],
                             serviceConnectDefaults={"namespace": "connect"})["cluster"]
assert cluster["settings"][0]["value"] == "enhanced" and ":namespace/ns-" in cluster["serviceConnectDefaults"]["namespace"], cluster

# Task definitions.
app = {"name": "app", "image": "httpd:2.4", "portMappings": [{"containerPort": 80}], "healthCheck": {"command": ["CMD-SHELL", "true"]}}
definition = ecs.register_task_definition(family="web", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu=".25 vCPU", memory="0.5 GB",
                                          containerDefinitions=[app], tags=[{"key": "team", "value": "a"}])
assert definition["tags"] == [{"key": "team", "value": "a"}], definition
definition = definition["taskDefinition"]
assert (definition["cpu"], definition["memory"], definition["revision"], definition["status"]) == ("256", "512", 1, "ACTIVE"), definition
assert definition["compatibilities"] == ["EC2", "FARGATE"] and definition["volumes"] == definition["placementConstraints"] == [], definition
container = definition["containerDefinitions"][0]
assert container["portMappings"] == [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}], container
assert container["healthCheck"] == {"command": ["CMD-SHELL", "true"], "interval": 30, "timeout": 5, "retries": 3}, container
assert container["cpu"] == 0 and container["essential"], container
for member in "environment", "mountPoints", "volumesFrom", "systemControls":
    assert container[member] == [], container
assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"] == definition
for _ in range(2):
    ecs.register_task_definition(family="web", containerDefinitions=[{"name": "app", "image": "httpd", "memory": 64}])
assert pages("list_task_definitions", "taskDefinitionArns") == [ACCOUNT + f"task-definition/web:{n}" for n in (1, 2, 3)]
assert pages("list_task_definitions", "taskDefinitionArns", sort="DESC")[0] == ACCOUNT + "task-definition/web:3"
assert pages("list_task_definition_families", "families") == ["web"]
ecs.deregister_task_definition(taskDefinition="web:3")
assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 2
answer = ecs.delete_task_definitions(taskDefinitions=["web:2", "web:3"])
assert answer["taskDefinitions"][0]["status"] == "DELETE_IN_PROGRESS" and "still in ACTIVE status" in answer["failures"][0]["reason"], answer
fails("ClientException", "Unable to describe task definition.", "describe_task_definition", taskDefinition="web:3")
fails("ClientException", "No Fargate configuration exists for given values.", "register_task_definition", family="web",
      requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="513", containerDefinitions=[app])
fails("ClientException", "Max allowed length is '65536' bytes.", "register_task_definition", family="web",
      containerDefinitions=[{"name": "app", "image": "i", "memory": 64, "environment": [{"name": "N", "value": "v"}] * 10_000}])

# Container instances and attributes. The default cluster is created by its first use.
attributes = [{"name": "ecs.os-type", "value": "linux"}, {"name": "ecs.capability.x"}]
resources = [{"name": "CPU", "type": "INTEGER", "integerValue": 2048}, {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]}]
instance = ecs.register_container_instance(attributes=attributes, totalResources=resources)["containerInstance"]
assert instance["attributes"] == attributes and instance["registeredResources"] == resources, instance
arn = instance["containerInstanceArn"]
assert arn.startswith(ACCOUNT + "container-instance/default/") and instance["agentConnected"], instance
assert pages("list_container_instances", "containerInstanceArns") == [arn]
assert ecs.list_container_instances(filter="attribute:ecs.os-type == windows")["containerInstanceArns"] == []
ecs.put_attributes(attributes=[{"name": "stack", "value": "prod", "targetId": arn}])
assert [a["name"] for a in pages("list_attributes", "attributes", targetType="container-instance")] == ["ecs.capability.x", "ecs.os-type", "stack"]
fails("TargetNotFoundException", "wasn't found", "put_attributes", attributes=[{"name": "stack", "targetId": "none"}])
ecs.delete_attributes(attributes=[{"name": "stack", "targetId": arn}])
answer = ecs.update_container_instances_state(containerInstances=[arn], status="DRAINING")
assert answer["containerInstances"][0]["status"] == "DRAINING" and answer["failures"] == [], answer
fails("ClusterContainsContainerInstancesException", "The Cluster cannot be deleted while Container Instances are active.", "delete_cluster", cluster="default")
fails("NoUpdateAvailableException", "no update", "update_container_agent", containerInstance=arn)
assert ecs.deregister_container_instance(containerInstance=arn)["containerInstance"]["status"] == "INACTIVE"
fails("ClientException", "--runner", "discover_poll_endpoint")

# Account settings and tags.
assert len(pages("list_account_settings", "settings", effectiveSettings=True)) == 11
ecs.put_account_setting_default(name="containerInsights", value="enabled")
assert ecs.create_cluster(clusterName="late")["cluster"]["settings"] == [{"name": "containerInsights", "value": "enabled"}]
fails("InvalidParameterException", "it must be one of", "put_account_setting", name="containerInsights", value="x")
assert ecs.delete_account_setting(name="containerInsights")["setting"]["value"] == "disabled"
for resource in ACCOUNT + "cluster/tutorial", ACCOUNT + "task-definition/web:1":
    ecs.tag_resource(resourceArn=resource, tags=[{"key": "stage", "value": "x"}])
    ecs.untag_resource(resourceArn=resource, tagKeys=["team"])
    assert ecs.list_tags_for_resource(resourceArn=resource)["tags"] == [{"key": "stage", "value": "x"}]
fails("InvalidParameterException", "aws: is reserved", "tag_resource", resourceArn=ACCOUNT + "cluster/tutorial", tags=[{"key": "aws:x", "value": "1"}])
fails("ClusterNotFoundException", "Cluster not found.", "list_tags_for_resource", resourceArn=ACCOUNT + "cluster/none")

# A block "ServiceDiscoveryRegistry" in labels.
labels = {"cairn.discovery.namespace-id": "ns-none", "cairn.discovery.service-name": "web"}
try:
    ecs.register_task_definition(family="web", containerDefinitions=[{"name": "app", "image": "i", "memory": 64, "dockerLabels": labels}])
    raise AssertionError("a namespace that does not exist was accepted")
except ClientError as error:
    assert 'NamespaceId "ns-none": there is no such namespace' in str(error), error

for name in "tutorial", "other", "default", "late":
    assert ecs.delete_cluster(cluster=name)["cluster"]["status"] == "INACTIVE"
assert ecs.list_clusters()["clusterArns"] == []
fails("ClusterNotFoundException", "The referenced cluster was inactive.", "delete_cluster", cluster="tutorial")
