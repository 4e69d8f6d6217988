"""Tasks of two accounts that call the API with the credentials of their roles.

credentials.py ENDPOINT PYTHON ADMIN: PYTHON is the command of the tasks, ADMIN the
address of the admin listener of the node.
"""

import json
import sys
import time
import urllib.request

import boto3
from botocore.config import Config

endpoint, python, admin = sys.argv[1:]
config = Config(retries={"mode": "standard", "total_max_attempts": 1}, inject_host_prefix=False)

INSIDE = r"""
import json, os, socket, sys, time, urllib.error, urllib.request
import boto3
from botocore.exceptions import ClientError

given = json.loads(sys.argv[1])
told = {}


def get(url):
    return json.load(urllib.request.urlopen(url, timeout=5))


def denied(call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"


def reached(address):
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True


def status(url):
    try:
        return urllib.request.urlopen(url, timeout=2).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


cloudmap = boto3.client("servicediscovery")
found = cloudmap.discover_instances(NamespaceName="shop.internal", ServiceName="orders")["Instances"]
told["found"] = [i["InstanceId"] for i in found]
told["caller"] = boto3.client("sts").get_caller_identity()["Arn"]
told["register"] = denied(cloudmap.register_instance, ServiceId=given["service"], InstanceId="x", Attributes={"AWS_INSTANCE_IPV4": "192.0.2.9"})
told["list tasks"] = denied(boto3.client("ecs").list_tasks, cluster="c")
told["dns"] = socket.gethostbyname("orders.shop.internal")
told["task"] = get(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task")["TaskARN"]
keys = get("http://169.254.170.2" + os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
told["role"] = keys["RoleArn"]
gateway = socket.gethostbyname("api.cairn.internal")
told["api"] = reached((gateway, given["api"]))
told["admin"] = [reached((a, given["admin"])) for a in ("127.0.0.1", gateway)]
told["other"] = [status("http://%s%s%s" % (a, port, path)) for a in given["addresses"] for port in ("", ":51679") for path in given["paths"]]
told["paths"] = [status("http://169.254.170.2" + path) for path in given["paths"]]
print("TOLD", json.dumps(told), flush=True)
time.sleep(3600)
"""


class Account:
    def __init__(self, number, name):
        session = boto3.Session("AKIA" + name, "secret-of-" + name, region_name="us-east-1")
        self.number = number
        self.ecs = session.client("ecs", endpoint_url=endpoint, config=config)
        self.cloudmap = session.client("servicediscovery", endpoint_url=endpoint, config=config)
        operation = self.cloudmap.create_private_dns_namespace(Name="shop.internal", Vpc="vpc-abcd1234")["OperationId"] if name == "ONE" else None
        self.service = ""
        if operation:
            while self.cloudmap.get_operation(OperationId=operation)["Operation"]["Status"] != "SUCCESS":
                time.sleep(0.1)
            namespace = self.cloudmap.list_namespaces()["Namespaces"][0]["Id"]
            self.service = self.cloudmap.create_service(Name="orders", DnsConfig={"NamespaceId": namespace, "DnsRecords": [{"Type": "A", "TTL": 0}]})["Service"]["Id"]
            self.cloudmap.register_instance(ServiceId=self.service, InstanceId="orders-1", Attributes={"AWS_INSTANCE_IPV4": "192.0.2.1"})
            while not self.cloudmap.discover_instances(NamespaceName="shop.internal", ServiceName="orders")["Instances"]:
                time.sleep(0.1)
        self.ecs.create_cluster(clusterName="c")

    def run(self, role, command):
        self.ecs.register_task_definition(
            family="web", networkMode="awsvpc", taskRoleArn=f"arn:aws:iam::{self.number}:role/{role}",
            containerDefinitions=[{"name": "app", "image": "host", "memory": 256, "command": command}],
        )
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        return self.ecs.run_task(cluster="c", taskDefinition="web", networkConfiguration=network)["tasks"][0]["taskArn"]

    def wait(self, task, *statuses):
        for _ in range(1200):
            found = self.ecs.describe_tasks(cluster="c", tasks=[task])["tasks"][0]
            if found["lastStatus"] in statuses:
                return found
            assert found["lastStatus"] != "STOPPED", found
            time.sleep(0.1)
        raise AssertionError(f"{statuses}: {found}")


one, two = Account("111111111111", "ONE"), Account("222222222222", "TWO")

bad = one.wait(one.run("untrusting", [python, "-c", "pass"]), "STOPPED")
assert bad["stopCode"] == "TaskFailedToStart", bad
assert "ECS was unable to assume the role 'arn:aws:iam::111111111111:role/untrusting' that was provided for this task." in bad["stoppedReason"], bad

# A role may register tasks in one service of Cloud Map and not in another.
namespace = one.cloudmap.list_namespaces()["Namespaces"][0]["Id"]
red = one.cloudmap.create_service(
    Name="red", NamespaceId=namespace, DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 0}]}, Tags=[{"Key": "team", "Value": "red"}])["Service"]
network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def registering(name, service):
    labels = {"cairn.discovery.namespace-id": namespace, "cairn.discovery.service-name": service, "cairn.discovery.container-port": "80"}
    one.ecs.register_task_definition(
        family=name, networkMode="awsvpc", executionRoleArn="registrar",
        containerDefinitions=[{"name": "app", "image": "host", "memory": 64, "command": ["sleep", "3600"], "dockerLabels": labels, "portMappings": [{"containerPort": 80}]}])
    return one.ecs.run_task(cluster="c", taskDefinition=name, networkConfiguration=network)["tasks"][0]["taskArn"]


allowed = registering("allowed", "red")
one.wait(allowed, "RUNNING")
assert [i["Id"] for i in one.cloudmap.list_instances(ServiceId=red["Id"])["Instances"]] == [allowed.split("/")[-1]]
one.ecs.stop_task(cluster="c", task=allowed)
one.wait(allowed, "STOPPED")
denied = one.wait(registering("denied", "orders"), "STOPPED")
refusal = (
    "ResourceInitializationError: unable to register service discovery instance: AccessDeniedException: "
    f"User: arn:aws:sts::{one.number}:assumed-role/registrar/" + "%s is not authorized to perform: servicediscovery:RegisterInstance on resource: "
    f"arn:aws:servicediscovery:us-east-1:{one.number}:service/{one.service} because no identity-based policy allows the servicediscovery:RegisterInstance action"
)
assert (denied["stopCode"], denied["stoppedReason"]) == ("TaskFailedToStart", refusal % denied["taskArn"].split("/")[-1]), denied
one.ecs.create_service(cluster="c", serviceName="denied", taskDefinition="denied", desiredCount=1, networkConfiguration=network)
for _ in range(1200):
    service = one.ecs.describe_services(cluster="c", services=["denied"])["services"][0]
    if any(refusal.split("%s")[1] in event["message"] for event in service["events"]):
        break
    time.sleep(0.1)
else:
    raise AssertionError(service["events"])
one.ecs.delete_service(cluster="c", service="denied", force=True)
assert [i["Id"] for i in one.cloudmap.list_instances(ServiceId=one.service)["Instances"]] == ["orders-1"]

other = two.wait(two.run("reader", [python, "-c", "import time; time.sleep(3600)"]), "RUNNING")
number = other["taskArn"].split("/")[-1]
container = other["containers"][0]["containerArn"].split("/")[-1]
credentials = "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:]))
given = {
    "service": one.service, "api": int(endpoint.split(":")[-1]), "admin": int(admin.split(":")[-1]),
    "addresses": [d["value"] for d in other["attachments"][0]["details"] if d["name"] == "privateIPv4Address"],
    "paths": [f"/v4/{container}", f"/v3/{container}/task", f"/v2/credentials/{credentials}"],
}
task = one.run("reader", [python, "-c", INSIDE, json.dumps(given)])
one.wait(task, "RUNNING", "STOPPED")

told = None
logs = urllib.request.urlopen(f"http://{admin}/tasks/logs?follow=true&task=" + task.split("/")[-1], timeout=120)
for line in logs:
    text = line.decode()
    print(text, end="")
    if text.startswith("TOLD "):
        told = json.loads(text[5:])
        break
want = {
    "found": ["orders-1"],
    "caller": f"arn:aws:sts::{one.number}:assumed-role/reader/" + task.split("/")[-1],
    "register": "AccessDeniedException", "list tasks": "AccessDeniedException",
    "dns": "192.0.2.1", "task": task, "role": f"arn:aws:iam::{one.number}:role/reader",
    "api": True, "admin": [False, False],
    "other": [0] * 2 * len(given["paths"]), "paths": [404, 404, 400],
}
assert told == want, f"told {told}\nwant {want}"
