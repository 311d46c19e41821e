"""Deploys template.yaml to the emulator and plays the story there, under the policies of the template.

Fails if a step of the story does, if a function was refused a call, if a policy allows what nothing used, and
if a route was never called. With --walk it then walks through docs/operate.md on the same stack, with the operator's
scripts.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import urllib3
import yaml

from doors import Doors
from emulator import STACK, Emulator, read_template, transformed, with_routes
from guard import Guard
from net import authority
from tools import ROOT, binary

TEMPLATE = ROOT / "template.yaml"
EXCEPTIONS = Path(__file__).with_name("exceptions.yaml")
WALK = ROOT / "infra/operate/walk.py"
BASE_URL, MAIL_DOMAIN = "https://hub.example.jp", "hub.example.jp"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="keeps the logs of the emulator and the functions here")
    parser.add_argument("--walk", action="store_true", help="then runs the operator's scripts on the same stack")
    arguments = parser.parse_args()
    then = walk if arguments.walk else nothing
    wrong = play(read_template(TEMPLATE), arguments.keep, then=then)
    for line in wrong:
        print(line)
    if wrong:
        sys.exit(1)
    print("Every call was allowed, every route was called, and all that is allowed was used.")


def nothing(*_):
    return []


def play(template, keep=None, out=None, then=nothing):
    """What is wrong with the template, line by line; what is wrong `then`, if nothing is."""
    with tempfile.TemporaryDirectory(prefix="hokatsu-") as temporary:
        # Functions run elsewhere, and look for the moved time and the root here.
        directory = (keep or Path(temporary)).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        root, tls = authority(directory, "root")
        guard = Guard(tls)
        emulator = Emulator(directory, guard.url, root)
        try:
            doors = deploy(emulator, guard, template)
            tour = [binary("hokatsu"), "tour", "--hub", doors.url]
            subprocess.run(tour, check=True, env=emulator.env, stdout=out, stderr=subprocess.PIPE, text=True)
            not_taken = upload(doors, directory)
            never_called = [f"never called: {route}" for route in doors.never_called()]
            wrong = [*not_taken, *refused(guard), *unneeded(guard), *never_called, *credulous(emulator, guard, directory)]
            return wrong or then(emulator, doors)
        except subprocess.CalledProcessError as failed:
            return [f"failed: hokatsu {failed.cmd[1]}: {failed.stderr.strip()}", *refused(guard), *emulator.died()]
        finally:
            emulator.stop()


def upload(doors, directory):
    """What is wrong with a large file, which comes to an address of its own, past the API."""
    city = next(user for user in doors.credentials({})["users"]
                if (user["role"], user["municipality"]) == ("municipality", "131199"))
    headers = {"authorization": f"Bearer {city['access_token']}", "idempotency-key": f"upload-{secrets.token_hex(8)}"}
    target = "/v1/staff/imports?dataset=facilities&dry_run=true"
    status, _, sent = doors.answer("POST", target, headers, b"", None)
    if status != 202:
        return [f"an upload was asked for and answered {status} {sent}"]
    sent = json.loads(sent)
    list_ = "施設の名称,都道府県,市区町村\nかないくぼ保育園,東京都,板橋区\n"
    put = urllib3.PoolManager(ca_certs=str(directory / "root.pem")).request(
        "PUT", sent["upload_url"], body=list_.encode(), retries=False)
    # The event of the bucket passes no queue that could be drained.
    for _ in range(60):
        import_ = json.loads(doors.answer("GET", f"/v1/staff/imports/{sent['import_id']}", headers, b"", None)[2])
        if import_["status"] not in ("expecting", "running"):
            break
        time.sleep(1)
    if (put.status, import_["status"]) == (200, "succeeded"):
        return []
    return [f"an upload was answered {put.status}, and its import {import_}"]


def refused(guard):
    return sorted({f"refused: {function} {action} on {resource} {context or ''}"
                   for function, action, resource, context in guard.refused})


def unneeded(guard):
    """What the policies allow without use, and exceptions without need."""
    excused = {(one.get("function"), one["action"], one["resource"]) for one in yaml.safe_load(EXCEPTIONS.read_text())}
    needed = set()
    for function, action, resource, condition in guard.unused():
        exceptions = {(function, action, resource), (None, action, resource)} & excused
        needed |= exceptions
        if not exceptions:
            yield f"never used: {function} {action} on {resource} {condition or ''}"
    for _, action, resource in excused - needed:
        yield f"an exception without need: {action} on {resource}"


def credulous(emulator, guard, directory):
    """A function that speaks to the guard although it trusts another root."""
    another, _ = authority(directory, "another")
    lambdas, name = emulator.client("lambda"), emulator.resources()["KeepDeadlinesFunction"]
    variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    lambdas.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "AWS_CA_BUNDLE": str(another)}})
    before = guard.last_call
    ran = lambdas.invoke(FunctionName=name, Payload=json.dumps({"scheduled_at": "2026-12-02T11:00:00+09:00"}))
    lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    if "FunctionError" not in ran or guard.last_call != before:
        yield f"{name} trusts a certificate of a root that is not its own"


def deploy(emulator, guard, template):
    # Gradual deployment is for a hub that is in use, and the emulator has no CodeDeploy.
    # The story waits for mails, and SES here takes as many as come.
    parameters = {"BaseUrl": BASE_URL, "MailSender": f"no-reply@{MAIL_DOMAIN}", "GradualDeployment": "false",
                  "MailsPerSecond": "100"}
    emulator.package(template)
    template = with_routes(transformed(template, parameters))
    emulator.deploy(template, parameters, "CREATE")
    resources = emulator.resources()

    # What an operator does: the app clients of vendors.
    cognito, pool = emulator.client("cognito-idp"), resources["UserPool"]
    made = [cognito.create_user_pool_client(
        UserPoolId=pool, ClientName=f"vendor-{n}", GenerateSecret=True)["UserPoolClient"] for n in range(4)]
    ids = [client["ClientId"] for client in made]
    # The identity that mails come from, which is verified outside of the stack.
    emulator.client("sesv2").create_email_identity(EmailIdentity=MAIL_DOMAIN)
    guard.watch(emulator)

    seeded = subprocess.run(
        [binary("hokatsu"), "seed", *ids], check=True, capture_output=True, text=True,
        env={**emulator.env, "AWS_ENDPOINT_URL": emulator.url, "TABLE_NAME": resources["Table"],
             "ID_KEY": resources["IdKey"], "BASE_URL": BASE_URL})
    demo = json.loads(seeded.stdout)
    secret_of = {client["ClientId"]: client["ClientSecret"] for client in made}
    for client in demo["clients"]:
        client["client_secret"] = secret_of[client["client_id"]]
        cognito.update_user_pool_client(
            UserPoolId=pool, ClientId=client["client_id"], AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=[f"{resources['ResourceServer']}/{scope}" for scope in client["scopes"]])
    for user in demo["users"]:
        invite(cognito, pool, user)
    return Doors(emulator, guard, template, f"{BASE_URL}/staff", demo)


def walk(emulator, doors):
    """What is wrong with the operator's scripts. They find AWS past the guard: they are no functions."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**emulator.env, "AWS_ENDPOINT_URL": emulator.url, "HUB": doors.url, "STACK": STACK, "PATH": path}
    walked = subprocess.run([sys.executable, WALK], env=env, check=False)
    return [f"failed: {WALK.relative_to(ROOT)}"] if walked.returncode else []


def invite(cognito, pool, user):
    user["password"] = secrets.token_urlsafe(24)
    attributes = {"email": user["email"], "email_verified": "true",
                  "custom:role": user["role"],
                  "custom:facility_id": " ".join(user["facility_ids"]), "custom:municipality": user["municipality"]}
    cognito.admin_create_user(
        UserPoolId=pool, Username=user["email"], MessageAction="SUPPRESS",
        UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items() if value])
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=user["email"], Password=user["password"], Permanent=True)


if __name__ == "__main__":
    main()
