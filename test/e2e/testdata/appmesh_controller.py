"""Makes the calls of the App Mesh controller for Kubernetes, v1.13, in its order:
appmesh_controller.py ENDPOINT.

For each object it describes, creates if the answer is NotFoundException, and otherwise
updates if the specs differ. So any default or other order in an answer would make it
update for ever.
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

client = boto3.client("appmesh", endpoint_url=sys.argv[1], config=Config(retries={"total_max_attempts": 1}))
owner = boto3.client("sts", endpoint_url=sys.argv[1]).get_caller_identity()["Account"]
changes = []


def camel(kind):
    first, *rest = kind.split("_")
    return first + "".join(word.capitalize() for word in rest)


def pruned(value):
    """A spec as the controller compares it: what is empty counts as absent."""
    if isinstance(value, dict):
        return {k: v for k, v in ((k, pruned(v)) for k, v in value.items()) if v not in (None, [])}
    return [pruned(v) for v in value] if isinstance(value, list) else value


def mesh_of(kind):
    return {} if kind == "mesh" else {"meshName": "m", "meshOwner": owner}


def describe(kind, name, **around):
    parameters = {**mesh_of(kind), **around, camel(kind) + "Name": name}
    if kind == "mesh":
        parameters["meshOwner"] = owner
    try:
        return getattr(client, "describe_" + kind)(**parameters)[camel(kind)]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "NotFoundException", error
        return None


def reconcile(kind, name, spec, **around):
    found = describe(kind, name, **around)
    named = {**mesh_of(kind), **around, camel(kind) + "Name": name}
    if found is None:
        found = getattr(client, "create_" + kind)(**named, spec=spec)[camel(kind)]
        changes.append(f"create {name}")
    elif found["metadata"]["resourceOwner"] == owner and pruned(found["spec"]) != pruned(spec):
        found = getattr(client, "update_" + kind)(**named, spec=spec)[camel(kind)]
        changes.append(f"update {name}")
    assert found["status"]["status"] == "ACTIVE" and found["metadata"]["arn"].startswith("arn:aws:appmesh:"), found


def protocol(spec):
    return next(k[:-5] for k in spec if k.endswith("Route"))


def reconcile_router(name, spec, routes):
    """Deletes routes whose protocol no longer fits, updates the router, then its routes."""
    if describe("virtual_router", name) is None:
        found = {}
    else:
        pages = client.get_paginator("list_routes").paginate(meshName="m", meshOwner=owner, virtualRouterName=name)
        found = {r["routeName"]: r for page in pages for r in page["routes"]}
    protocols = {listener["portMapping"]["protocol"] for listener in spec["listeners"]}
    for route in list(found):
        current = describe("route", route, virtualRouterName=name)
        if route not in routes or protocol(current["spec"]) not in protocols:
            client.delete_route(meshName="m", meshOwner=owner, virtualRouterName=name, routeName=route)
            changes.append(f"delete {route}")
    reconcile("virtual_router", name, spec)
    for route, route_spec in routes.items():
        reconcile("route", route, route_spec, virtualRouterName=name)


def listener(port, kind):
    return {"portMapping": {"port": port, "protocol": kind}}


def node(port, kind, *backends):
    return {
        "listeners": [listener(port, kind)], "backends": [{"virtualService": {"virtualServiceName": b}} for b in backends],
        "serviceDiscovery": {"awsCloudMap": {"namespaceName": "shop", "serviceName": "x"}},
    }


def route(kind, **match):
    return {kind + "Route": {"match": match, "action": {"weightedTargets": [{"virtualNode": "a", "weight": 100}]}}}


def world(kind, ports, routes):
    reconcile("mesh", "m", {"egressFilter": {"type": "DROP_ALL"}})
    # a and b are backends of each other, so one names a service that does not exist yet.
    reconcile("virtual_node", "a", node(8080, kind, "b.shop"))
    reconcile("virtual_node", "b", node(8080, kind, "a.shop"))
    reconcile_router("r", {"listeners": [listener(p, kind) for p in ports]}, routes)
    reconcile("virtual_service", "a.shop", {"provider": {"virtualRouter": {"virtualRouterName": "r"}}})
    reconcile("virtual_service", "b.shop", {"provider": {"virtualNode": {"virtualNodeName": "b"}}})
    reconcile("virtual_gateway", "g", {"listeners": [listener(8088, "http")]})
    target = {"virtualService": {"virtualServiceName": "a.shop"}, "port": ports[0]}
    reconcile("gateway_route", "gr", {"httpRoute": {"match": {"prefix": "/"}, "action": {"target": target}}}, virtualGatewayName="g")


def expect(what, *want):
    assert changes == list(want), f"{what}: {changes}"
    changes.clear()


one = {"x": route("http", prefix="/")}
world("http", [8080], one)
expect("creation", *(f"create {n}" for n in ("m", "a", "b", "r", "x", "a.shop", "b.shop", "g", "gr")))
world("http", [8080], one)
expect("nothing has changed")
# Routes get ports before the second listener comes.
one = {"x": route("http", prefix="/", port=8080)}
world("http", [8080], one)
expect("a port", "update x")
two = {**one, "y": route("http", prefix="/y", port=8081)}
world("http", [8080, 8081], two)
expect("a second listener", "update r", "create y")
world("http", [8080, 8081], two)
expect("nothing has changed")
world("http2", [8080], {"x": route("http2", prefix="/")})
expect("another protocol", "update a", "update b", "delete x", "delete y", "update r", "create x")
world("http2", [8080], {"x": route("http2", prefix="/")})
expect("nothing has changed")

client.delete_gateway_route(meshName="m", meshOwner=owner, virtualGatewayName="g", gatewayRouteName="gr")
client.delete_virtual_gateway(meshName="m", meshOwner=owner, virtualGatewayName="g")
for service in "a.shop", "b.shop":
    client.delete_virtual_service(meshName="m", meshOwner=owner, virtualServiceName=service)
client.delete_route(meshName="m", meshOwner=owner, virtualRouterName="r", routeName="x")
client.delete_virtual_router(meshName="m", meshOwner=owner, virtualRouterName="r")
for name in "a", "b":
    client.delete_virtual_node(meshName="m", meshOwner=owner, virtualNodeName=name)
client.delete_mesh(meshName="m")
assert describe("mesh", "m") is None
print("ok")
