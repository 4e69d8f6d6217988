"""Breaks every constraint that the API's model puts on inputs, one at a time, and
holds every answer against the model.

conformance.py MODEL ENDPOINT [--strict]

It knows the API from its model alone; what it must be told is one valid input for
each operation. It is independent of the generated code on purpose, and of any
AWS library, which would keep wrong inputs back.
"""

import http.client
import json
import re
import sys
import urllib.parse

MODEL = json.load(open(sys.argv[1]))
SHAPES = MODEL["shapes"]
STRICT = "--strict" in sys.argv
address = urllib.parse.urlsplit(sys.argv[2])
connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
defects = []
calls = 0


def defect(*what):
    defects.append(" ".join(str(w) for w in what)[:1000])


def call(operation, body):
    """Returns the answer's body, which is held against the model, and "" for none."""
    global calls
    calls += 1
    header = {"X-Amz-Target": MODEL["metadata"]["targetPrefix"] + "." + operation, "Content-Type": "application/x-amz-json-1.1"}
    connection.request("POST", "/", json.dumps(body), header)
    answer = connection.getresponse()
    text = answer.read()
    for name in "x-amzn-RequestId", "Content-Length", "Content-Type", "Date":
        if not answer.getheader(name):
            defect(operation, "answers without", name)
    value = json.loads(text) if text else ""
    if answer.status != 200:
        check_error(operation, answer, value)
    elif "output" in MODEL["operations"][operation]:
        check_shape(operation, MODEL["operations"][operation]["output"]["shape"], value)
    elif text:
        defect(operation, "has no output and answers", text)
    return value


def check_error(operation, answer, value):
    code = value.get("__type")
    if answer.getheader("x-amzn-ErrorType") != code:
        defect(operation, code, "and header", answer.getheader("x-amzn-ErrorType"))
    if not value.get("message") or value["message"] != value.get("Message"):
        defect(operation, "wants both messages:", value)
    declared = [e["shape"] for e in MODEL["operations"][operation].get("errors", [])]
    if code in declared:
        members = {k: v for k, v in value.items() if k not in ("__type", "message")}
        check_shape(operation, code, members)
        if members.keys() != SHAPES[code]["members"].keys():
            defect(operation, code, "has members", members)
    elif code != "SerializationException":
        defect(operation, "does not declare", value)


TYPES = {"structure": dict, "map": dict, "list": list, "string": str, "integer": int, "long": int, "timestamp": (int, float)}


def check_shape(where, name, value):
    shape = SHAPES[name]
    if not isinstance(value, TYPES[shape["type"]]) or isinstance(value, bool):
        return defect(where, "is no", name + ":", value)
    if shape["type"] == "structure":
        for member in shape.get("required", []):
            if member not in value:
                defect(where, "lacks", member)
        for member, part in value.items():
            if member in shape["members"]:
                check_shape(f"{where}.{member}", shape["members"][member]["shape"], part)
            else:
                defect(where, "has", member, "which is not in", name)
    elif shape["type"] == "list":
        for part in value:
            check_shape(where + "[]", shape["member"]["shape"], part)
    elif shape["type"] == "map":
        for part in value.values():
            check_shape(where + "{}", shape["value"]["shape"], part)
    elif value not in enum(name, shape) and enum(name, shape):
        defect(where, value, "is not of", name)
    elif shape["type"] == "timestamp" and not 1.5e9 < value < 4.2e9:
        defect(where, value, "is not in seconds")


def enum(name, shape):
    """The values of an enum, ours included, or an empty list."""
    return shape.get("enum", []) + (["LATENCY"] if name == "RoutingPolicy" and not STRICT else [])


def must(operation, **body):
    answer = call(operation, body)
    if "__type" in answer:
        sys.exit(f"{operation} {body}: {answer}")
    return answer


def made(answer):
    return must("GetOperation", OperationId=answer["OperationId"])["Operation"]["Targets"]["NAMESPACE"]


# What the valid inputs are about. None of them may break a rule of the model; most
# change nothing, and it does not matter whether they succeed.
soa = {"DnsProperties": {"SOA": {"TTL": 60}}}
tags = [{"Key": "k", "Value": "v"}]
records = {"DnsRecords": [{"Type": "A", "TTL": 5}]}
check = {"Type": "HTTP", "ResourcePath": "/x", "FailureThreshold": 2}
http_id = made(must("CreateHttpNamespace", Name="h", CreatorRequestId="c", Description="d", Tags=tags))
private_id = made(must("CreatePrivateDnsNamespace", Name="p.local", Vpc="vpc-1", Properties=soa))
public_id = made(must("CreatePublicDnsNamespace", Name="p.example", Properties=soa))
web = must("CreateService", Name="web", NamespaceId=http_id, HealthCheckCustomConfig={"FailureThreshold": 1})["Service"]
api = must("CreateService", Name="api", NamespaceId=public_id, DnsConfig=records, HealthCheckConfig=check)["Service"]
registered = must("RegisterInstance", ServiceId=web["Id"], InstanceId="i", Attributes={"a": "b"})
of_web, instance, account = {"ServiceId": web["Id"]}, {"ServiceId": web["Id"], "InstanceId": "i"}, web["ResourceOwner"]
named = {"NamespaceName": "h", "ServiceName": "web", "OwnerAccount": account}
page = {"MaxResults": 1, "NextToken": ""}
create = {"Name": "x.y", "CreatorRequestId": "r", "Description": "d", "Tags": tags}
change = {"Description": "d", "Properties": soa}


def filtered(name, value):
    return {**page, "Filters": [{"Name": name, "Values": [value], "Condition": "EQ"}]}


VALID = {
    "CreateHttpNamespace": create,
    "CreatePrivateDnsNamespace": {**create, "Vpc": "vpc-1", "Properties": soa},
    "CreatePublicDnsNamespace": {**create, "Properties": soa},
    "CreateService": {
        **create, "NamespaceId": public_id, "Type": "HTTP", "HealthCheckConfig": check, "HealthCheckCustomConfig": {"FailureThreshold": 1},
        "DnsConfig": {"NamespaceId": public_id, "RoutingPolicy": "MULTIVALUE", **records},
    },
    "DeleteNamespace": {"Id": "ns-none"},
    "DeleteService": {"Id": "srv-none"},
    "DeleteServiceAttributes": {**of_web, "Attributes": ["none"]},
    "DeregisterInstance": {**instance, "InstanceId": "none"},
    "DiscoverInstances": {**named, "MaxResults": 10, "QueryParameters": {"a": "b"}, "OptionalParameters": {"a": "b"}, "HealthStatus": "ALL"},
    "DiscoverInstancesRevision": named,
    "GetInstance": instance,
    "GetInstancesHealthStatus": {**of_web, **page, "Instances": ["i"]},
    "GetNamespace": {"Id": private_id},
    "GetOperation": {"OperationId": registered["OperationId"], "OwnerAccount": account},
    "GetService": {"Id": api["Id"]},
    "GetServiceAttributes": of_web,
    "ListInstances": {**of_web, **page},
    "ListNamespaces": filtered("TYPE", "DNS_PRIVATE"),
    "ListOperations": filtered("STATUS", "SUCCESS"),
    "ListServices": filtered("NAMESPACE_ID", http_id),
    "ListTagsForResource": {"ResourceARN": web["Arn"]},
    "RegisterInstance": {"ServiceId": "srv-none", "InstanceId": "i", "CreatorRequestId": "r", "Attributes": {"a": "b"}},
    "TagResource": {"ResourceARN": web["Arn"], "Tags": tags},
    "UntagResource": {"ResourceARN": web["Arn"], "TagKeys": ["none"]},
    "UpdateHttpNamespace": {"Id": http_id, "UpdaterRequestId": "u", "Namespace": {"Description": "d"}},
    "UpdateInstanceCustomHealthStatus": {**instance, "Status": "HEALTHY"},
    "UpdatePrivateDnsNamespace": {"Id": private_id, "UpdaterRequestId": "u", "Namespace": change},
    "UpdatePublicDnsNamespace": {"Id": public_id, "UpdaterRequestId": "u", "Namespace": change},
    "UpdateService": {"Id": api["Id"], "Service": {"Description": "d", "DnsConfig": records, "HealthCheckConfig": check}},
    "UpdateServiceAttributes": {**of_web, "Attributes": {"a": "b"}},
}
assert VALID.keys() == MODEL["operations"].keys()

ABSENT = object()


class Sweep:
    """Goes through the members of one operation's input."""

    def __init__(self, operation):
        self.operation = operation

    def put(self, path, value):
        body = json.loads(json.dumps(VALID[self.operation]))
        at = body
        for step in path[:-1]:
            at = at[step]
        if value is ABSENT:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        return call(self.operation, body)

    def breaks(self, path, value, constraint, where="", shown=""):
        """The value must make exactly one violation."""
        shown = shown or ("null" if value in (None, ABSENT) else f"'{text(value)}'")
        want = f"1 validation error detected: Value {shown} at '{at(path) + where}' failed to satisfy constraint: {constraint}"
        got = self.put(path, value)
        if got == "" or got.get("__type") != "InvalidInput" or got["message"] != want:
            defect(self.operation, path, "got", got, "want", want)

    def mistypes(self, path, *values):
        for value in values:
            got = self.put(path, value)
            if got == "" or got.get("__type") != "SerializationException":
                defect(self.operation, path, value, "got", got, "want SerializationException")

    def fits(self, path, value):
        got = self.put(path, value)
        if got != "" and (got.get("__type") == "SerializationException" or "validation error" in got.get("message", "")):
            defect(self.operation, path, "does not take", value, got)

    def members(self, path, name, value):
        shape = SHAPES[name]
        for member, ref in shape["members"].items():
            here = [*path, member]
            optional = (name, member) == ("DnsRecord", "TTL") and not STRICT
            for nothing in ABSENT, None:
                if member in shape.get("required", []) and not optional:
                    self.breaks(here, nothing, "Member must not be null")
                else:
                    self.fits(here, nothing)
            part = SHAPES[ref["shape"]]
            getattr(self, part["type"])(here, ref["shape"], part, value[member])

    def structure(self, path, name, shape, value):
        self.mistypes(path, "x", 5, True, [])
        self.members(path, name, value)

    def string(self, path, name, shape, value):
        self.mistypes(path, 5, 1.5, True, [], {})
        if "enum" in shape:
            for wrong in "x", "", shape["enum"][0].lower():
                self.breaks(path, wrong, f"Member must satisfy enum value set: [{', '.join(enum(name, shape))}]")
            for right in enum(name, shape):
                self.fits(path, right)
        elif "pattern" in shape:
            for some in "", " ", "-", "a b", "a..b", "arn:x", "a\n", "\u00e9":
                if not matches(shape, some):
                    self.breaks(path, some, "Member must satisfy regular expression pattern: " + shape["pattern"])
                else:
                    self.fits(path, some)
        self.string_length(path, shape, "x")
        if "pattern" not in shape:
            self.string_length(path, shape, "\U0001f600")  # counts as one

    def string_length(self, path, shape, letter):
        if "max" in shape and matches(shape, letter * (shape["max"] + 1)):
            self.breaks(path, letter * (shape["max"] + 1), f"Member must have length less than or equal to {shape['max']}")
            self.fits(path, letter * shape["max"])
        if shape.get("min", 0) > 0:
            self.breaks(path, letter * (shape["min"] - 1), f"Member must have length greater than or equal to {shape['min']}")
            self.fits(path, letter * shape["min"])

    def integer(self, path, name, shape, value):
        self.mistypes(path, "5", True, [], {}, 1.5, 2**63)
        self.fits(path, float(value))
        if "max" in shape:
            self.breaks(path, shape["max"] + 1, f"Member must have value less than or equal to {shape['max']}")
            self.fits(path, shape["max"])
        if "min" in shape:
            self.breaks(path, shape["min"] - 1, f"Member must have value greater than or equal to {shape['min']}")
            self.fits(path, shape["min"])

    long = integer

    def list(self, path, name, shape, value):
        self.mistypes(path, "x", 5, False, {})
        element = SHAPES[shape["member"]["shape"]]
        structures = element["type"] == "structure"
        if "max" in shape:
            many = [value[0] if structures else f"k{i}" for i in range(shape["max"] + 1)]
            shown = f"'[{len(many)} elements]'" if structures else ""
            self.breaks(path, many, f"Member must have length less than or equal to {shape['max']}", shown=shown)
        if shape.get("min", 0) > 0:
            self.breaks(path, [], f"Member must have length greater than or equal to {shape['min']}")
        self.breaks(path, [None], "Member must not be null", where=".1.member", shown="null")
        if structures:
            self.structure([*path, 0], shape["member"]["shape"], element, value[0])
            return
        self.mistypes(path, [5], [True], [[]], [{}])
        for wrong in breakers(element):
            self.breaks(path, [wrong], "Member must satisfy constraint: " + constraints(element))

    def map(self, path, name, shape, value):
        self.mistypes(path, "x", 5, False, [], {"k": 5}, {"k": True}, {"k": []}, {"k": {}})
        if "max" in shape:
            many = {f"k{i}": "" for i in range(shape["max"] + 1)}
            self.breaks(path, many, f"Member must have length less than or equal to {shape['max']}")
        if shape.get("min", 0) > 0:
            self.breaks(path, {}, f"Member must have length greater than or equal to {shape['min']}")
        self.breaks(path, {"k": None}, "Member must not be null", where=".k.member", shown="null")
        key, part = SHAPES[shape["key"]["shape"]], SHAPES[shape["value"]["shape"]]
        for wrong in breakers(key):
            self.breaks(path, {wrong: "v"}, "Map keys must satisfy constraint: " + constraints(key))
        for wrong in breakers(part):
            self.breaks(path, {"k": wrong}, "Map value must satisfy constraint: " + constraints(part))

    def nothing(self):
        """All required members are missing at once."""
        required = SHAPES[MODEL["operations"][self.operation]["input"]["shape"]].get("required", [])
        if len(required) < 2:
            return
        found = [f"Value null at '{at([member])}' failed to satisfy constraint: Member must not be null" for member in required]
        got = call(self.operation, {})
        count, _, rest = got["message"].partition(" validation errors detected: ")
        if count != str(len(required)) or sorted(rest.split("; ")) != sorted(found):
            defect(self.operation, "with nothing", got, found)


def matches(shape, value):
    """Whether a string has the pattern's form, if there is one. Python's $ would let a
    line feed through."""
    return "pattern" not in shape or re.search(shape["pattern"].replace("$", r"\Z"), value) is not None


def at(path):
    """A path as it stands in AWS's messages."""
    steps = ([str(p + 1), "member"] if isinstance(p, int) else [p[0].lower() + p[1:]] for p in path)
    return ".".join(step for pair in steps for step in pair)


def text(value):
    if isinstance(value, list):
        return "[" + ", ".join(value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}={value[k]}" for k in sorted(value)) + "}"
    return str(value)


def constraints(shape):
    found = []
    if "max" in shape:
        found.append(f"Member must have length less than or equal to {shape['max']}")
    if "min" in shape:
        found.append(f"Member must have length greater than or equal to {shape['min']}")
    if "pattern" in shape:
        found.append("Member must satisfy regular expression pattern: " + shape["pattern"])
    return "[" + ", ".join(found) + "]"


def breakers(shape):
    """Values that a string in a list or map must not have."""
    if "max" in shape:
        yield "x" * (shape["max"] + 1)
    if shape.get("min", 0) > 0:
        yield ""
    if not matches(shape, "\u00e9"):
        yield "\u00e9"


for operation, body in VALID.items():
    call(operation, body)
    sweep = Sweep(operation)
    sweep.members([], MODEL["operations"][operation]["input"]["shape"], body)
    sweep.nothing()
for found in defects:
    print("-", found)
print(f"{calls} calls, {len(defects)} defects")
sys.exit(bool(defects))
