"""Services, tasks and deployments with boto3, on a node that runs tasks.

ecs.py ENDPOINT: every operation of these, errors, paginators and waiters.
"""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(retries={"mode": "standard", "total_max_attempts": 1}, inject_host_prefix=False)
ecs = boto3.client("ecs", endpoint_url=sys.argv[1], config=config)
cloudmap = boto3.client("servicediscovery", endpoint_url=sys.argv[1], config=config)


def fails(code, text, call, **parameters):
    try:
        answer = call(**parameters)
    except ClientError as error:
        found = error.response["Error"]
        assert found["Code"] == code, error
        assert text in found["Message"], error
        return
    raise AssertionError(f"{parameters}: {answer}, want {code}")


def wait(name, **parameters):
    ecs.get_waiter(name).wait(WaiterConfig={"Delay": 1, "MaxAttempts": 120}, **parameters)


cloudmap.create_private_dns_namespace(Name="shop.internal", Vpc="vpc-abcd1234")
namespace = cloudmap.list_namespaces()["Namespaces"][0]["Id"]
registry = cloudmap.create_service(
    Name="orders", DnsConfig={"NamespaceId": namespace, "DnsRecords": [{"Type": "A", "TTL": 0}]}, HealthCheckCustomConfig={"FailureThreshold": 1}
)["Service"]
ecs.create_cluster(clusterName="shop")
container = {"name": "app", "image": "httpd:2.4", "essential": True, "command": ["sh", "-c", "exec httpd-foreground"],
             "portMappings": [{"containerPort": 80}], "stopTimeout": 2}
register = {"family": "orders", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "containerDefinitions": [container]}
first = ecs.register_task_definition(**register)["taskDefinition"]["taskDefinitionArn"]
network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}

# A service.
service = ecs.create_service(
    cluster="shop", serviceName="orders", taskDefinition="orders", desiredCount=2, launchType="FARGATE", networkConfiguration=network,
    serviceRegistries=[{"registryArn": registry["Arn"]}], tags=[{"key": "team", "value": "a"}], propagateTags="SERVICE",
)["service"]
assert service["status"] == "ACTIVE" and service["taskDefinition"] == first, service
wait("services_stable", cluster="shop", services=["orders"])
service = ecs.describe_services(cluster="shop", services=["orders"], include=["TAGS"])["services"][0]
assert service["runningCount"] == 2 and service["tags"] == [{"key": "team", "value": "a"}], service
assert [arn for page in ecs.get_paginator("list_services").paginate(cluster="shop") for arn in page["serviceArns"]] == [service["serviceArn"]]
pages = ecs.get_paginator("list_tasks").paginate(cluster="shop", serviceName="orders", PaginationConfig={"PageSize": 1})
tasks = [arn for page in pages for arn in page["taskArns"]]
assert len(tasks) == 2, tasks
wait("tasks_running", cluster="shop", tasks=tasks)
described = ecs.describe_tasks(cluster="shop", tasks=tasks, include=["TAGS"])["tasks"]
assert {task["group"] for task in described} == {"service:orders"}, described
assert {task["startedBy"] for task in described} == {service["deployments"][0]["id"]}, described
assert all({"key": "team", "value": "a"} in task["tags"] for task in described), described
found = cloudmap.discover_instances(NamespaceName="shop.internal", ServiceName="orders")["Instances"]
assert {i["InstanceId"] for i in found} == {arn.split("/")[-1] for arn in tasks}, found
addresses = {task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for task in described}
assert {i["Attributes"]["AWS_INSTANCE_IPV4"] for i in found} == addresses, found

# A deployment.
container["environment"] = [{"name": "VERSION", "value": "2"}]
second = ecs.register_task_definition(**register)["taskDefinition"]["taskDefinitionArn"]
ecs.update_service(cluster="shop", service="orders", taskDefinition=second)
wait("services_stable", cluster="shop", services=["orders"])
for _ in range(60):
    service = ecs.describe_services(cluster="shop", services=["orders"])["services"][0]
    if service["deployments"][0]["rolloutState"] == "COMPLETED":
        break
    time.sleep(0.5)
assert service["taskDefinition"] == second and service["deployments"][0]["rolloutState"] == "COMPLETED", service
listed = ecs.list_service_deployments(cluster="shop", service="orders")["serviceDeployments"]
assert len(listed) == 2 and listed[0]["status"] == "SUCCESSFUL", listed
assert service["deployments"][0]["id"].split("/")[1] in listed[0]["targetServiceRevisionArn"], listed
deployment = ecs.describe_service_deployments(serviceDeploymentArns=[listed[0]["serviceDeploymentArn"]])["serviceDeployments"][0]
assert deployment["targetServiceRevision"]["runningTaskCount"] == 2 and deployment["sourceServiceRevisions"], deployment
revision = ecs.describe_service_revisions(serviceRevisionArns=[deployment["targetServiceRevision"]["arn"]])["serviceRevisions"][0]
assert revision["taskDefinition"] == second and revision["containerImages"][0]["image"] == "httpd:2.4", revision
fails("ConflictException", "", ecs.stop_service_deployment, serviceDeploymentArn=listed[0]["serviceDeploymentArn"])

# Protection from scale-in.
tasks = ecs.list_tasks(cluster="shop", serviceName="orders")["taskArns"]
assert ecs.update_task_protection(cluster="shop", tasks=tasks[:1], protectionEnabled=True)["protectedTasks"][0]["protectionEnabled"]
assert ecs.get_task_protection(cluster="shop", tasks=tasks[:1])["protectedTasks"][0]["expirationDate"]
ecs.update_service(cluster="shop", service="orders", desiredCount=1)
wait("tasks_stopped", cluster="shop", tasks=tasks[1:])
assert ecs.list_tasks(cluster="shop", serviceName="orders")["taskArns"] == tasks[:1]
task = ecs.describe_tasks(cluster="shop", tasks=tasks[1:])["tasks"][0]
assert task["stopCode"] == "ServiceSchedulerInitiated" and task["stoppedReason"].startswith("Scaling activity initiated by"), task

# Standalone tasks.
run = {"cluster": "shop", "taskDefinition": "orders", "launchType": "FARGATE", "networkConfiguration": network, "clientToken": "t1"}
overrides = {"containerOverrides": [{"name": "app", "command": ["sh", "-c", "exit 3"]}]}
answer = ecs.run_task(count=2, overrides=overrides, **run)
assert len(answer["tasks"]) == 2 and not answer["failures"], answer
tasks = [task["taskArn"] for task in answer["tasks"]]
assert {task["taskArn"] for task in ecs.run_task(count=2, overrides=overrides, **run)["tasks"]} == set(tasks)
fails("ConflictException", "", ecs.run_task, count=1, **run)
wait("tasks_stopped", cluster="shop", tasks=tasks)
task = ecs.describe_tasks(cluster="shop", tasks=tasks)["tasks"][0]
assert (task["stopCode"], task["stoppedReason"]) == ("EssentialContainerExited", "Essential container in task exited"), task
assert task["containers"][0]["exitCode"] == 3, task
instance = ecs.list_container_instances(cluster="shop")["containerInstanceArns"][0]
started = ecs.start_task(cluster="shop", taskDefinition="orders", containerInstances=[instance], networkConfiguration=network)["tasks"][0]["taskArn"]
wait("tasks_running", cluster="shop", tasks=[started])
assert ecs.stop_task(cluster="shop", task=started, reason="enough")["task"]["desiredStatus"] == "STOPPED"
wait("tasks_stopped", cluster="shop", tasks=[started])
task = ecs.describe_tasks(cluster="shop", tasks=[started])["tasks"][0]
assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough"), task
ecs.register_task_definition(family="none", containerDefinitions=[{"name": "a", "image": "nobody/has:this", "memory": 64}])
failed = ecs.run_task(cluster="shop", taskDefinition="none")["tasks"][0]["taskArn"]
wait("tasks_stopped", cluster="shop", tasks=[failed])
task = ecs.describe_tasks(cluster="shop", tasks=[failed])["tasks"][0]
assert task["stopCode"] == "TaskFailedToStart" and "CannotPullContainerError" in task["stoppedReason"], task

# Errors, and the end.
fails("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.", ecs.delete_cluster, cluster="shop")
fails("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.", ecs.delete_service, cluster="shop", service="orders")
create = {"cluster": "shop", "taskDefinition": "orders", "launchType": "FARGATE", "networkConfiguration": network, "desiredCount": 7}
fails("InvalidParameterException", "Creation of service was not idempotent.", ecs.create_service, serviceName="orders", **create)
fails("ServiceNotFoundException", "Service not found.", ecs.update_service, cluster="shop", service="nope", desiredCount=1)
fails("ClientException", 'Route 53 error: "ServiceNotFound."', ecs.create_service, serviceName="x",
      serviceRegistries=[{"registryArn": registry["Arn"][:-1] + "x"}], **create)
assert ecs.list_services_by_namespace(namespace="shop.internal")["serviceArns"] == []
ecs.delete_service(cluster="shop", service="orders", force=True)
wait("services_inactive", cluster="shop", services=["orders"])
assert cloudmap.list_instances(ServiceId=registry["Id"])["Instances"] == []
assert ecs.delete_cluster(cluster="shop")["cluster"]["status"] == "INACTIVE"
print("ok")
