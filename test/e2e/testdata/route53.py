"""Calls the API of Route 53 with boto3: route53.py ENDPOINT DNS_PORT."""

import subprocess
import sys

import boto3
from botocore.exceptions import ClientError

r53 = boto3.client("route53", endpoint_url=sys.argv[1])
sd = boto3.client("servicediscovery", endpoint_url=sys.argv[1])


def dig(*question):
    args = ["dig", "@127.0.0.1", "-p", sys.argv[2], "+short", *question]
    return sorted(subprocess.run(args, capture_output=True, text=True, check=True).stdout.split("\n")[:-1])


def fails(code, status, text, operation, **parameters):
    try:
        answer = operation(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response
        assert text in str(error), error
        return
    raise AssertionError(f"{answer}, want {code}")


created = r53.create_hosted_zone(Name="Example.com", CallerReference="one")
zone = created["HostedZone"]["Id"]
assert zone.startswith("/hostedzone/Z") and created["HostedZone"]["Name"] == "example.com.", created
assert created["HostedZone"]["Config"] == {"PrivateZone": False}, created
assert created["ResponseMetadata"]["HTTPStatusCode"] == 201 and created["Location"].endswith(zone), created
assert r53.get_change(Id=created["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] == "INSYNC"
r53.get_waiter("resource_record_sets_changed").wait(Id=created["ChangeInfo"]["Id"])
fails("HostedZoneAlreadyExists", 409, "caller reference", r53.create_hosted_zone, Name="example.com", CallerReference="one")
fails("NoSuchHostedZone", 404, "No hosted zone found with ID: ZNONE", r53.get_hosted_zone, Id="ZNONE")
fails("NoSuchChange", 404, "Could not find resource with ID: CNONE", r53.get_change, Id="/change/CNONE")


def change(action, name, rtype, *values, ttl=60, **more):
    record = {"Name": name, "Type": rtype, **more}
    if values:
        record.update(TTL=ttl, ResourceRecords=[{"Value": v} for v in values])
    return {"Action": action, "ResourceRecordSet": record}


def batch(*changes):
    return r53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": list(changes)})


batch(
    change("CREATE", "www.example.com", "A", "192.0.2.1", "192.0.2.2"),
    change("CREATE", "*.example.com", "TXT", '"any"'),
    change("CREATE", "alias.example.com", "A", AliasTarget={"HostedZoneId": zone[12:], "DNSName": "www.example.com", "EvaluateTargetHealth": False}),
    change("CREATE", "g.example.com", "A", "192.0.2.7", SetIdentifier="any", GeoLocation={"CountryCode": "*"}),
)
assert dig("www.example.com", "A") == ["192.0.2.1", "192.0.2.2"]
assert dig("alias.example.com", "A") == ["192.0.2.1", "192.0.2.2"]
assert dig("x.y.example.com", "TXT") == ['"any"']
try:
    batch(change("CREATE", "www.example.com", "A", "192.0.2.3"))
except r53.exceptions.InvalidChangeBatch as error:
    assert "[Tried to create resource record set [name='www.example.com.', type='A'] but it already exists]" in str(error), error
else:
    raise AssertionError("a record set was created twice")



def refused(code, status, text, *changes):
    fails(code, status, text, r53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch={"Changes": list(changes)})


# A batch names all that is wrong with it.
refused("NoSuchHealthCheck", 404, "A health check with id none does not exist.",
        change("CREATE", "h.example.com", "A", "192.0.2.3", SetIdentifier="h", Weight=1, HealthCheckId="none"))
refused("InvalidChangeBatch", 400, "[FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..example.com', FATAL problem: DomainLabelEmpty",
        change("CREATE", "a..example.com", "A", "192.0.2.3"), change("CREATE", "b..example.com", "A", "192.0.2.3"))
refused("InvalidInput", 400, "Value 'moon' is not facet-valid with respect to enumeration '[us-east-1,",
        change("CREATE", "l.example.com", "A", "192.0.2.3", SetIdentifier="l", Region="moon"))
assert batch(change("CREATE", "l.example.com", "A", "192.0.2.3", SetIdentifier="l", Region="eu-west-1"))["ChangeInfo"]["Status"] == "INSYNC"
batch(change("DELETE", "l.example.com", "A", "192.0.2.3", SetIdentifier="l", Region="eu-west-1"))

names = []
for page in r53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone, PaginationConfig={"PageSize": 1}):
    names += [(s["Name"], s["Type"]) for s in page["ResourceRecordSets"]]
want = [("example.com.", "NS"), ("example.com.", "SOA"), ("\\052.example.com.", "TXT"), ("alias.example.com.", "A"), ("g.example.com.", "A"), ("www.example.com.", "A")]
assert names == want, names

# A marker is one that a list has given, even if what it names is gone.
for operation in (r53.list_hosted_zones, r53.list_health_checks):
    fails("InvalidInput", 400, "Marker", operation, Marker="ZBOGUS")
assert [z["Id"] for z in r53.list_hosted_zones(Marker="ZAAAAAAAAAAAAAAAAAAAA")["HostedZones"]] == [zone]
assert r53.list_health_checks(Marker="00000000-0000-0000-0000-000000000000")["HealthChecks"] == []

answer = r53.test_dns_answer(HostedZoneId=zone, RecordName="g.example.com", RecordType="A", ResolverIP="198.51.100.1")
assert answer["RecordData"] == ["192.0.2.7"] and answer["ResponseCode"] == "NOERROR", answer

check = r53.create_health_check(CallerReference="c", HealthCheckConfig={"Type": "TCP", "IPAddress": "127.0.0.1", "Port": 1, "FailureThreshold": 1})["HealthCheck"]
again = r53.create_health_check(CallerReference="c", HealthCheckConfig={"Type": "TCP", "IPAddress": "127.0.0.1", "Port": 1, "FailureThreshold": 1})["HealthCheck"]
assert check["Id"] == again["Id"] and check["HealthCheckConfig"]["RequestInterval"] == 30, check
updated = r53.update_health_check(HealthCheckId=check["Id"], HealthCheckVersion=1, Inverted=True)["HealthCheck"]
assert updated["HealthCheckVersion"] == 2 and updated["HealthCheckConfig"]["Inverted"], updated
fails("HealthCheckVersionMismatch", 409, "HealthCheckVersion", r53.update_health_check, HealthCheckId=check["Id"], HealthCheckVersion=1)
r53.delete_health_check(HealthCheckId=check["Id"])
fails("NoSuchHealthCheck", 404, "does not exist", r53.get_health_check, HealthCheckId=check["Id"])

r53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=[{"Key": "a", "Value": "b"}])
assert r53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone)["ResourceTagSet"]["Tags"] == [{"Key": "a", "Value": "b"}]
fails("InvalidArgument", 400, "Operation is unsupported for private", r53.get_dnssec, HostedZoneId=r53.create_hosted_zone(
    Name="p.test", CallerReference="p", VPC={"VPCRegion": "us-east-1", "VPCId": "vpc-1"})["HostedZone"]["Id"])

# The zone of a namespace.
operation = sd.create_private_dns_namespace(Name="ns.test", Vpc="vpc-1")["OperationId"]
namespace = sd.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
hosted = sd.get_namespace(Id=namespace)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
service = sd.create_service(Name="web", NamespaceId=namespace, DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 30}]})["Service"]["Id"]
sd.register_instance(ServiceId=service, InstanceId="i-1", Attributes={"AWS_INSTANCE_IPV4": "10.0.0.1"})
sets = r53.list_resource_record_sets(HostedZoneId=hosted)["ResourceRecordSets"]
assert sets[2] == {"Name": "web.ns.test.", "Type": "A", "SetIdentifier": "i-1", "MultiValueAnswer": True, "TTL": 30, "ResourceRecords": [{"Value": "10.0.0.1"}]}, sets
got = r53.get_hosted_zone(Id=hosted)
assert got["HostedZone"]["LinkedService"]["ServicePrincipal"] == "servicediscovery.amazonaws.com", got
assert got["HostedZone"]["CallerReference"] == operation and got["VPCs"] == [{"VPCRegion": "us-east-1", "VPCId": "vpc-1"}], got
fails("AccessDenied", 403, f"The resource hostedzone/{hosted} can only be managed through AWS CloudMap (", r53.delete_hosted_zone, Id=hosted)

fails("HostedZoneNotEmpty", 400, "non-required resource record sets", r53.delete_hosted_zone, Id=zone)
batch(*[{"Action": "DELETE", "ResourceRecordSet": s} for s in r53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] if s["Type"] not in ("NS", "SOA")])
r53.delete_hosted_zone(Id=zone)
print("ok")
