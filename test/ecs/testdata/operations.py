"""Calls every operation of the model of ECS with boto3, holds each answer against the
model, and breaks each input where the model says what it must be.

operations.py ENDPOINT MODEL: MODEL is the file with the operations that a node has.
"""

import copy
import json
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, model = sys.argv[1:]
operations = set(json.load(open(model))["operations"])
config = Config(retries={"mode": "standard", "total_max_attempts": 1}, inject_host_prefix=False)
ecs = boto3.client("ecs", endpoint_url=endpoint, config=config)
cloudmap = boto3.client("servicediscovery", endpoint_url=endpoint, config=config)
shapes = ecs.meta.service_model
methods = {operation: method for method, operation in ecs.meta.method_to_api_mapping.items()}
defects, inputs = [], {}  # inputs: of each operation the first valid body
OURS = {"serviceDiscoveryRegistry"}  # members that AWS does not have


def defect(*what):
    defects.append(" ".join(map(str, what)))


# What goes over the wire.
sent = {}
ecs.meta.events.register("before-send.ecs", lambda request, **_: sent.update(body=json.loads(request.body)))
ecs.meta.events.register("after-call.ecs", lambda http_response, **_: sent.update(answer=json.loads(http_response.content)))


def hold(where, shape, value):
    """Compares a value of an answer with its shape."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return defect(where, "is", value, "and not a structure")
        for name, below in value.items():
            if name in shape.members:
                hold(f"{where}.{name}", shape.members[name], below)
            elif name not in OURS:
                defect(f"{where}.{name} is not in the model")
        for name in shape.required_members:
            if name not in value:
                defect(f"{where}.{name} is missing")
    elif kind == "list":
        if not isinstance(value, list):
            return defect(where, "is", value, "and not a list")
        for i, below in enumerate(value):
            hold(f"{where}[{i}]", shape.member, below)
    elif kind == "map":
        if not isinstance(value, dict):
            return defect(where, "is", value, "and not a map")
        for name, below in value.items():
            hold(f"{where}[{name}]", shape.value, below)
    elif kind == "string":
        if not isinstance(value, str):
            defect(where, "is", value, "and not a string")
        elif shape.enum and value not in shape.enum:
            defect(where, "is", value, "and none of", shape.enum)
    elif kind == "boolean":
        if not isinstance(value, bool):
            defect(where, "is", value, "and not a boolean")
    elif kind in ("integer", "long"):
        if not isinstance(value, int) or isinstance(value, bool):
            defect(where, "is", value, "and not a whole number")
    elif kind in ("double", "float", "timestamp"):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            defect(where, "is", value, "and not a number")


def call(operation, **parameters):
    """Calls an operation that must succeed. The answer has no failures."""
    answer = getattr(ecs, methods[operation])(**parameters)
    inputs.setdefault(operation, sent["body"])
    hold(operation, shapes.operation_model(operation).output_shape, sent["answer"])
    assert not answer.get("failures"), (operation, answer["failures"])
    return answer


def unsupported(operation, code, text, **parameters):
    """Calls an operation that is known and always refused."""
    try:
        answer = getattr(ecs, methods[operation])(**parameters)
        defect(operation, "is answered with", answer)
    except ClientError as error:
        found = error.response["Error"]
        if found["Code"] != code or text not in found["Message"]:
            defect(operation, "is answered with", found)
    inputs.setdefault(operation, sent["body"])


def wait(name, **parameters):
    ecs.get_waiter(name).wait(WaiterConfig={"Delay": 1, "MaxAttempts": 120}, **parameters)


# Valid calls, in an order in which each finds what it is about.
cloudmap.create_private_dns_namespace(Name="shop.internal", Vpc="vpc-abcd1234")
namespace = cloudmap.list_namespaces()["Namespaces"][0]
registry = cloudmap.create_service(
    Name="orders", DnsConfig={"NamespaceId": namespace["Id"], "DnsRecords": [{"Type": "A", "TTL": 0}]}, HealthCheckCustomConfig={"FailureThreshold": 1}
)["Service"]["Arn"]
tags = [{"key": "team", "value": "a"}]
cluster = call("CreateCluster", clusterName="shop", settings=[{"name": "containerInsights", "value": "enabled"}], tags=tags,
               capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
               serviceConnectDefaults={"namespace": "shop.internal"}, configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}})["cluster"]
arn = cluster["clusterArn"]
call("DescribeClusters", clusters=["shop"], include=["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"])
call("ListClusters", maxResults=10)
call("UpdateCluster", cluster="shop", settings=[{"name": "containerInsights", "value": "disabled"}])
call("UpdateClusterSettings", cluster="shop", settings=[{"name": "containerInsights", "value": "enabled"}])
call("PutClusterCapacityProviders", cluster="shop", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=[])
call("DescribeCapacityProviders", capacityProviders=["FARGATE"], include=["TAGS"], maxResults=10)
call("PutAccountSetting", name="containerInsights", value="enabled")
call("PutAccountSettingDefault", name="containerInsights", value="enabled")
call("ListAccountSettings", effectiveSettings=True, name="containerInsights", maxResults=10)
call("DeleteAccountSetting", name="containerInsights")
agent = "ClientException", "the Amazon ECS agent cannot run tasks of it"
unsupported("DiscoverPollEndpoint", *agent, cluster="shop")
call("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "b"}])
assert len(call("ListTagsForResource", resourceArn=arn)["tags"]) == 2
call("UntagResource", resourceArn=arn, tagKeys=["a"])

container = {
    "name": "app", "image": "httpd:2.4", "essential": True, "command": ["sh", "-c", "exec httpd-foreground"], "stopTimeout": 2, "cpu": 10, "memory": 64,
    "portMappings": [{"containerPort": 80, "protocol": "tcp", "name": "http", "appProtocol": "http"}],
    "environment": [{"name": "A", "value": "b"}], "dockerLabels": {"a": "b"}, "readonlyRootFilesystem": False,
    "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}],
    "linuxParameters": {"initProcessEnabled": False, "capabilities": {"drop": ["MKNOD"]}, "tmpfs": [{"containerPath": "/scratch", "size": 1}]},
    "ulimits": [{"name": "nofile", "softLimit": 1000, "hardLimit": 1000}],
    "healthCheck": {"command": ["CMD", "/usr/local/bin/httpd-foreground", "check"], "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0},
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}},
    "restartPolicy": {"enabled": True, "ignoredExitCodes": [3], "restartAttemptPeriod": 60},
    "dependsOn": [{"containerName": "first", "condition": "SUCCESS"}],
}
first = {"name": "first", "image": "httpd:2.4", "essential": False, "command": ["sh", "-c", "exit 0"], "memory": 64}
definition = {
    "family": "orders", "networkMode": "awsvpc", "requiresCompatibilities": ["EC2"], "cpu": "256", "memory": "512", "containerDefinitions": [container, first],
    "volumes": [{"name": "data", "host": {}}], "tags": tags, "runtimePlatform": {"operatingSystemFamily": "LINUX"},
    "placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}],
}
call("RegisterTaskDefinition", **definition)
second = call("RegisterTaskDefinition", **definition)["taskDefinition"]["taskDefinitionArn"]
call("DescribeTaskDefinition", taskDefinition="orders:1", include=["TAGS"])
call("ListTaskDefinitions", familyPrefix="orders", status="ACTIVE", sort="DESC", maxResults=10)
call("ListTaskDefinitionFamilies", familyPrefix="ord", status="ACTIVE", maxResults=10)
call("DeregisterTaskDefinition", taskDefinition=second)
call("DeleteTaskDefinitions", taskDefinitions=[second])

own = call("ListContainerInstances", cluster="shop", status="ACTIVE", maxResults=10)["containerInstanceArns"][0]
call("DescribeContainerInstances", cluster="shop", containerInstances=[own], include=["TAGS", "CONTAINER_INSTANCE_HEALTH"])
attribute = {"name": "rack", "value": "1", "targetType": "container-instance", "targetId": own}
call("PutAttributes", cluster="shop", attributes=[attribute])
found = call("ListAttributes", cluster="shop", targetType="container-instance", attributeName="rack", maxResults=10)["attributes"]
assert found == [{"name": "rack", "value": "1", "targetType": "container-instance", "targetId": own}], found
assert call("ListContainerInstances", cluster="shop", filter="attribute:rack == 1")["containerInstanceArns"] == [own]
call("DeleteAttributes", cluster="shop", attributes=[attribute])
foreign = call(
    "RegisterContainerInstance", cluster="shop", attributes=[{"name": "ecs.capability.x"}], versionInfo={"agentVersion": "1.0.0"}, tags=tags,
    totalResources=[{"name": "CPU", "type": "INTEGER", "integerValue": 1024}, {"name": "MEMORY", "type": "INTEGER", "integerValue": 1024}],
)["containerInstance"]["containerInstanceArn"]
unsupported("UpdateContainerAgent", "NoUpdateAvailableException", "There is no update available", cluster="shop", containerInstance=foreign)
call("UpdateContainerInstancesState", cluster="shop", containerInstances=[foreign], status="DRAINING")
call("DeregisterContainerInstance", cluster="shop", containerInstance=foreign, force=True)

network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}}
service = call(
    "CreateService", cluster="shop", serviceName="orders", taskDefinition="orders", desiredCount=2, launchType="EC2", networkConfiguration=network,
    serviceRegistries=[{"registryArn": registry}], deploymentController={"type": "ECS"}, schedulingStrategy="REPLICA", propagateTags="SERVICE", tags=tags,
    deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    placementStrategy=[{"type": "spread", "field": "instanceId"}], placementConstraints=[{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}],
    enableECSManagedTags=True, enableExecuteCommand=False, availabilityZoneRebalancing="DISABLED", clientToken="t1",
    serviceConnectConfiguration={"enabled": True, "namespace": "shop.internal", "services": [{"portName": "http", "discoveryName": "o", "clientAliases": [{"port": 80, "dnsName": "o"}]}]},
)["service"]
wait("services_stable", cluster="shop", services=["orders"])
call("DescribeServices", cluster="shop", services=["orders"], include=["TAGS"])
call("ListServices", cluster="shop", launchType="EC2", schedulingStrategy="REPLICA", maxResults=10)
assert call("ListServicesByNamespace", namespace=namespace["Arn"], maxResults=10)["serviceArns"] == [service["serviceArn"]]
call("UpdateService", cluster="shop", service="orders", forceNewDeployment=True, desiredCount=2, networkConfiguration=network)
current = call("ListServiceDeployments", cluster="shop", service="orders", status=["PENDING", "IN_PROGRESS"], maxResults=10)["serviceDeployments"]
deployment = call("DescribeServiceDeployments", serviceDeploymentArns=[current[0]["serviceDeploymentArn"]])["serviceDeployments"][0]
call("DescribeServiceRevisions", serviceRevisionArns=[deployment["targetServiceRevision"]["arn"]])
call("StopServiceDeployment", serviceDeploymentArn=deployment["serviceDeploymentArn"], stopType="ROLLBACK")
wait("services_stable", cluster="shop", services=["orders"])
tasks = call("ListTasks", cluster="shop", serviceName="orders", desiredStatus="RUNNING", launchType="EC2", maxResults=10)["taskArns"]
wait("tasks_running", cluster="shop", tasks=tasks)
call("DescribeTasks", cluster="shop", tasks=tasks, include=["TAGS"])
call("UpdateTaskProtection", cluster="shop", tasks=tasks[:1], protectionEnabled=True, expiresInMinutes=10)
call("GetTaskProtection", cluster="shop", tasks=tasks[:1])
ran = call(
    "RunTask", cluster="shop", taskDefinition="orders", count=1, launchType="EC2", networkConfiguration=network, group="g", startedBy="me", clientToken="t2",
    tags=tags, propagateTags="TASK_DEFINITION", referenceId="r", enableECSManagedTags=False, enableExecuteCommand=False,
    overrides={"cpu": "128", "containerOverrides": [{"name": "app", "environment": [{"name": "A", "value": "c"}], "cpu": 20, "memory": 60}]},
    placementConstraints=[{"type": "distinctInstance"}], placementStrategy=[{"type": "binpack", "field": "memory"}],
)["tasks"][0]["taskArn"]
started = call("StartTask", cluster="shop", taskDefinition="orders", containerInstances=[own], networkConfiguration=network, startedBy="me")["tasks"][0]["taskArn"]
wait("tasks_running", cluster="shop", tasks=[ran, started])
unsupported("SubmitTaskStateChange", *agent, cluster="shop", task=ran, status="RUNNING")
unsupported("SubmitContainerStateChange", *agent, cluster="shop", task=ran, containerName="app", status="RUNNING")
unsupported("SubmitAttachmentStateChanges", *agent, cluster="shop", attachments=[{"attachmentArn": "arn:aws:ecs:us-east-1:000000000000:attachment/a", "status": "ATTACHED"}])
for task in (ran, started):
    call("StopTask", cluster="shop", task=task, reason="enough")
wait("tasks_stopped", cluster="shop", tasks=[ran, started])
call("DescribeTasks", cluster="shop", tasks=[ran], include=["TAGS"])


# Broken inputs. They are sent as they are: boto3 would refuse them.
def send(operation, body):
    """Returns the status, the code of the error and its message."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonEC2ContainerServiceV20141113." + operation}
    try:
        with urllib.request.urlopen(urllib.request.Request(endpoint, body.encode(), headers), timeout=60) as answer:
            return answer.status, "", answer.read().decode()
    except urllib.error.HTTPError as error:
        answer = json.loads(error.read())
        return error.code, answer["__type"].split("#")[-1], answer.get("message", answer.get("Message", ""))


broken = 0


def refused(operation, what, body, *codes):
    global broken
    broken += 1
    status, code, message = send(operation, body)
    if status != 400 or codes and code not in codes or not message:
        defect(operation, what, "is answered with", status, code, message[:200])


WRONG = {"structure": [7, [], "x"], "list": [7, {}, "x"], "map": [7, [], "x"], "string": [{}, []], "boolean": ["x", {}], "integer": ["x", {}, True], "long": ["x", {}], "double": ["x"], "timestamp": ["x"]}


def paths(shape, value, path=()):
    """Yields what a body has: a path, the shape there, and the members that are required."""
    yield path, shape
    if shape.type_name == "structure":
        for name in value:
            if name in shape.members:
                yield from paths(shape.members[name], value[name], path + (name,))
    elif shape.type_name == "list":
        for i in range(len(value[:1])):
            yield from paths(shape.member, value[i], path + (i,))


def changed(body, path, value):
    """Returns a copy with another value at a path; None removes a member."""
    body = copy.deepcopy(body)
    at = body
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return json.dumps(body)


for operation in sorted(operations & set(inputs)):
    body, shape = inputs[operation], shapes.operation_model(operation).input_shape
    for text in ("[]", '"x"', "7", "{", '{"a":', "{" + '"a":{' * 5000, "\x00"):
        refused(operation, repr(text[:10]), text, "SerializationException")
    for path, below in paths(shape, body):
        where = ".".join(map(str, path))
        if path:
            for value in WRONG[below.type_name]:
                refused(operation, f"{where}={value!r}", changed(body, path, value), "SerializationException")
            if getattr(below, "enum", None):
                refused(operation, f"{where} that the enum does not have", changed(body, path, "NOPE"))
        if below.type_name == "structure":
            for name in below.required_members:
                refused(operation, f"without {'.'.join(map(str, path + (name,)))}", changed(body, path + (name,), None), "ClientException", "InvalidParameterException")

# The end, with the operations that are left.
call("UpdateTaskProtection", cluster="shop", tasks=tasks[:1], protectionEnabled=False)
call("DeleteService", cluster="shop", service="orders", force=True)
wait("services_inactive", cluster="shop", services=["orders"])
wait("tasks_stopped", cluster="shop", tasks=tasks)
call("DeleteCluster", cluster="shop")
missing = operations - set(inputs)
if missing:
    defect("operations that were not called:", sorted(missing))
for line in defects:
    print("defect:", line)
print(f"{len(inputs)} operations, {broken} broken inputs, {len(defects)} defects")
sys.exit(len(defects) > 0)
