"""Manages a zone with the calls of octoDNS: octodns.py ENDPOINT DNS_PORT.

octoDNS makes a dynamic record of pools: a tree of failover, geolocation and weighted record
sets, joined by aliases, with a health check for each value.
"""

import subprocess
import sys
import uuid

import boto3

r53 = boto3.client("route53", endpoint_url=sys.argv[1])
NAME = "octo.example."


def dig(name, subnet):
    args = ["dig", "@127.0.0.1", "-p", sys.argv[2], "+short", f"+subnet={subnet}", name, "A"]
    return subprocess.run(args, capture_output=True, text=True, check=True).stdout.split()


def zones(size="100"):
    more, found = {"MaxItems": size}, {}
    while True:
        page = r53.list_hosted_zones(**more)
        found.update({z["Name"]: z["Id"] for z in page["HostedZones"]})
        if not page["IsTruncated"]:
            return found
        more["Marker"] = page["NextMarker"]


def sets(zone, size="300"):
    more, found = {"MaxItems": size}, []
    while True:
        page = r53.list_resource_record_sets(HostedZoneId=zone, **more)
        found += page["ResourceRecordSets"]
        if not page["IsTruncated"]:
            return found
        more["StartRecordName"], more["StartRecordType"] = page["NextRecordName"], page["NextRecordType"]
        more.pop("StartRecordIdentifier", None)
        if "NextRecordIdentifier" in page:
            more["StartRecordIdentifier"] = page["NextRecordIdentifier"]


def checks(size="100"):
    more, found = {"MaxItems": size}, {}
    while True:
        page = r53.list_health_checks(**more)
        found.update({c["Id"]: c for c in page["HealthChecks"]})
        if not page["IsTruncated"]:
            return found
        more["Marker"] = page["NextMarker"]


def create_check(value, **more):
    config = {"EnableSNI": True, "FailureThreshold": 6, "MeasureLatency": True, "RequestInterval": 10, "Type": "HTTPS", "Port": 443,
              "FullyQualifiedDomainName": "www.octo.example", "ResourcePath": "/_dns", "IPAddress": value, **more}
    check = r53.create_health_check(CallerReference="0002:A:www:" + uuid.uuid4().hex[:16], HealthCheckConfig=config)["HealthCheck"]
    r53.change_tags_for_resource(ResourceType="healthcheck", ResourceId=check["Id"], AddTags=[{"Key": "Name", "Value": f"www.octo.example:{value}"}])
    return check["Id"]


def batches(zone, changes):
    for i in range(0, len(changes), 1000):
        r53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Comment": "made by a test", "Changes": changes[i:i + 1000]})


def record(name, **more):
    return {"Name": name + "." + NAME, "Type": "A", **more}


def value(name, *values, ttl=60, **more):
    return record(name, TTL=ttl, ResourceRecords=[{"Value": v} for v in values], **more)


def alias(zone, name, target, **more):
    return record(name, AliasTarget={"HostedZoneId": zone, "DNSName": target + "." + NAME, "EvaluateTargetHealth": True}, **more)


def create(*wanted):
    return [{"Action": "CREATE", "ResourceRecordSet": s} for s in wanted]


for i in range(5):
    r53.create_hosted_zone(Name=f"z{i}.example", CallerReference=f"z{i}")
assert NAME not in zones(size="2")
assert r53.list_hosted_zones_by_name(DNSName=NAME, MaxItems="1")["HostedZones"][0]["Name"] != NAME
zone = r53.create_hosted_zone(Name=NAME, CallerReference=uuid.uuid4().hex)["HostedZone"]["Id"]
assert zones(size="2")[NAME] == zone and len(zones()) == 6
assert r53.list_hosted_zones_by_name(DNSName=NAME, MaxItems="1")["HostedZones"][0]["Id"] == zone
assert r53.get_hosted_zone(Id=zone)["DelegationSet"]["NameServers"]
zone = zone.removeprefix("/hostedzone/")

# Disabled and inverted is octoDNS's status "down"; disabled alone is "up".
down, up, other = create_check("192.0.2.11", Disabled=True, Inverted=True), create_check("192.0.2.12", Disabled=True), create_check("192.0.2.13", Disabled=True)
tree = [
    value("_octodns-default-pool.www", "192.0.2.99"),
    value("_octodns-eu-value.www", "192.0.2.11", SetIdentifier="eu-000", Weight=1, HealthCheckId=down),
    value("_octodns-eu-value.www", "192.0.2.12", SetIdentifier="eu-001", Weight=2, HealthCheckId=up),
    value("_octodns-us-value.www", "192.0.2.13", SetIdentifier="us-000", Weight=1, HealthCheckId=other),
    alias(zone, "_octodns-eu-pool.www", "_octodns-eu-value.www", SetIdentifier="eu-Primary", Failover="PRIMARY"),
    alias(zone, "_octodns-eu-pool.www", "_octodns-us-pool.www", SetIdentifier="eu-Secondary-us", Failover="SECONDARY"),
    alias(zone, "_octodns-us-pool.www", "_octodns-us-value.www", SetIdentifier="us-Primary", Failover="PRIMARY"),
    alias(zone, "_octodns-us-pool.www", "_octodns-default-pool.www", SetIdentifier="us-Secondary-default", Failover="SECONDARY"),
    alias(zone, "www", "_octodns-eu-pool.www", SetIdentifier="0-eu-EU", GeoLocation={"ContinentCode": "EU"}),
    alias(zone, "www", "_octodns-us-pool.www", SetIdentifier="1-us-None", GeoLocation={"CountryCode": "*"}),
]
plain = [value(f"n{i}", "192.0.2.1") for i in range(1500)]
batches(zone, create(*tree, *plain))

# What is read back is what was written: nothing is to be changed.
found = [s for s in sets(zone, size="7") if s["Type"] not in ("NS", "SOA")]
key = lambda s: (s["Name"], s.get("SetIdentifier", ""))
assert sorted(found, key=key) == sorted(tree + plain, key=key), found[:12]
assert found == [s for s in sets(zone) if s["Type"] not in ("NS", "SOA")]
assert set(checks(size="2")) == {down, up, other} == {s["HealthCheckId"] for s in found if "HealthCheckId" in s}
assert checks()[down]["HealthCheckConfig"]["IPAddress"] == "192.0.2.11" and checks()[down]["CallerReference"].startswith("0002:A:www:")
tags = r53.list_tags_for_resources(ResourceType="healthcheck", ResourceIds=[down, up])["ResourceTagSets"]
assert {t["ResourceId"]: t["Tags"][0]["Value"] for t in tags} == {down: "www.octo.example:192.0.2.11", up: "www.octo.example:192.0.2.12"}, tags

EUROPE, ELSEWHERE = "10.1.0.0/24", "10.9.0.0/24"
assert dig("www." + NAME, EUROPE) == ["192.0.2.12"] and dig("www." + NAME, ELSEWHERE) == ["192.0.2.13"]
r53.update_health_check(HealthCheckId=up, Inverted=True)  # the pool has nothing healthy: its fallback answers
assert dig("www." + NAME, EUROPE) == ["192.0.2.13"], dig("www." + NAME, EUROPE)
r53.update_health_check(HealthCheckId=other, Inverted=True)  # the default is left
assert dig("www." + NAME, EUROPE) == dig("www." + NAME, ELSEWHERE) == ["192.0.2.99"]

# The record gets other pools: octoDNS deletes and creates in one batch, aliases before their targets.
new = [value("www", "192.0.2.50")]
order = sorted(tree, key=lambda s: (s["Name"].startswith("_"), "-value" in s["Name"], "-default" in s["Name"]))
batches(zone, [{"Action": "DELETE", "ResourceRecordSet": s} for s in order] + create(*new))
for check in (down, up, other):
    r53.delete_health_check(HealthCheckId=check)
assert dig("www." + NAME, EUROPE) == ["192.0.2.50"] and not checks()
batches(zone, [{"Action": "UPSERT", "ResourceRecordSet": value("www", "192.0.2.51", ttl=30)}])
batches(zone, [{"Action": "DELETE", "ResourceRecordSet": s} for s in sets(zone) if s["Type"] not in ("NS", "SOA")])
r53.delete_hosted_zone(Id=zone)
assert NAME not in zones()
print("ok")
