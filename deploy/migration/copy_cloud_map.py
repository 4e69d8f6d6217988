#!/usr/bin/env python3
"""Copies AWS Cloud Map namespaces, services and instances from one endpoint to
another, such as from AWS to a node of cairn. What exists in the target under the
same name or id is kept. docs/operations.md explains how to use it.
"""

import argparse
import time
import uuid

import boto3
from botocore.config import Config

KINDS = {"HTTP": "http", "DNS_PUBLIC": "public_dns", "DNS_PRIVATE": "private_dns"}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--region", required=True, help="region to copy from")
    p.add_argument("--profile", help="AWS profile to read with")
    p.add_argument("--source", metavar="URL", help="endpoint to read from, if it is not AWS")
    p.add_argument("--target", metavar="URL", required=True, help="endpoint to write to")
    p.add_argument("--target-profile", help="AWS profile to write with")
    p.add_argument("--target-region", help="region of the target, if it has another")
    p.add_argument("--ca-file", help="certificate authority of the target")
    p.add_argument("--vpc", default="", help="VPC id of private namespaces in the target")
    p.add_argument("--namespace", action="append", help="copy only this namespace (can be repeated)")
    return p.parse_args()


def client(profile, region, url, ca_file=None):
    # Without a URL it is AWS, whatever "cairn env" has set for other programs of this shell.
    config = Config(ignore_configured_endpoint_urls=url is None, retries={"mode": "standard", "max_attempts": 10})
    return boto3.Session(profile_name=profile, region_name=region).client(
        "servicediscovery", endpoint_url=url, verify=ca_file if url else True, config=config)


def pages(source, operation, key, **arguments):
    for page in source.get_paginator(operation).paginate(**arguments):
        yield from page[key]


def wait(target, operation_id):
    while True:
        operation = target.get_operation(OperationId=operation_id)["Operation"]
        if operation["Status"] == "SUCCESS":
            return operation["Targets"]
        if operation["Status"] == "FAIL":
            raise SystemExit(f"{operation['Type']}: {operation.get('ErrorCode')}: {operation.get('ErrorMessage')}")
        time.sleep(0.2)


def given(**values):
    """The values that are not empty; the API refuses empty members."""
    return {k: v for k, v in values.items() if v}


def tags_of(source, thing):
    return source.list_tags_for_resource(ResourceARN=thing["Arn"])["Tags"]


def copy_namespace(source, target, namespace, vpc):
    values = given(Name=namespace["Name"], Description=namespace.get("Description"), Tags=tags_of(source, namespace))
    soa = namespace.get("Properties", {}).get("DnsProperties", {}).get("SOA")
    if soa and namespace["Type"] != "HTTP":
        values["Properties"] = {"DnsProperties": {"SOA": soa}}
    if namespace["Type"] == "DNS_PRIVATE":
        if not vpc:
            raise SystemExit(f"namespace {namespace['Name']} is private: give its VPC with --vpc")
        values["Vpc"] = vpc
    create = getattr(target, f"create_{KINDS[namespace['Type']]}_namespace")
    operation = create(CreatorRequestId=str(uuid.uuid4()), **values)["OperationId"]
    return wait(target, operation)["NAMESPACE"]


def copy_service(source, target, service, namespace_id):
    dns = {k: v for k, v in service.get("DnsConfig", {}).items() if k != "NamespaceId"}
    values = given(
        Description=service.get("Description"), HealthCheckConfig=service.get("HealthCheckConfig"),
        HealthCheckCustomConfig=service.get("HealthCheckCustomConfig"), Tags=tags_of(source, service))
    if dns.get("DnsRecords"):
        values["DnsConfig"] = dns
    elif service.get("Type") == "HTTP":
        values["Type"] = "HTTP"
    created = target.create_service(
        Name=service["Name"], NamespaceId=namespace_id, CreatorRequestId=str(uuid.uuid4()), **values)["Service"]
    attributes = source.get_service_attributes(ServiceId=service["Id"])["ServiceAttributes"].get("Attributes")
    if attributes:
        target.update_service_attributes(ServiceId=created["Id"], Attributes=attributes)
    return created["Id"]


def copy_instances(source, target, source_id, target_id):
    there = {i["Id"] for i in pages(target, "list_instances", "Instances", ServiceId=target_id)}
    operations = []
    for instance in pages(source, "list_instances", "Instances", ServiceId=source_id):
        if instance["Id"] not in there:
            operations.append(target.register_instance(
                ServiceId=target_id, InstanceId=instance["Id"], CreatorRequestId=str(uuid.uuid4()),
                Attributes=instance.get("Attributes", {}))["OperationId"])
    for operation in operations:
        wait(target, operation)
    return len(operations)


def in_namespace(namespace_id):
    return [{"Name": "NAMESPACE_ID", "Values": [namespace_id], "Condition": "EQ"}]


def main():
    a = arguments()
    source = client(a.profile, a.region, a.source)
    target = client(a.target_profile, a.target_region or a.region, a.target, a.ca_file)
    namespaces = {(n["Name"], n["Type"]): n["Id"] for n in pages(target, "list_namespaces", "Namespaces")}
    for summary in pages(source, "list_namespaces", "Namespaces"):
        if a.namespace and summary["Name"] not in a.namespace:
            continue
        namespace = source.get_namespace(Id=summary["Id"])["Namespace"]
        namespace_id = namespaces.get((namespace["Name"], namespace["Type"]))
        if not namespace_id:
            namespace_id = copy_namespace(source, target, namespace, a.vpc)
        there = {s["Name"]: s["Id"] for s in pages(target, "list_services", "Services", Filters=in_namespace(namespace_id))}
        for entry in pages(source, "list_services", "Services", Filters=in_namespace(namespace["Id"])):
            service_id = there.get(entry["Name"])
            if not service_id:
                service = source.get_service(Id=entry["Id"])["Service"]
                service_id = copy_service(source, target, service, namespace_id)
            count = copy_instances(source, target, entry["Id"], service_id)
            print(f"{namespace['Name']}/{entry['Name']}: {count} instances copied")


if __name__ == "__main__":
    main()
