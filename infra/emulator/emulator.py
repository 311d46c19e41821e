"""AWS on this machine: ministack, with template.yaml deployed to it as it is."""

import copy
import io
import json
import logging
import os
import platform
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import boto3
import libfaketime
import urllib3
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from net import free_port, pool
from tools import binary, run

STACK, BUCKET, REGION = "hokatsu", "artifacts", "ap-northeast-1"
# The transform asks for it, and tells of features that nobody asked for.
os.environ["AWS_DEFAULT_REGION"] = REGION
logging.getLogger("samtranslator").setLevel(logging.ERROR)
# Types of resources that the emulator does not know, and that no call meets.
UNKNOWN = {
    "AWS::Budgets::Budget": "what the account may cost",
    "AWS::Cognito::ManagedLoginBranding": "the look of the sign-in pages",
}
METHODS, ANY = {"get", "put", "post", "delete", "patch", "head", "options"}, "x-amazon-apigateway-any-method"


def moved_time(directory):
    """The environment of a process that lives in the moved time, and the file that says how far it is moved."""
    ahead = directory / "ahead"
    ahead.write_text("+0")
    # The package installs the library that is not made for threads: now and then one of them gets the unmoved
    # time, or ends its process. The other is made of the same source, with the flags of the package's setup.py.
    source, library = Path(libfaketime.__file__).parent / "vendor/libfaketime/src", "libfaketimeMT.so.1"
    flags = {"FAKETIME_COMPILE_CFLAGS": "-UFAKE_STAT -UFAKE_UTIME -UFAKE_SLEEP"}
    run("make", "--silent", "--directory", source, library, env={**os.environ, **flags})
    return ahead, {
        "LD_PRELOAD": str(source / library),
        "FAKETIME_TIMESTAMP_FILE": str(ahead),
        "FAKETIME_NO_CACHE": "1",
        # Waits are real; what is moved is what a calendar shows.
        "DONT_FAKE_MONOTONIC": "1",
    }


class Emulator:
    """A ministack of its own, on a free port of the loopback interface."""

    def __init__(self, directory, guard_url, root):
        self.directory = directory
        self.ahead, self.time = moved_time(directory)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.env = {
            **os.environ,
            **self.time,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
        self.log = (directory / "ministack.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env={
                **self.env,
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "MINISTACK_REGION": REGION,
                # Where the functions find AWS.
                "AWS_ENDPOINT_URL": guard_url,
                "AWS_CA_BUNDLE": str(root),
                # A trigger that fails is an error, and what nobody uses opens no port.
                "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "TMPDIR": str(directory),
            },
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.session = boto3.Session("test", "test", region_name=REGION)
        self.http = pool()
        self.wait_until_ready()

    def wait_until_ready(self):
        for _ in range(300):
            if self.process.poll() is not None:
                break
            try:
                if self.http.request("GET", f"{self.url}/_ministack/ready", retries=False).status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"ministack does not start, see {self.log.name}")

    def died(self):
        """How the emulator ended by itself, if it did: then nothing is known of the hub."""
        ended = self.process.poll()
        if ended is None:
            return []
        return [f"ministack ended with {ended}", *Path(self.log.name).read_text().splitlines()[-20:]]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()

    def client(self, service):
        return self.session.client(service, endpoint_url=self.url)

    # ── Deploying ──────────────────────────────────────────────────────────────────────────────────

    def package(self, template):
        """What `sam package` does: code goes to a bucket, and CodeUri says where it is there.

        The binaries are those of `cargo test`, of this machine's kind.
        """
        template["Globals"]["Function"]["Architectures"] = [architecture()]
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for resource in template["Resources"].values():
            if resource["Type"] != "AWS::Serverless::Function":
                continue
            name = resource["Metadata"]["BuildProperties"]["Binary"]
            code = io.BytesIO()
            with zipfile.ZipFile(code, "w") as archive:
                entry = zipfile.ZipInfo("bootstrap")
                entry.external_attr = 0o755 << 16
                archive.writestr(entry, self.stripped(binary(name)))
            s3.put_object(Bucket=BUCKET, Key=name, Body=code.getvalue())
            resource["Properties"]["CodeUri"] = f"s3://{BUCKET}/{name}"

    def stripped(self, program):
        """A program without what only a debugger reads."""
        small = self.directory / "bootstrap"
        run("strip", "-o", small, program)
        return small.read_bytes()

    def deploy(self, template, parameters, kind):
        cloudformation = self.client("cloudformation")
        self.client("s3").put_object(Bucket=BUCKET, Key="template", Body=json.dumps(template))
        change = cloudformation.create_change_set(
            StackName=STACK,
            ChangeSetName=f"{kind.lower()}-{time.time_ns()}",
            ChangeSetType=kind,
            TemplateURL=f"{self.url}/{BUCKET}/template",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        )["Id"]
        cloudformation.get_waiter("change_set_create_complete").wait(
            ChangeSetName=change, WaiterConfig={"Delay": 0.2}
        )
        cloudformation.execute_change_set(ChangeSetName=change)
        waiter = cloudformation.get_waiter(f"stack_{kind.lower()}_complete")
        try:
            waiter.wait(StackName=STACK, WaiterConfig={"Delay": 0.5, "MaxAttempts": 240})
        except Exception:
            for event in cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]:
                if event.get("ResourceStatusReason"):
                    print(event["LogicalResourceId"], event["ResourceStatus"], event["ResourceStatusReason"])
            raise

    def resources(self):
        """The physical id of every resource of the stack, by its name in the template."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        found = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def architecture():
    return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def read_template(path):
    return yaml_parse(Path(path).read_text())


def transformed(template, parameters):
    """The template as CloudFormation's own transform makes it, less what the emulator does not know."""

    class NoPolicies:
        def load(self):
            return {}

    made = transform(copy.deepcopy(template), dict(parameters), NoPolicies())
    left_out = [name for name, resource in made["Resources"].items() if resource["Type"] in UNKNOWN]
    for name in left_out:
        print(f"left out: {name}, {UNKNOWN[made['Resources'].pop(name)['Type']]}")
    for name, resource in made["Resources"].items():
        # Nothing happens by alarms here, but the dashboard names them.
        if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Properties"].pop("Metrics", None):
            resource["Properties"] |= {"Namespace": "none", "MetricName": "none", "Statistic": "Sum", "Period": 300}
            print(f"simplified: {name}, which reckons with metrics")
    return made


def routes(template):
    """Every (API, method, path, operation) of a transformed template; the method is None for what no route takes."""
    for name, api in template["Resources"].items():
        if api["Type"] == "AWS::ApiGatewayV2::Api":
            for path, operations in api["Properties"]["Body"]["paths"].items():
                for method, operation in operations.items():
                    if method == ANY or method in METHODS:
                        yield name, None if method == ANY else method.upper(), path, operation


def with_routes(template):
    """Spells out the routes of a transformed template's HTTP APIs as resources.

    API Gateway reads them from the OpenAPI body that the transform writes; the emulator does not.
    """
    resources = template["Resources"]
    for name, api in list(resources.items()):
        if api["Type"] != "AWS::ApiGatewayV2::Api":
            continue
        body, ref = api["Properties"]["Body"], {"Ref": name}
        for authorizer, scheme in body.get("components", {}).get("securitySchemes", {}).items():
            says = scheme["x-amazon-apigateway-authorizer"]
            resources[f"{name}Authorizer{authorizer}"] = {
                "Type": "AWS::ApiGatewayV2::Authorizer",
                "Properties": {
                    "ApiId": ref,
                    "AuthorizerType": says["type"].upper(),
                    "AuthorizerUri": says["authorizerUri"],
                    "AuthorizerPayloadFormatVersion": says["authorizerPayloadFormatVersion"],
                    "AuthorizerResultTtlInSeconds": says["authorizerResultTtlInSeconds"],
                    "EnableSimpleResponses": says["enableSimpleResponses"],
                    "IdentitySource": says["identitySource"],
                    "Name": authorizer,
                },
            }
    for api, method, path, operation in list(routes(template)):
        shared = resources[api]["Properties"]["Body"]["components"]["x-amazon-apigateway-integrations"]
        calls = shared[operation["x-amazon-apigateway-integration"]["$ref"].rsplit("/", 1)[1]]
        security = operation.get("security") or [{}]
        authorizer = next(iter(security[0]), None)
        route = re.sub(r"\W", "", f"{api}{method}{path}".title())
        resources[f"{route}Calls"] = {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": api},
                "IntegrationType": calls["type"].upper(),
                "IntegrationMethod": calls["httpMethod"],
                "IntegrationUri": calls["uri"],
                "PayloadFormatVersion": calls["payloadFormatVersion"],
                "CredentialsArn": calls["credentials"],
            },
        }
        resources[route] = {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": api},
                "RouteKey": f"{method} {path}" if method else path,
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": f"{route}Calls"}]]},
                **({"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": f"{api}Authorizer{authorizer}"}}
                   if authorizer else {"AuthorizationType": "NONE"}),
            },
        }
    return template
