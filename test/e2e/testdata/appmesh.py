"""Calls every operation of App Mesh with boto3: appmesh.py ENDPOINT."""

import datetime
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(retries={"total_max_attempts": 1})
client = boto3.client("appmesh", endpoint_url=sys.argv[1], config=config)
called = set()


def call(name, **parameters):
    called.add(client.meta.method_to_api_mapping[name])
    answer = getattr(client, name)(**parameters)
    metadata = answer.pop("ResponseMetadata")
    assert metadata["RequestId"] and metadata["HTTPStatusCode"] == 200, metadata
    return answer


def fails(code, status, text, name, **parameters):
    try:
        answer = call(name, **parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response
        assert text in error.response["Error"]["Message"], error
        assert isinstance(error, getattr(client.exceptions, code)), error
        return
    raise AssertionError(f"{name} {parameters}: {answer}, want {code}")


def seconds(value):
    return {"unit": "s", "value": value}


port = {"port": 8080, "protocol": "http"}
files = {"certificateChain": "/keys/cert.pem", "privateKey": "/keys/key.pem"}
policy = {"tls": {
    "certificate": {"file": files}, "enforce": True, "ports": [443],
    "validation": {"trust": {"sds": {"secretName": "ca"}}, "subjectAlternativeNames": {"match": {"exact": ["a.example", "spiffe://m/ns/a/sv/b"]}}},
}}
listener = {
    "portMapping": port, "connectionPool": {"http": {"maxConnections": 10, "maxPendingRequests": 5}},
    "healthCheck": {"healthyThreshold": 2, "unhealthyThreshold": 3, "intervalMillis": 5000, "timeoutMillis": 2000, "protocol": "http", "path": "/ping", "port": 8080},
    "outlierDetection": {"baseEjectionDuration": seconds(5), "interval": {"unit": "ms", "value": 1000}, "maxEjectionPercent": 0, "maxServerErrors": 5},
    "timeout": {"http": {"idle": seconds(0), "perRequest": {"unit": "ms", "value": 1500}}},
    "tls": {"mode": "STRICT", "certificate": {"sds": {"secretName": "own"}}, "validation": {"trust": {"file": {"certificateChain": "/keys/ca.pem"}}}},
}
log = {"accessLog": {"file": {"path": "/dev/stdout", "format": {"json": [{"key": "a", "value": "%REQ(A)%"}]}}}}
node = {
    "listeners": [listener], "backends": [{"virtualService": {"virtualServiceName": "s.local", "clientPolicy": policy}}],
    "backendDefaults": {"clientPolicy": policy}, "logging": log,
    "serviceDiscovery": {"awsCloudMap": {"namespaceName": "shop", "serviceName": "cart", "ipPreference": "IPv4_ONLY", "attributes": [{"key": "k", "value": "v"}]}},
}
router = {"listeners": [{"portMapping": port}]}
header = {"name": "x", "invert": True, "match": {"range": {"start": -5, "end": 5}}}
retry = {"maxRetries": 0, "perRetryTimeout": seconds(2), "httpRetryEvents": ["server-error"], "tcpRetryEvents": ["connection-error"]}
http_route = {
    "match": {"prefix": "/", "headers": [header], "queryParameters": [{"name": "q", "match": {"exact": ""}}], "method": "GET", "scheme": "http", "port": 8080},
    "action": {"weightedTargets": [{"virtualNode": "n", "weight": 1, "port": 8080}, {"virtualNode": "bare", "weight": 0}]},
    "retryPolicy": retry, "timeout": {"idle": seconds(1), "perRequest": seconds(15)},
}
gateway_route = {
    "match": {"prefix": "/cart", "hostname": {"suffix": ".example.com"}, "headers": [header]},
    "action": {"target": {"port": 8080, "virtualService": {"virtualServiceName": "s.local"}},
               "rewrite": {"prefix": {"value": "/c/"}, "hostname": {"defaultTargetHostname": "DISABLED"}}},
}
in_mesh = {"meshName": "m"}
in_router, in_gateway = {**in_mesh, "virtualRouterName": "r"}, {**in_mesh, "virtualGatewayName": "g"}
# In the order in which they can be created: kind, parameters, name, a spec and another.
RESOURCES = [
    ("mesh", {}, "m", {}, {"egressFilter": {"type": "ALLOW_ALL"}, "serviceDiscovery": {"ipPreference": "IPv6_PREFERRED"}}),
    ("virtual_node", in_mesh, "bare", {}, {"logging": log}),
    ("virtual_node", in_mesh, "n", node, {**node, "backends": []}),
    ("virtual_router", in_mesh, "r", {}, router),
    ("route", in_router, "x", {"httpRoute": http_route, "priority": 0}, {"httpRoute": http_route}),
    ("virtual_service", in_mesh, "s.local", {"provider": {"virtualNode": {"virtualNodeName": "n"}}}, {"provider": {"virtualRouter": {"virtualRouterName": "r"}}}),
    ("virtual_gateway", in_mesh, "g", {"listeners": [{"portMapping": port}]}, {"listeners": [{"portMapping": port, "connectionPool": {"http": {"maxConnections": 1}}}], "backendDefaults": {"clientPolicy": policy}, "logging": log}),
    ("gateway_route", in_gateway, "y", {"httpRoute": gateway_route}, {"httpRoute": gateway_route, "priority": 1000}),
]


def camel(kind):
    first, *rest = kind.split("_")
    return first + "".join(word.capitalize() for word in rest)


def plural(kind):
    return "meshes" if kind == "mesh" else kind + "s"


for kind, around, name, spec, other in RESOURCES:
    key, named = camel(kind), {**around, camel(kind) + "Name": name}
    fails("NotFoundException", 404, "is not present", "describe_" + kind, **named)
    created = call("create_" + kind, **named, spec=spec, clientToken="t-" + name, tags=[{"key": "k", "value": "v"}])[key]
    metadata = created["metadata"]
    assert created["spec"] == spec and created["status"] == {"status": "ACTIVE"} and created[key + "Name"] == name, created
    assert metadata["version"] == 1 and len(metadata["uid"]) == 36 and metadata["meshOwner"] == metadata["resourceOwner"], metadata
    age = datetime.datetime.now(datetime.timezone.utc) - metadata["createdAt"]
    assert abs(age) < datetime.timedelta(minutes=10) and metadata["createdAt"] == metadata["lastUpdatedAt"], metadata
    assert call("describe_" + kind, **named)[key] == created
    again = call("create_" + kind, **named, spec=spec, clientToken="t-" + name, tags=[{"key": "k", "value": "v"}])[key]
    assert again == created, again
    fails("ConflictException", 409, "other parameters", "create_" + kind, **named, spec=other, clientToken="t-" + name)
    fails("ConflictException", 409, "already exists", "create_" + kind, **named, spec=spec)
    updated = call("update_" + kind, **named, spec=other)[key]
    assert updated["spec"] == other and updated["metadata"]["version"] == 2 and updated["metadata"]["uid"] == metadata["uid"], updated
    assert call("update_" + kind, **named, spec=other)[key] == updated
    pages = client.get_paginator("list_" + plural(kind)).paginate(**around, PaginationConfig={"PageSize": 1})
    called.add("List" + plural(kind).title().replace("_", ""))
    row = next(row for page in pages for row in page[camel(plural(kind))] if row[key + "Name"] == name)
    assert row["arn"] == metadata["arn"] and row["version"] == 2 and "spec" not in row, row
    call("tag_resource", resourceArn=metadata["arn"], tags=[{"key": "a", "value": ""}, {"key": "b", "value": "2"}])
    call("untag_resource", resourceArn=metadata["arn"], tagKeys=["a", "k"])
    tags = client.get_paginator("list_tags_for_resource").paginate(resourceArn=metadata["arn"], PaginationConfig={"PageSize": 1})
    called.add("ListTagsForResource")
    assert [t for page in tags for t in page["tags"]] == [{"key": "b", "value": "2"}]

fails("TooManyTagsException", 400, "50", "tag_resource", resourceArn=metadata["arn"], tags=[{"key": f"k{i}", "value": ""} for i in range(50)])
for kind, around, name, spec, other in RESOURCES[:4]:
    fails("ResourceInUseException", 409, "cannot be deleted", "delete_" + kind, **around, **{camel(kind) + "Name": name})
fails("ResourceInUseException", 409, "GATEWAY_ROUTE", "delete_virtual_service", **in_mesh, virtualServiceName="s.local")
fails("BadRequestException", 400, "Service Discovery can't be set without a listener.", "update_virtual_node", **in_mesh, virtualNodeName="bare",
      spec={"serviceDiscovery": {"dns": {"hostname": "a.b"}}})
for kind, around, name, spec, other in reversed(RESOURCES):
    deleted = call("delete_" + kind, **around, **{camel(kind) + "Name": name})[camel(kind)]
    assert deleted["status"] == {"status": "DELETED"} and deleted["metadata"]["version"] == (2 if kind == "mesh" else 3), deleted
assert call("list_meshes") == {"meshes": []}
assert called == set(client.meta.service_model.operation_names), set(client.meta.service_model.operation_names) - called

# The wire: a bare payload, the error's name in the header, times with milliseconds.
answer = urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/v20190125/meshes", b'{"meshName":"w"}', method="PUT"))
text = answer.read().decode()
assert answer.status == 200 and text.startswith('{"meshName":"w"') and '"spec":{}' in text, text
print(f"boto3 {boto3.__version__}: {len(called)} operations")
