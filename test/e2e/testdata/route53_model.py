"""Calls every operation of the model of Route 53 with boto3: with random valid inputs, and with
inputs that break each constraint.

route53_model.py MODEL ENDPOINT [SEED [CALLS]]

Answers must parse and be as the model says. Errors must have a code that the operation
declares, or one that any call can end in.
"""

import collections
import json
import random
import sys
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

MODEL = json.load(open(sys.argv[1]))
SHAPES = MODEL["shapes"]
SEED, CALLS = (int(v) for v in (sys.argv[3:] + ["1", "500"][len(sys.argv) - 3:])[:2])
rnd = random.Random(SEED)
client = boto3.client("route53", endpoint_url=sys.argv[2], config=Config(parameter_validation=False, retries={"max_attempts": 0}))
defects, done, refused = [], collections.Counter(), collections.Counter()
COMMON = {"InvalidInput", "InvalidArgument", "AccessDenied"}
# Private zones have no DelegationSet, and requests often no Marker, though the model calls
# these members of answers required.
LEFT_OUT = {("CreateHostedZoneResponse", "DelegationSet"), ("ListHostedZonesResponse", "Marker"), ("ListHealthChecksResponse", "Marker")}


def method(operation):
    return getattr(client, {v: k for k, v in client.meta.method_to_api_mapping.items()}[operation])


METHODS = {operation: method(operation) for operation in MODEL["operations"]}


def defect(*what):
    defects.append(" ".join(str(w) for w in what)[:800])


def call(operation, params):
    """Returns the answer, or the code of an error."""
    try:
        answer = METHODS[operation](**params)
    except ClientError as error:
        check_error(operation, params, error.response)
        return error.response["Error"]["Code"]
    except Exception as error:
        defect(operation, params, "does not parse:", repr(error))
        return "none"
    answer.pop("ResponseMetadata")
    if "output" in MODEL["operations"][operation]:
        check_shape(operation, MODEL["operations"][operation]["output"]["shape"], answer)
    done[operation] += 1
    return answer


def check_error(operation, params, answer):
    code, status = answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]
    declared = {e["shape"] for e in MODEL["operations"][operation].get("errors", [])}
    want = SHAPES.get(code, {}).get("error", {}).get("httpStatusCode", 403 if code == "AccessDenied" else 400)
    if code not in declared | COMMON or status != want:
        defect(operation, params, "is answered", status, answer["Error"])
    if not answer["Error"]["Message"] or not answer["ResponseMetadata"].get("RequestId"):
        defect(operation, "lacks a message or an id of the request:", answer)
    refused[operation, code] += 1


def check_shape(where, name, value):
    shape = SHAPES[name]
    if shape["type"] == "structure":
        for member in shape.get("required", []):
            if member not in value and (name, member) not in LEFT_OUT:
                defect(where, "lacks", member, value)
        for member, part in value.items():
            check_shape(f"{where}.{member}", shape["members"][member]["shape"], part)
    elif shape["type"] == "list":
        for part in value:
            check_shape(where + "[]", shape["member"]["shape"], part)
    elif value not in shape.get("enum", [value]):
        defect(where, value, "is not of", name)


# Values of types with a meaning. Unlike in AWS nothing here costs anything.
zones, checks, changes, sets = [], [], [], collections.defaultdict(list)
NAMES = ["example.com", "a.example.com", "b.example.com.", "*.example.com", "_x._tcp.example.com", "\\052.c.example.com", "A.Example.COM"]
VALUES = {
    "A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"], "TXT": ['"x"', '"a b" "c"', '"\\344"'], "SPF": ['"v=spf1 -all"'], "CNAME": ["other.example"],
    "NS": ["ns.example.net."], "MX": ["10 mail.example.com"], "PTR": ["host.example"], "SRV": ["1 2 3 host.example"], "CAA": ['0 issue "ca.example"'],
    "NAPTR": ['1 2 "u" "E2U+sip" "!^.*$!sip:x@example.com!" .'], "DS": ["1 13 2 " + "AB" * 32], "TLSA": ["3 1 1 " + "AB" * 32],
    "SSHFP": ["1 1 " + "AB" * 20], "SVCB": ["1 a.example alpn=h2"], "HTTPS": ["1 . port=8443"], "SOA": ["ns.example.net. hostmaster.example.net. 1 7200 900 1209600 86400"],
}


def pick(pool, otherwise):
    return rnd.choice(pool) if pool and rnd.random() < 0.95 else otherwise


def zone_id():
    return pick(zones, "ZNONE")


def vpc():
    return {"VPCRegion": "us-east-1", "VPCId": f"vpc-{rnd.randrange(4)}"}


def record_set():
    rtype = rnd.choice(list(VALUES))
    values = rnd.sample(VALUES[rtype], rnd.randint(1, len(VALUES[rtype])))
    s = {"Name": rnd.choice(NAMES), "Type": rtype, "TTL": rnd.choice([0, 60, 2**31 - 1]), "ResourceRecords": [{"Value": v} for v in values]}
    policy = rnd.choice([{}, {}, {}, {"Weight": rnd.randint(0, 255)}, {"Region": "eu-west-1"}, {"Failover": rnd.choice(["PRIMARY", "SECONDARY"])},
                         {"MultiValueAnswer": True}, {"GeoLocation": rnd.choice([{"ContinentCode": "EU"}, {"CountryCode": "*"}, {"CountryCode": "US", "SubdivisionCode": "CA"}])}])
    if policy:
        s.update(policy, SetIdentifier=rnd.choice(["one", "two", "é <&>"]))
        if checks and rnd.random() < 0.3:
            s["HealthCheckId"] = rnd.choice(checks)
    if rnd.random() < 0.1 and rtype in ("A", "AAAA"):
        del s["TTL"], s["ResourceRecords"]
        s["AliasTarget"] = {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": "lb.example.net", "EvaluateTargetHealth": rnd.random() < 0.5}
    return s


def batch(zone):
    made = []
    for _ in range(rnd.choice([1, 1, 1, 2, 5])):
        action = rnd.choice(["CREATE", "UPSERT", "DELETE"])
        made.append({"Action": action, "ResourceRecordSet": rnd.choice(sets[zone]) if action == "DELETE" and sets[zone] else record_set()})
    return {"Comment": "random", "Changes": made}


def check_config():
    kind = rnd.choice(["HTTP", "HTTPS", "TCP", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "CALCULATED"])
    if kind == "CALCULATED":
        return {"Type": kind, "HealthThreshold": rnd.randint(0, 256), "ChildHealthChecks": rnd.sample(checks, min(2, len(checks))), "Inverted": True}
    config = {"Type": kind, "IPAddress": "127.0.0.1", "Port": 1, "RequestInterval": rnd.choice([10, 30]), "FailureThreshold": rnd.randint(1, 10), "Disabled": True}
    if kind != "TCP":
        config.update(ResourcePath="/x?y=1&z", FullyQualifiedDomainName="host.example")
    if "MATCH" in kind:
        config["SearchString"] = "<ok>"
    if rnd.random() < 0.3:
        config.update(Regions=["us-east-1", "eu-west-1", "sa-east-1"], MeasureLatency=True)
    return config


# Members of inputs that need more than the model says.
SPECIAL = {
    "ResourceId": zone_id, "HealthCheckId": lambda: pick(checks, str(uuid.uuid4())), "ChangeId": lambda: pick(changes, "CNONE"), "VPC": vpc,
    "VPCId": lambda: "vpc-1", "VPCRegion": lambda: "us-east-1", "DNSName": lambda: rnd.choice(NAMES), "Nonce": lambda: uuid.uuid4().hex, "HealthCheckNonce": lambda: uuid.uuid4().hex,
    "HealthCheckConfig": check_config, "PageMaxItems": lambda: rnd.choice(["1", "2", "100", "1000"]), "MaxResults": lambda: rnd.choice(["1", "50"]),
    "PageMarker": lambda: pick(zones + checks, "x"), "IPAddress": lambda: rnd.choice(["192.0.2.1", "2001:db8::1"]), "SubnetMask": lambda: "24",
    "GeoLocationContinentCode": lambda: "EU", "GeoLocationCountryCode": lambda: "US", "GeoLocationSubdivisionCode": lambda: "CA",
    "SigningKeyName": lambda: rnd.choice(["key_1", "key_2"]), "SigningKeyString": lambda: "arn:aws:kms:us-east-1:000000000000:key/" + str(uuid.uuid4()), "SigningKeyStatus": lambda: "ACTIVE",
    "TagResourceId": lambda: zone_id(), "TagKey": lambda: rnd.choice("abc"), "TagValue": lambda: rnd.choice(["", "x", "é"]),
}
# Optional members that one of several calls must not have.
SELDOM = {"DelegationSetId", "HealthCheckVersion", "HealthThreshold", "IPAddress", "SearchString", "ChildHealthChecks", "AlarmIdentifier", "InsufficientDataHealthStatus",
          "Regions", "StartRecordType", "StartRecordIdentifier", "StartCountryCode", "StartSubdivisionCode", "EDNS0ClientSubnetMask", "ContinentCode", "VPC"}


def value(name, depth=0):
    if name in SPECIAL:
        return SPECIAL[name]()
    shape = SHAPES[name]
    kind = shape["type"]
    if kind == "structure":
        return {m: value(part["shape"], depth + 1) for m, part in shape["members"].items()
                if m in shape.get("required", []) or rnd.random() < (0.05 if m in SELDOM else 0.5)}
    if kind == "list":
        return [value(shape["member"]["shape"], depth + 1) for _ in range(rnd.randint(max(1, shape.get("min", 0)), 3))]
    if kind in ("integer", "long"):
        return rnd.randint(shape.get("min", 0), shape.get("max", 1000))
    if kind == "boolean":
        return rnd.random() < 0.5
    return rnd.choice(shape["enum"]) if "enum" in shape else "x" * max(1, shape.get("min", 0))


def inputs(operation):
    params = value(MODEL["operations"][operation]["input"]["shape"]) if "input" in MODEL["operations"][operation] else {}
    if operation == "CreateHostedZone":
        params["Name"] = rnd.choice(["example.com", "example.com."])
        params.get("HostedZoneConfig", {})["PrivateZone"] = "VPC" in params
    elif operation == "ChangeResourceRecordSets":
        params["ChangeBatch"] = batch(params["HostedZoneId"])
    elif operation == "ChangeTagsForResource" or operation.startswith("ListTags"):
        kind = rnd.choice(["hostedzone", "healthcheck"])
        ids = [zone_id() if kind == "hostedzone" else pick(checks, "none") for _ in range(3)]
        params.update({"ResourceType": kind, **({"ResourceIds": list(set(ids))} if "ResourceIds" in params else {"ResourceId": ids[0]})})
    elif operation == "GetGeoLocation":
        params = rnd.choice([{"ContinentCode": "EU"}, {"CountryCode": "US"}, {"CountryCode": "US", "SubdivisionCode": "CA"}, {}])
    elif operation == "TestDNSAnswer" and "EDNS0ClientSubnetMask" in params:
        params["EDNS0ClientSubnetIP"] = "192.0.2.0"
    return params


def remember(operation, params, answer):
    if not isinstance(answer, dict):
        return
    if "ChangeInfo" in answer:
        changes.append(answer["ChangeInfo"]["Id"].removeprefix("/change/"))
    if operation == "CreateHostedZone":
        zones.append(answer["HostedZone"]["Id"].removeprefix("/hostedzone/"))
    elif operation == "CreateHealthCheck":
        checks.append(answer["HealthCheck"]["Id"])
    elif operation == "ListResourceRecordSets":
        sets[params["HostedZoneId"]] = [s for s in answer["ResourceRecordSets"] if s["Type"] not in ("SOA", "NS")]
    elif operation == "DeleteHealthCheck":
        checks.remove(params["HealthCheckId"])
    elif operation == "DeleteHostedZone":
        zones.remove(params["Id"])


def one(operation):
    params = inputs(operation)
    answer = call(operation, params)
    remember(operation, params, answer)
    return answer


operations = sorted(MODEL["operations"])
for _ in range(3):
    one("CreateHostedZone"), one("CreateHealthCheck")
for i in range(CALLS):
    # More of what makes things than of what deletes them.
    one(rnd.choice(operations + ["CreateHostedZone", "CreateHealthCheck", "CreateKeySigningKey"] + 4 * ["ChangeResourceRecordSets"]))
for operation in operations:
    for _ in range(300):
        if done[operation]:
            break
        one(rnd.choice(operations)), one(operation)
    else:
        defect(operation, "never succeeds:", [k for k in refused if k[0] == operation])


def broken(name, at=()):
    """Yields paths into an input, and values that break one constraint each."""
    shape = SHAPES[name]
    kind = shape["type"]
    if kind == "structure":
        for member, part in shape["members"].items():
            yield from broken(part["shape"], at + (member,))
    elif kind == "list":
        if "max" in shape:
            yield at, [value(shape["member"]["shape"]) for _ in range(shape["max"] + 1)]
        yield from broken(shape["member"]["shape"], at + (0,))
    elif kind in ("integer", "long"):
        for bound, step in (("min", -1), ("max", 1)):
            if bound in shape:
                yield at, shape[bound] + step
    elif kind == "string":
        if "enum" in shape:
            yield at, "no_such_value"
        elif "max" in shape:
            yield at, "1" * (shape["max"] + 1)
        if "pattern" in shape:
            yield at, "\u00e9 !"


def full(name):
    """Returns a value with all members."""
    if SHAPES[name]["type"] == "structure":
        return {m: full(part["shape"]) for m, part in SHAPES[name]["members"].items()}
    if SHAPES[name]["type"] == "list":
        return [full(SHAPES[name]["member"]["shape"])]
    return value(name)


violations = 0
for operation in operations:
    shape = MODEL["operations"][operation].get("input", {}).get("shape")
    for path, bad in broken(shape) if shape else ():
        params = at = full(shape)
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = bad
        code = call(operation, params)
        violations += 1
        if code != "InvalidInput":
            defect(operation, path, str(bad)[:40], "is answered", str(code)[:200])

print("seed", SEED, "successes", sum(done.values()), "refusals", sum(refused.values()), "violations", violations)
print(dict(refused))
if defects:
    sys.exit(f"{len(defects)} defects:\n" + "\n".join(defects[:40]))
