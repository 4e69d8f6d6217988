"""Proves who it is to a node in many ways, and is refused in many more.

identity.py ENDPOINT reads a JSON object with the keys it has from stdin.
"""

import datetime
import json
import sys

import boto3
import botocore.auth
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

given = json.load(sys.stdin)
config = Config(inject_host_prefix=False, retries={"total_max_attempts": 1})


def client(service, key, secret, token=None, region="us-east-1", **more):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name=region, config=config.merge(Config(**more)),
                        aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token)


def session(credentials, **more):
    return client("servicediscovery", credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], **more)


def refused(code, status, text, call, **parameters):
    try:
        answer = call(**parameters)
    except ClientError as error:
        got = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert got == (code, status), (got, error)
        assert text in error.response["Error"]["Message"], error
        metadata = error.response["ResponseMetadata"]
        assert metadata["RequestId"] and metadata["HTTPHeaders"]["date"], metadata
        return
    raise AssertionError(f"{parameters}: {answer}, want {code}")


key, secret = given["key"], given["secret"]
discovery = client("servicediscovery", key, secret)
sts = client("sts", key, secret)

# With the right key: what the policies allow, and nothing else.
assert discovery.list_namespaces()["Namespaces"] == []
refused("AccessDeniedException", 400, f"User: {given['arn']} is not authorized to perform: servicediscovery:CreateHttpNamespace on resource: *"
        " because no identity-based policy allows the servicediscovery:CreateHttpNamespace action", discovery.create_http_namespace, Name="x")
refused("AccessDeniedException", 400, "with an explicit deny in an identity-based policy (policy own, statement NotThis)", discovery.list_operations)

# With others.
mismatch = "The request signature we calculated does not match the signature you provided."
unknown = "The security token included in the request is invalid"
refused("InvalidSignatureException", 400, mismatch, client("servicediscovery", key, secret + "x").list_namespaces)
refused("UnrecognizedClientException", 400, unknown, client("servicediscovery", "AKIAUNKNOWN", secret).list_namespaces)
refused("UnrecognizedClientException", 400, unknown, client("servicediscovery", key, secret, "bm9uc2Vuc2U=").list_namespaces)
refused("InvalidSignatureException", 400, "Credential should be scoped to a valid region", client("servicediscovery", key, secret, region="eu-west-1").list_namespaces)
refused("MissingAuthenticationTokenException", 400, "Missing Authentication Token",
        client("servicediscovery", key, secret, signature_version=UNSIGNED).list_namespaces)
refused("UnrecognizedClientException", 400, unknown, client("servicediscovery", given["disabled"], secret).list_namespaces)
refused("SignatureDoesNotMatch", 403, mismatch, client("sts", key, secret + "x").get_caller_identity)
refused("InvalidClientTokenId", 403, unknown, client("sts", "AKIAUNKNOWN", secret).get_caller_identity)
refused("MissingAuthenticationToken", 403, "Missing Authentication Token", client("sts", key, secret, signature_version=UNSIGNED).get_caller_identity)
refused("ExpiredTokenException", 400, "The security token included in the request is expired", session(given["expired"]).list_namespaces)

# With a clock that is wrong.
real = botocore.auth.get_current_datetime
for minutes, text in ((-6, "Signature expired: "), (6, "Signature not yet current: ")):
    botocore.auth.get_current_datetime = lambda *a, **k: real(*a, **k) + datetime.timedelta(minutes=minutes)
    refused("InvalidSignatureException", 400, text, discovery.list_namespaces)
    refused("SignatureDoesNotMatch", 403, text, sts.get_caller_identity)
for minutes in (-4, 4):
    botocore.auth.get_current_datetime = lambda *a, **k: real(*a, **k) + datetime.timedelta(minutes=minutes)
    discovery.list_namespaces()
botocore.auth.get_current_datetime = real

# STS.
who = sts.get_caller_identity()
assert (who["Arn"], who["Account"]) == (given["arn"], "123456789012") and who["UserId"].startswith("AIDA"), who
role = "arn:aws:iam::123456789012:role/deployer"
named = dict(RoleArn=role, RoleSessionName="e2e")
refused("AccessDenied", 403, f"User: {given['arn']} is not authorized to perform: sts:AssumeRole on resource: {role}", sts.assume_role, **named)
refused("AccessDenied", 403, "sts:AssumeRole", sts.assume_role, ExternalId="wrong", **named)
refused("AccessDenied", 403, "sts:AssumeRole", sts.assume_role, RoleArn=role + "x", RoleSessionName="e2e", ExternalId="pact")
refused("ValidationError", 400, "durationSeconds", sts.assume_role, DurationSeconds=50000, **named)
refused("ValidationError", 400, "exceeds", sts.assume_role, DurationSeconds=7200, ExternalId="pact", **named)
refused("MalformedPolicyDocument", 400, "Statement.Efect", sts.assume_role, Policy='{"Statement":{"Efect":"Allow"}}', ExternalId="pact", **named)
taken = sts.assume_role(ExternalId="pact", Tags=[{"Key": "team", "Value": "shop"}], DurationSeconds=900, **named)
left = taken["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
assert datetime.timedelta(minutes=13) < left <= datetime.timedelta(minutes=15, seconds=1), taken
assert taken["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/deployer/e2e", taken
deployer = session(taken["Credentials"])
namespace = deployer.create_http_namespace(Name="by-role", Tags=[{"Key": "team", "Value": "shop"}])
assert namespace["OperationId"]
refused("AccessDeniedException", 400, "assumed-role/deployer/e2e is not authorized to perform: servicediscovery:CreateHttpNamespace",
        deployer.create_http_namespace, Name="y", Tags=[{"Key": "team", "Value": "other"}])
refused("InvalidSignatureException", 400, mismatch,
        session({**taken["Credentials"], "SecretAccessKey": secret}).list_namespaces)
refused("UnrecognizedClientException", 400, unknown, client("servicediscovery", taken["Credentials"]["AccessKeyId"], secret).list_namespaces)
limited = session(sts.assume_role(ExternalId="pact", Policy=json.dumps({"Version": "2012-10-17", "Statement": {
    "Effect": "Allow", "Action": "servicediscovery:ListNamespaces", "Resource": "*"}}), **named)["Credentials"])
assert len(limited.list_namespaces()["Namespaces"]) == 1
refused("AccessDeniedException", 400, "because no session policy allows the servicediscovery:ListServices action", limited.list_services)
whoami = client("sts", taken["Credentials"]["AccessKeyId"], taken["Credentials"]["SecretAccessKey"], taken["Credentials"]["SessionToken"]).get_caller_identity()
assert whoami["Arn"] == taken["AssumedRoleUser"]["Arn"] and whoami["UserId"] == taken["AssumedRoleUser"]["AssumedRoleId"], whoami

# With tokens of an issuer, whose holders have no key.
anonymous = client("sts", None, None, signature_version=UNSIGNED)
web = dict(RoleArn="arn:aws:iam::123456789012:role/pod", RoleSessionName="pod-1")
for algorithm in ("rs256", "es256"):
    taken = anonymous.assume_role_with_web_identity(WebIdentityToken=given[algorithm], **web)
    assert taken["SubjectFromWebIdentityToken"] == "system:serviceaccount:shop:web", taken
    assert taken["Provider"] == "arn:aws:iam::123456789012:oidc-provider/issuer.example", taken
    assert len(session(taken["Credentials"]).list_namespaces()["Namespaces"]) == 1
refused("ExpiredTokenException", 400, "expired", anonymous.assume_role_with_web_identity, WebIdentityToken=given["old"], **web)
refused("InvalidIdentityToken", 400, "audience", anonymous.assume_role_with_web_identity, WebIdentityToken=given["other_audience"], **web)
refused("InvalidIdentityToken", 400, "No OpenIDConnect provider found", anonymous.assume_role_with_web_identity, WebIdentityToken=given["other_issuer"], **web)
refused("InvalidIdentityToken", 400, "signature", anonymous.assume_role_with_web_identity, WebIdentityToken=given["rs256"][:-8] + "AAAAAAAA", **web)
refused("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        anonymous.assume_role_with_web_identity, WebIdentityToken=given["other_subject"], **web)
refused("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        anonymous.assume_role_with_web_identity, WebIdentityToken=given["rs256"], RoleArn=role, RoleSessionName="pod-1")

json.dump({"secrets": [taken["Credentials"]["SecretAccessKey"], taken["Credentials"]["SessionToken"]]}, sys.stdout)
