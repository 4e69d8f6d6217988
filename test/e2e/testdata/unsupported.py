"""Calls operations that are not implemented, with boto3.

unsupported.py ENDPOINT: each call must end in the API's own error, after one
attempt, and a wrong input in an error of validation.
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(parameter_validation=False, retries={"mode": "standard", "total_max_attempts": 4})


def fails(service, operation, parameters, code, text):
    client = boto3.client(service, endpoint_url=sys.argv[1], config=config)
    try:
        answer = getattr(client, operation)(**parameters)
    except ClientError as error:
        found, metadata = error.response["Error"], error.response["ResponseMetadata"]
        assert found["Code"] == code, error
        assert text in found["Message"], error
        assert metadata["HTTPStatusCode"] == 400, metadata
        assert metadata["RetryAttempts"] == 0, metadata
        assert len(metadata["RequestId"]) == 36, metadata
        return
    raise AssertionError(f"{service} {operation}: {answer}, want {code}")


ECS = "UnsupportedFeatureException"
fails("ecs", "execute_command", {"command": "sh", "interactive": True, "task": "t"}, ECS, "ecs:ExecuteCommand is not supported: it needs the Session Manager")
fails("ecs", "create_task_set", {"cluster": "c", "service": "s", "taskDefinition": "t"}, ECS, "CODE_DEPLOY")
fails("ecs", "create_capacity_provider", {"name": "n"}, ECS, "Auto Scaling groups")
fails("ecs", "run_task", {}, "InvalidParameterException", "Value null at 'taskDefinition' failed to satisfy constraint")
fails("ecs", "create_service", {"serviceName": "web", "launchType": "MOON"}, "InvalidParameterException", "enum value set: [EC2, FARGATE, EXTERNAL")

record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
batch["Changes"][0]["Action"] = "X"
fails("route53", "change_resource_record_sets", {"HostedZoneId": "Z1", "ChangeBatch": batch}, "InvalidInput",
      "Invalid XML ; cvc-enumeration-valid: Value 'X' is not facet-valid with respect to enumeration '[CREATE, DELETE, UPSERT]'. It must be a value from the enumeration.")
fails("route53", "get_hosted_zone", {"Id": "Z" * 40}, "InvalidInput", "at 'id' failed to satisfy constraint: Member must have length less than or equal to 32")
print("ok")
