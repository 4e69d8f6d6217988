"""Makes the calls of Kubernetes controllers that were written for AWS, in their order.

controllers.py ENDPOINT
"""

import hashlib
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(inject_host_prefix=False, retries={"total_max_attempts": 1})
client = boto3.client("servicediscovery", endpoint_url=sys.argv[1], config=config)


def finished(answer):
    """Polls an operation as the MCS controller does, which allows it a minute."""
    for _ in range(30):
        operation = client.get_operation(OperationId=answer["OperationId"])["Operation"]
        if operation["Status"] in ("SUCCESS", "FAIL"):
            assert operation["Status"] == "SUCCESS", operation
            return operation["Targets"]
        time.sleep(2)
    raise AssertionError(f"not finished: {operation}")


def pages(operation, result, **parameters):
    return [row for page in client.get_paginator(operation).paginate(**parameters) for row in page[result]]


def external_dns():
    """external-dns waits for no operation, and reads by the namespace's name."""
    client.create_private_dns_namespace(Name="apps.internal", Vpc="vpc-1")
    found = pages("list_namespaces", "Namespaces", Filters=[{"Name": "TYPE", "Values": ["DNS_PRIVATE"]}])
    namespace = next(n for n in found if n["Name"] == "apps.internal")
    owner = "heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/default/web"
    balancer = "k8s-default-web-0123456789-0123456789.elb.us-east-1.amazonaws.com"  # too long for an instance id
    endpoints = {
        "web": ("A", "MULTIVALUE", {"10.0.0.1": {"AWS_INSTANCE_IPV4": "10.0.0.1"}, "10.0.0.2": {"AWS_INSTANCE_IPV4": "10.0.0.2"}}),
        "six": ("AAAA", "MULTIVALUE", {"fd00::1": {"AWS_INSTANCE_IPV6": "fd00::1"}}),
        "docs": ("CNAME", "WEIGHTED", {"docs.example.com": {"AWS_INSTANCE_CNAME": "Docs.example.com"}}),
        "shop": ("A", "WEIGHTED", {hashlib.sha256(balancer.encode()).hexdigest(): {"AWS_ALIAS_DNS_NAME": balancer}}),
    }
    for name, (kind, policy, instances) in endpoints.items():
        service = client.create_service(
            Name=name, NamespaceId=namespace["Id"], Description=owner,
            DnsConfig={"RoutingPolicy": policy, "DnsRecords": [{"Type": kind, "TTL": 300}]},
        )["Service"]
        for instance, attributes in instances.items():
            client.register_instance(ServiceId=service["Id"], InstanceId=instance, Attributes=attributes)
    services = pages(
        "list_services", "Services", Filters=[{"Name": "NAMESPACE_ID", "Values": [namespace["Id"]]}], PaginationConfig={"PageSize": 2})
    assert sorted(s["Name"] for s in services) == sorted(endpoints), services
    for service in services:
        kind, policy, instances = endpoints[service["Name"]]
        assert service["Description"] == owner and service["DnsConfig"]["RoutingPolicy"] == policy, service
        got = client.discover_instances(NamespaceName="apps.internal", ServiceName=service["Name"])["Instances"]
        assert {i["InstanceId"]: i["Attributes"] for i in got} == instances, got
        client.update_service(Id=service["Id"], Service={"Description": owner, "DnsConfig": {"DnsRecords": [{"Type": kind, "TTL": 60}]}})
        assert client.get_service(Id=service["Id"])["Service"]["DnsConfig"]["DnsRecords"] == [{"Type": kind, "TTL": 60}]
        for instance in instances:
            client.deregister_instance(ServiceId=service["Id"], InstanceId=instance)
        client.delete_service(Id=service["Id"])
    client.delete_namespace(Id=namespace["Id"])


def mcs(create, config):
    """The MCS controller keeps the endpoints of all clusters of a set in one service."""
    namespace = finished(create)["NAMESPACE"]
    service = client.create_service(Name="export", NamespaceId=namespace, **config)["Service"]["Id"]
    begun, wanted = int(time.time()), {}
    for cluster in "one", "two":
        for host in range(1, 4):
            address = f"10.0.{len(cluster)}{len(wanted)}.{host}"
            wanted[f"tcp-{address.replace('.', '_')}-80"] = {
                "AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": "80", "ENDPOINT_PORT_NAME": "", "ENDPOINT_PROTOCOL": "TCP",
                "READY": "true", "HOSTNAME": "", "NODENAME": "", "CLUSTER_ID": cluster, "CLUSTERSET_ID": "set", "SERVICE_PORT_NAME": "",
                "SERVICE_PORT": "80", "SERVICE_TARGET_PORT": "8080", "SERVICE_PROTOCOL": "TCP", "SERVICE_TYPE": "ClusterSetIP",
                "SERVICE_EXPORT_CREATION_TIMESTAMP": "1700000000000", "K8S_CONTROLLER": "aws-cloud-map-mcs-controller-for-k8s 1.0 (abc)",
            }
    operations = [client.register_instance(ServiceId=service, InstanceId=i, Attributes=a) for i, a in wanted.items()]
    for operation in operations:
        finished(operation)
    listed = pages("list_operations", "Operations", Filters=[
        {"Name": "SERVICE_ID", "Values": [service]}, {"Name": "TYPE", "Values": ["REGISTER_INSTANCE"]},
        {"Name": "STATUS", "Values": ["SUCCESS", "FAIL"], "Condition": "IN"},
        {"Name": "UPDATE_DATE", "Values": [str(begun), str(int(time.time()) + 1)], "Condition": "BETWEEN"},
    ])
    assert {o["Id"] for o in listed} == {o["OperationId"] for o in operations}, listed
    name = client.get_namespace(Id=namespace)["Namespace"]["Properties"]["HttpProperties"]["HttpName"]
    for query, count in ({"CLUSTERSET_ID": "set"}, 6), ({"CLUSTERSET_ID": "set", "CLUSTER_ID": "two", "HOSTNAME": ""}, 3), ({"CLUSTERSET_ID": "x"}, 0):
        got = client.discover_instances(
            NamespaceName=name, ServiceName="export", HealthStatus="ALL", MaxResults=1000, QueryParameters=query)["Instances"]
        assert len(got) == count and all(wanted[i["InstanceId"]] == i["Attributes"] for i in got), got
    for operation in [client.deregister_instance(ServiceId=service, InstanceId=i) for i in wanted]:
        finished(operation)
    client.delete_service(Id=service)
    finished(client.delete_namespace(Id=namespace))


def app_mesh():
    """The App Mesh controller gets or creates a service by the id of its object."""
    namespace = finished(client.create_private_dns_namespace(Name="mesh.local", Vpc="vpc-1"))["NAMESPACE"]
    wanted = dict(
        Name="node", NamespaceId=namespace, CreatorRequestId="2f1b0c0e-uid", HealthCheckCustomConfig={"FailureThreshold": 1},
        DnsConfig={"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 300}]},
    )
    service = client.create_service(**wanted)["Service"]["Id"]
    assert client.create_service(**wanted)["Service"]["Id"] == service
    try:
        client.create_service(**{**wanted, "CreatorRequestId": "another-uid"})
        raise AssertionError("a second service of that name")
    except ClientError as error:
        assert error.response["ServiceId"] == service and error.response["CreatorRequestId"] == wanted["CreatorRequestId"], error.response
    client.register_instance(ServiceId=service, InstanceId="10.0.0.1", Attributes={
        "AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY", "k8s.io/pod": "node-1", "k8s.io/namespace": "default",
        "appmesh.k8s.aws/mesh": "mesh", "appmesh.k8s.aws/virtualNode": "node_default", "REGION": "us-east-1", "AVAILABILITY_ZONE": "us-east-1a",
    })
    assert client.get_instances_health_status(ServiceId=service)["Status"] == {"10.0.0.1": "UNHEALTHY"}
    client.update_instance_custom_health_status(ServiceId=service, InstanceId="10.0.0.1", Status="HEALTHY")
    got = client.discover_instances(NamespaceName="mesh.local", ServiceName="node", QueryParameters={"k8s.io/pod": "node-1"})["Instances"]
    assert [i["HealthStatus"] for i in got] == ["HEALTHY"], got


external_dns()
mcs(client.create_http_namespace(Name="fleet"), {})
mcs(client.create_private_dns_namespace(Name="fleet", Vpc="vpc-1"), {"DnsConfig": {"DnsRecords": [{"Type": "SRV", "TTL": 60}]}})
app_mesh()
print(f"boto3 {boto3.__version__}")
