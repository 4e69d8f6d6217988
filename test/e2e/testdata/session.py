"""Calls every operation of Cloud Map with boto3, as a program of a user would.

session.py ENDPOINT [--prefix]: with --prefix boto3 puts "data-" before the host
name of the two discovery operations, as it does by default.
"""

import datetime
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(inject_host_prefix="--prefix" in sys.argv, retries={"total_max_attempts": 1})
client = boto3.client("servicediscovery", endpoint_url=sys.argv[1], config=config)
calls = 0


def call(name, **parameters):
    global calls
    calls += 1
    answer = getattr(client, name)(**parameters)
    metadata = answer.pop("ResponseMetadata")
    assert metadata["RequestId"] and metadata["HTTPStatusCode"] == 200, metadata
    return answer


def fails(code, name, **parameters):
    try:
        answer = call(name, **parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["Error"]["Message"], error
        if hasattr(client.exceptions, code):
            assert isinstance(error, getattr(client.exceptions, code)), error
        return error.response
    raise AssertionError(f"{name} {parameters}: {answer}, want {code}")


def target(answer, kind):
    operation = call("get_operation", OperationId=answer["OperationId"])["Operation"]
    assert operation["Status"] == "SUCCESS", operation
    age = datetime.datetime.now(datetime.timezone.utc) - operation["CreateDate"]
    assert abs(age) < datetime.timedelta(minutes=10), operation
    return operation["Targets"][kind]


def discovered(**parameters):
    answer = call("discover_instances", **parameters)
    return sorted(i["InstanceId"] for i in answer["Instances"])


# Namespaces
soa = {"DnsProperties": {"SOA": {"TTL": 60}}}
request = dict(Name="http", CreatorRequestId="r", Description="d", Tags=[{"Key": "k", "Value": "v"}])
created = call("create_http_namespace", **request)
http = target(created, "NAMESPACE")
assert call("create_http_namespace", **request) == created
exists = fails("NamespaceAlreadyExists", "create_http_namespace", Name="http")
assert exists["NamespaceId"] == http and exists["CreatorRequestId"] == "r", exists
private = target(call("create_private_dns_namespace", Name="private", Vpc="vpc-1", Properties=soa), "NAMESPACE")
public = target(call("create_public_dns_namespace", Name="public.example", Properties=soa), "NAMESPACE")
fails("InvalidInput", "create_public_dns_namespace", Name="nolabels")
target(call("update_http_namespace", Id=http, Namespace={"Description": "new"}), "NAMESPACE")
target(call("update_private_dns_namespace", Id=private, Namespace={"Properties": soa}), "NAMESPACE")
updated = call("update_public_dns_namespace", Id=public, UpdaterRequestId="u", Namespace={"Description": "new"})
duplicate = fails("DuplicateRequest", "update_public_dns_namespace", Id=public, UpdaterRequestId="u", Namespace={"Description": "x"})
assert duplicate["DuplicateOperationId"] == updated["OperationId"], duplicate
got = call("get_namespace", Id=private)["Namespace"]
assert got["Properties"]["DnsProperties"]["SOA"]["TTL"] == 60 and got["Properties"]["DnsProperties"]["HostedZoneId"], got
assert got["Properties"]["HttpProperties"]["HttpName"] == "private", got
fails("NamespaceNotFound", "get_namespace", Id="ns-none")
pages = client.get_paginator("list_namespaces").paginate(PaginationConfig={"PageSize": 1})
assert sorted(n["Id"] for page in pages for n in page["Namespaces"]) == sorted([http, private, public])
listed = call("list_namespaces", Filters=[{"Name": "TYPE", "Values": ["HTTP"], "Condition": "EQ"}])
assert [n["Id"] for n in listed["Namespaces"]] == [http], listed

# Services
service = call("create_service", Name="web", NamespaceId=http, CreatorRequestId="s", HealthCheckCustomConfig={"FailureThreshold": 1})["Service"]
web, arn = service["Id"], service["Arn"]
exists = fails("ServiceAlreadyExists", "create_service", Name="web", NamespaceId=http)
assert exists["ServiceId"] == web and exists["CreatorRequestId"] == "s", exists
records = {"DnsRecords": [{"Type": "A", "TTL": 300}]}
dns = call("create_service", Name="dns", DnsConfig={"NamespaceId": private, **records})["Service"]["Id"]
target(call("update_service", Id=dns, Service={"DnsConfig": records}), "SERVICE")
assert call("get_service", Id=arn)["Service"]["Id"] == web
fails("ServiceNotFound", "get_service", Id="srv-none")
assert len(call("list_services", Filters=[{"Name": "NAMESPACE_ID", "Values": [http]}])["Services"]) == 1

# Tags
call("tag_resource", ResourceARN=arn, Tags=[{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}])
call("untag_resource", ResourceARN=arn, TagKeys=["a"])
assert call("list_tags_for_resource", ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
many = [{"Key": str(i), "Value": ""} for i in range(50)]
assert fails("TooManyTagsException", "tag_resource", ResourceARN=arn, Tags=many)["ResourceName"] == arn
fails("ResourceNotFoundException", "list_tags_for_resource", ResourceARN=arn[:-1] + "1")

# Attributes of services, which older versions do not know.
if hasattr(client, "get_service_attributes"):
    call("update_service_attributes", ServiceId=web, Attributes={"a": "1", "b": "2"})
    call("delete_service_attributes", ServiceId=web, Attributes=["a"])
    assert call("get_service_attributes", ServiceId=web)["ServiceAttributes"]["Attributes"] == {"b": "2"}
    fails("ServiceAttributesLimitExceededException", "update_service_attributes", ServiceId=web, Attributes={str(i): "" for i in range(30)})

# Instances
register = dict(ServiceId=web, InstanceId="one", Attributes={"color": "red"}, CreatorRequestId="i")
registered = call("register_instance", **register)
assert target(registered, "INSTANCE") == "one" and call("register_instance", **register) == registered
call("register_instance", ServiceId=web, InstanceId="two", Attributes={"color": "blue", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY", "empty": ""})
fails("InvalidInput", "register_instance", ServiceId=dns, InstanceId="one", Attributes={"AWS_INSTANCE_IPV4": "10.0.0.256"})
assert call("get_instance", ServiceId=web, InstanceId="one")["Instance"]["Attributes"] == {"color": "red"}
fails("InstanceNotFound", "get_instance", ServiceId=web, InstanceId="none")
pages = client.get_paginator("list_instances").paginate(ServiceId=web, PaginationConfig={"PageSize": 1})
assert [i["Id"] for page in pages for i in page["Instances"]] == ["one", "two"]
fails("ResourceInUse", "delete_service", Id=web)

# Health and discovery
name = dict(NamespaceName="http", ServiceName="web")
revision = call("discover_instances_revision", **name)["InstancesRevision"]
assert discovered(**name) == ["one"] and discovered(HealthStatus="ALL", **name) == ["one", "two"]
assert discovered(QueryParameters={"color": "blue"}, HealthStatus="HEALTHY_OR_ELSE_ALL", **name) == ["two"]
assert discovered(OptionalParameters={"color": "green"}, **name) == ["one"]
call("update_instance_custom_health_status", ServiceId=web, InstanceId="two", Status="HEALTHY")
assert call("get_instances_health_status", ServiceId=web)["Status"] == {"one": "HEALTHY", "two": "HEALTHY"}
fails("CustomHealthNotFound", "update_instance_custom_health_status", ServiceId=dns, InstanceId="x", Status="HEALTHY")
assert call("discover_instances_revision", **name)["InstancesRevision"] == revision
fails("NamespaceNotFound", "discover_instances", NamespaceName="none", ServiceName="web")

# The end
for instance in "one", "two":
    target(call("deregister_instance", ServiceId=web, InstanceId=instance), "INSTANCE")
assert call("discover_instances_revision", **name)["InstancesRevision"] > revision
fails("ResourceInUse", "delete_namespace", Id=http)
operations = call("list_operations", Filters=[{"Name": "SERVICE_ID", "Values": [web]}])["Operations"]
assert len(operations) == 4 and all(o["Status"] == "SUCCESS" for o in operations), operations
for service in web, dns:
    call("delete_service", Id=service)
for namespace in http, private, public:
    target(call("delete_namespace", Id=namespace), "NAMESPACE")
fails("OperationNotFound", "get_operation", OperationId="none")
print(f"boto3 {boto3.__version__}: {calls} calls")
