"""Serializes requests and parses responses with botocore, for a Go test.

It reads one JSON object a line from standard input and answers each with one
line. Models come from files, never from botocore's own data. Values of types
that JSON does not have are objects: {"$blob": base64}, {"$time": milliseconds},
{"$float": text}.
"""

import base64
import datetime
import json
import sys

import botocore
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
models = {}


def model(path):
    if path not in models:
        with open(path, encoding="utf-8") as f:
            models[path] = ServiceModel(json.load(f), "test")
    return models[path]


def decode(shape, value):
    """Makes a parameter for botocore of a value."""
    kind = shape.type_name
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        return {k: decode(shape.members[k], v) for k, v in value.items()}
    if kind == "list":
        return [decode(shape.member, v) for v in value]
    if kind == "map":
        return {k: decode(shape.value, v) for k, v in value.items()}
    if kind == "blob":
        return base64.b64decode(value["$blob"])
    if kind == "timestamp":
        return EPOCH + datetime.timedelta(milliseconds=value["$time"])
    if kind in ("float", "double"):
        return float(value["$float"])
    return value


def encode(shape, value):
    """Makes a value of what botocore parsed."""
    kind = shape.type_name
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        return {k: encode(shape.members[k], v) for k, v in value.items() if k in shape.members}
    if kind == "list":
        return [encode(shape.member, v) for v in value]
    if kind == "map":
        return {k: encode(shape.value, v) for k, v in value.items()}
    if kind == "blob":
        if isinstance(value, str):  # a payload
            value = value.encode()
        return {"$blob": base64.b64encode(value).decode()}
    if kind == "timestamp":
        return {"$time": round((value - EPOCH) / datetime.timedelta(milliseconds=1))}
    if kind in ("float", "double"):
        return {"$float": repr(float(value))}
    return value


def serialize(call):
    service = model(call["model"])
    operation = service.operation_model(call["operation"])
    params = decode(operation.input_shape, call["params"])
    serializer = create_serializer(service.metadata["protocol"], include_validation=False)
    request = serializer.serialize_to_request(params, operation)
    prepare_request_dict(request, endpoint_url="http://127.0.0.1", context={})
    prepared = create_request_object(request).prepare()
    body = prepared.body or b""
    if isinstance(body, str):
        body = body.encode()
    headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in prepared.headers.items()}
    return {
        "method": prepared.method,
        "url": prepared.url,
        "headers": headers,
        "body": base64.b64encode(body).decode(),
    }


def parse(call):
    service = model(call["model"])
    operation = service.operation_model(call["operation"])
    parser = create_parser(service.metadata["protocol"])
    response = {
        "status_code": call["status"],
        "headers": HeadersDict(call["headers"]),
        "body": base64.b64decode(call["body"]),
        "context": {"operation_name": operation.name},
    }
    parsed = parser.parse(response, operation.output_shape)
    answer = {"status": parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)}
    if call["status"] >= 300:
        answer["error"] = parsed.get("Error", {})
        answer["requestID"] = parsed.get("ResponseMetadata", {}).get("RequestId", "")
    elif operation.output_shape is not None:
        answer["value"] = encode(operation.output_shape, parsed)
    return answer


def main():
    print(json.dumps({"version": botocore.__version__}), flush=True)
    handlers = {"serialize": serialize, "parse": parse}
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = handlers[call["do"]](call)
        except Exception as e:  # the test reports it with the call
            answer = {"failure": f"{type(e).__name__}: {e}"}
        print(json.dumps(answer), flush=True)


main()
