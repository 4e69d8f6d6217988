"""Associates VPCs with private zones across two accounts: route53_accounts.py ENDPOINT DNS_PORT.

The account one owns the zone and the VPC vpc-one, two owns vpc-two; see accountsConfig.
"""

import subprocess
import sys

import boto3
from botocore.exceptions import ClientError

one, two = (boto3.client("route53", endpoint_url=sys.argv[1], aws_access_key_id="AKIA" + name, aws_secret_access_key="the secret of " + name) for name in ("ONE", "TWO"))
VPC_ONE, VPC_TWO = ({"VPCRegion": "us-east-1", "VPCId": "vpc-" + name} for name in ("one", "two"))


def dig(source):
    args = ["dig", "@127.0.0.1", "-p", sys.argv[2], "-b", source, "+short", "www.shared.test", "A"]
    return subprocess.run(args, capture_output=True, text=True, check=True).stdout.split()


def fails(code, operation, **parameters):
    try:
        answer = operation(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{answer}, want {code}")


def visible(*sources):
    assert [source for source in ("127.1.0.1", "127.2.0.1") if dig(source) == ["192.0.2.1"]] == list(sources), sources


zone = one.create_hosted_zone(Name="shared.test", CallerReference="zone", VPC=VPC_ONE)["HostedZone"]["Id"].removeprefix("/hostedzone/")
one.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": {
    "Name": "www.shared.test", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}}]})
visible("127.1.0.1")

for operation in (one.associate_vpc_with_hosted_zone, one.disassociate_vpc_from_hosted_zone, one.create_vpc_association_authorization, one.delete_vpc_association_authorization):
    fails("InvalidVPCId", operation, HostedZoneId=zone, VPC={"VPCRegion": "us-east-1"})

# Neither owner alone can associate the VPC of two.
fails("NotAuthorizedException", two.associate_vpc_with_hosted_zone, HostedZoneId=zone, VPC=VPC_TWO)
fails("NotAuthorizedException", one.associate_vpc_with_hosted_zone, HostedZoneId=zone, VPC=VPC_TWO)
fails("NoSuchHostedZone", two.create_vpc_association_authorization, HostedZoneId=zone, VPC=VPC_TWO)
fails("NoSuchHostedZone", two.get_hosted_zone, Id=zone)
fails("NoSuchHostedZone", two.list_resource_record_sets, HostedZoneId=zone)
fails("NoSuchHostedZone", two.delete_hosted_zone, Id=zone)
fails("AccessDenied", one.list_hosted_zones_by_vpc, VPCId="vpc-two", VPCRegion="us-east-1")
visible("127.1.0.1")

answer = one.create_vpc_association_authorization(HostedZoneId=zone, VPC=VPC_TWO)
assert (answer["HostedZoneId"], answer["VPC"]) == (zone, VPC_TWO), answer
one.create_vpc_association_authorization(HostedZoneId=zone, VPC=VPC_TWO)  # again: no error
assert one.list_vpc_association_authorizations(HostedZoneId=zone)["VPCs"] == [VPC_TWO]
visible("127.1.0.1")
change = two.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=VPC_TWO, Comment="by two")["ChangeInfo"]
assert two.get_change(Id=change["Id"])["ChangeInfo"]["Status"] == "INSYNC"
visible("127.1.0.1", "127.2.0.1")
assert one.get_hosted_zone(Id=zone)["VPCs"] == [VPC_ONE, VPC_TWO]
summaries = two.list_hosted_zones_by_vpc(VPCId="vpc-two", VPCRegion="us-east-1")["HostedZoneSummaries"]
assert [(s["HostedZoneId"], s["Name"], len(s["Owner"]["OwningAccount"])) for s in summaries] == [(zone, "shared.test.", 12)], summaries
assert two.list_hosted_zones()["HostedZones"] == []

# The association stays without the authorization, and either owner may end it.
one.delete_vpc_association_authorization(HostedZoneId=zone, VPC=VPC_TWO)
fails("VPCAssociationAuthorizationNotFound", one.delete_vpc_association_authorization, HostedZoneId=zone, VPC=VPC_TWO)
visible("127.1.0.1", "127.2.0.1")
two.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=VPC_TWO)
visible("127.1.0.1")
fails("VPCAssociationNotFound", one.disassociate_vpc_from_hosted_zone, HostedZoneId=zone, VPC=VPC_TWO)
fails("NotAuthorizedException", two.associate_vpc_with_hosted_zone, HostedZoneId=zone, VPC=VPC_TWO)
one.create_vpc_association_authorization(HostedZoneId=zone, VPC=VPC_TWO)
two.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=VPC_TWO)
one.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=VPC_TWO)
fails("LastVPCAssociation", one.disassociate_vpc_from_hosted_zone, HostedZoneId=zone, VPC=VPC_ONE)
visible("127.1.0.1")

# A zone of two with the same name is in the way, whoever asks.
other = two.create_hosted_zone(Name="shared.test", CallerReference="zone", VPC=VPC_TWO)["HostedZone"]["Id"]
fails("ConflictingDomainExists", two.associate_vpc_with_hosted_zone, HostedZoneId=zone, VPC=VPC_TWO)
two.delete_hosted_zone(Id=other)
two.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=VPC_TWO)

# The zone of a public hosted zone has no VPCs.
public = one.create_hosted_zone(Name="public.example", CallerReference="public")["HostedZone"]["Id"]
fails("PublicZoneVPCAssociation", one.associate_vpc_with_hosted_zone, HostedZoneId=public, VPC=VPC_ONE)
fails("VPCAssociationNotFound", one.disassociate_vpc_from_hosted_zone, HostedZoneId=public, VPC=VPC_ONE)
fails("InvalidInput", one.create_vpc_association_authorization, HostedZoneId=public, VPC=VPC_ONE)
print("ok")
