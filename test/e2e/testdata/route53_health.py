"""Health checks of Route 53 of every kind, run by the prober: route53_health.py ENDPOINT DNS_PORT."""

import http.server
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import boto3

r53 = boto3.client("route53", endpoint_url=sys.argv[1])

PAGES = {"/good": (200, b"all is well"), "/late": (200, b"x" * 6000 + b"well"), "/bad": (500, b"all is well"), "/moved": (302, b""), "/flips": (200, b"well")}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = PAGES[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(tls):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        with tempfile.TemporaryDirectory() as folder:
            key, cert = os.path.join(folder, "key"), os.path.join(folder, "cert")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=s.example", "-keyout", key, "-out", cert], check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


plain, tls = serve(False), serve(True)
closed = socket.create_server(("127.0.0.1", 0))
nobody = closed.getsockname()[1]
closed.close()


def check(name, **config):
    if config["Type"] != "CALCULATED":
        config = {"IPAddress": "127.0.0.1", "FailureThreshold": 1, "RequestInterval": 10, **config}
    return r53.create_health_check(CallerReference=name, HealthCheckConfig=config)["HealthCheck"]["Id"]


def status(id):
    observations = r53.get_health_check_status(HealthCheckId=id)["HealthCheckObservations"]
    return observations[0]["StatusReport"]["Status"] if observations else ""


def eventually(what, condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(what)


probed = {
    "http": (dict(Type="HTTP", Port=plain, ResourcePath="/good"), "Success: HTTP Status Code 200"),
    "http moved": (dict(Type="HTTP", Port=plain, ResourcePath="/moved"), "Success: HTTP Status Code 302"),
    "http bad": (dict(Type="HTTP", Port=plain, ResourcePath="/bad"), "Failure: HTTP Status Code 500"),
    "http nobody": (dict(Type="HTTP", Port=nobody), "Failure: "),
    "http match": (dict(Type="HTTP_STR_MATCH", Port=plain, ResourcePath="/good", SearchString="is well"), "Success: "),
    "http no match": (dict(Type="HTTP_STR_MATCH", Port=plain, ResourcePath="/good", SearchString="is ill"), "Failure: "),
    "http late": (dict(Type="HTTP_STR_MATCH", Port=plain, ResourcePath="/late", SearchString="well"), "Failure: "),
    "http bad match": (dict(Type="HTTP_STR_MATCH", Port=plain, ResourcePath="/bad", SearchString="well"), "Failure: "),
    "https": (dict(Type="HTTPS", Port=tls, ResourcePath="/good"), "Success: HTTP Status Code 200"),
    "https match": (dict(Type="HTTPS_STR_MATCH", Port=tls, ResourcePath="/good", SearchString="well"), "Success: "),
    "https no match": (dict(Type="HTTPS_STR_MATCH", Port=tls, ResourcePath="/good", SearchString="ill"), "Failure: "),
    "https of plain": (dict(Type="HTTPS", Port=plain, ResourcePath="/good"), "Failure: "),
    "tcp": (dict(Type="TCP", Port=plain), "Success: "),
    "tcp nobody": (dict(Type="TCP", Port=nobody), "Failure: "),
    "flips": (dict(Type="HTTP", Port=plain, ResourcePath="/flips", FailureThreshold=1), "Success: "),
    "by name": (dict(Type="HTTP", Port=plain, ResourcePath="/good", IPAddress="", FullyQualifiedDomainName="localhost"), "Success: "),
}
ids = {}
for name, (config, _) in probed.items():
    if config.get("IPAddress") == "":
        config = {"FailureThreshold": 1, "RequestInterval": 10, **{k: v for k, v in config.items() if k != "IPAddress"}}
        ids[name] = r53.create_health_check(CallerReference=name, HealthCheckConfig=config)["HealthCheck"]["Id"]
    else:
        ids[name] = check(name, **config)
for name, (_, want) in probed.items():
    eventually(f"{name}: {status(ids[name])!r}, want {want!r}", lambda: status(ids[name]).startswith(want))
    print(name, "-", status(ids[name]))

ids["inverted"] = check("inverted", Type="TCP", Port=plain, Inverted=True)
ids["inverted nobody"] = check("inverted nobody", Type="TCP", Port=nobody, Inverted=True)
ids["disabled nobody"] = check("disabled nobody", Type="TCP", Port=nobody, Disabled=True)
ids["disabled inverted"] = check("disabled inverted", Type="TCP", Port=plain, Disabled=True, Inverted=True)
some = [ids["tcp"], ids["tcp nobody"], ids["flips"]]
for n in range(5):
    ids[f"{n} of 3"] = check(f"{n} of 3", Type="CALCULATED", HealthThreshold=n, ChildHealthChecks=some)

# A failover group of each check shows its verdict.
zone = r53.create_hosted_zone(Name="health.example.com", CallerReference="health")["HostedZone"]["Id"]
changes = []
for i, (name, id) in enumerate(ids.items()):
    for failover, address in ("PRIMARY", "192.0.2.1"), ("SECONDARY", "192.0.2.2"):
        record = {"Name": f"c{i}.health.example.com", "Type": "A", "TTL": 1, "SetIdentifier": failover, "Failover": failover, "ResourceRecords": [{"Value": address}]}
        if failover == "PRIMARY":
            record["HealthCheckId"] = id
        changes.append({"Action": "CREATE", "ResourceRecordSet": record})
r53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def up(name):
    i = list(ids).index(name)
    out = subprocess.run(["dig", "@127.0.0.1", "-p", sys.argv[2], "+short", f"c{i}.health.example.com", "A"], capture_output=True, text=True, check=True).stdout
    return out == "192.0.2.1\n"


want = {name: result.startswith("Success") for name, (_, result) in probed.items()}
want.update({"inverted": False, "inverted nobody": True, "disabled nobody": True, "disabled inverted": False})
want.update({f"{n} of 3": n <= 2 for n in range(5)})
for name, healthy in want.items():
    eventually(f"the verdict of {name} is not {healthy}", lambda: up(name) == healthy)

# What changes while it is watched.
PAGES["/flips"] = (503, b"")
eventually("the secondary does not answer", lambda: not up("flips") and not up("2 of 3") and up("1 of 3"))
reason = r53.get_health_check_last_failure_reason(HealthCheckId=ids["flips"])["HealthCheckObservations"][0]["StatusReport"]
assert reason["Status"].startswith("Failure: HTTP Status Code 503"), reason
PAGES["/flips"] = (200, b"")
eventually("the primary does not answer again", lambda: up("flips") and up("2 of 3"))
assert status(ids["flips"]).startswith("Success"), status(ids["flips"])
kept = r53.get_health_check_last_failure_reason(HealthCheckId=ids["flips"])["HealthCheckObservations"][0]["StatusReport"]
assert kept["Status"].startswith("Failure: HTTP Status Code 503"), kept

r53.update_health_check(HealthCheckId=ids["tcp nobody"], Disabled=True)
eventually("a disabled child is not healthy", lambda: up("3 of 3"))
r53.delete_health_check(HealthCheckId=ids["http nobody"])
eventually("a deleted check is not healthy", lambda: up("http nobody"))
print("ok")
