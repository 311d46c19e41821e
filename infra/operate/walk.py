#!/usr/bin/env python3
"""Walks through docs/operate.md: runs its first section block by block, and then every script, against a stack that is
deployed to an emulator of AWS.

    AWS_ENDPOINT_URL=http://127.0.0.1:4566 HUB=http://127.0.0.1:8080 STACK=hokatsu infra/operate/walk.py

`infra/emulator/run --walk` does so after the story. `HUB` is where the hub and its tokens are.

It closes the hub and replaces its table, so it goes nowhere but to this machine. Needs boto3 and the AWS CLI.
Not walked: redrive, because ministack has no move tasks.
"""

import base64
import json
import os
import re
import secrets
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import boto3

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIRST = "## From an empty account to the first reservation\n"
STACK = os.environ.get("STACK", "hokatsu")
CODE = "131199"


def run(script, *arguments, stack=STACK):
    command = [HERE / script, "--stack", stack, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)


def blocks():
    """The shell blocks of the first section, each with whether only an account can show it (☐)."""
    section = (ROOT / "docs/operate.md").read_text(encoding="utf-8").split(FIRST)[1]
    section = re.split(r"\n###? ", section)[0]
    for before, block in re.findall(r"([^\n]*(?:\n[^\n]+)*)\n\n```sh\n(.*?)```", section, re.DOTALL):
        yield block, before.strip().startswith("☐")


class Unfollowed(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Walk(unittest.TestCase):
    """In the order of the names: the table is replaced late, and the stack deleted last."""

    @classmethod
    def setUpClass(cls):
        if urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname not in ("127.0.0.1", "localhost"):
            raise SystemExit("AWS_ENDPOINT_URL names no emulator on this machine")
        cls.stack = boto3.resource("cloudformation").Stack(STACK)
        cls.table = boto3.resource("dynamodb").Table(cls.id_of("Table"))
        cls.cognito = boto3.client("cognito-idp")
        cls.pool = cls.id_of("UserPool")
        cls.facility = next(
            item["facility_id"] for item in cls.items() if item["sk"] == "FAC"
        )

    @classmethod
    def id_of(cls, name):
        return cls.stack.Resource(name).physical_resource_id

    @classmethod
    def items(cls):
        return cls.table.scan(ConsistentRead=True)["Items"]

    def item(self, pk, sk):
        return self.table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True).get("Item")

    def done(self, *command):
        result = run(*command)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def refused(self, *command, because):
        result = run(*command)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn(because, result.stderr)

    def test_0_from_an_empty_account_to_the_first_reservation(self):
        """In one shell, as somebody copies it; what needs an account is stood in for where the rest needs it."""
        target = subprocess.check_output([ROOT / ".ci/target"], text=True).strip()
        with tempfile.TemporaryDirectory() as directory:
            state, shown = Path(directory) / "state", 0
            state.write_text(f"export PATH={os.environ['PATH']!r}\n")
            (Path(directory) / "infra").symlink_to(ROOT / "infra")
            for block, only_an_account in blocks():
                if only_an_account:
                    block = self.stand_in(block, state)
                # What one block says, the next one knows.
                script = f"set -euo pipefail; . {state}; set -a\n{block}\nset +a; {{ export -p; declare -f; }} > {state}"
                done = subprocess.run(
                    ["bash", "-c", script], cwd=directory,
                    env={**os.environ, "AUTH": os.environ["HUB"], "HOKATSU": f"{target}/debug/hokatsu"},
                    capture_output=True, text=True, timeout=600, check=False,
                )
                self.assertEqual(done.returncode, 0, f"{block}\n{done.stdout}\n{done.stderr}")
                if not only_an_account:
                    shown, said = shown + 1, done.stdout
            self.assertGreater(shown, 8)
            self.assertRegex(said, "approved\n$")

    def stand_in(self, block, state):
        known = dict(re.findall(r'^declare -x (\w+)="(.*)"$', state.read_text(), re.MULTILINE))
        if "read -r CODE" in block:
            email, password = "sensei@nursery.example", secrets.token_urlsafe(24)
            self.cognito.admin_set_user_password(
                UserPoolId=self.pool, Username=email, Password=password, Permanent=True
            )
            form = {"username": email, "password": password, "client_id": known["CLIENT"], "response_type": "code"}
            form |= {"redirect_uri": known["CALLBACK"], "scope": "openid email"}
            try:
                build_opener(Unfollowed).open(f"{os.environ['AWS_ENDPOINT_URL']}/login", urlencode(form).encode())
            except OSError as redirected:
                return f"CODE={parse_qs(urlsplit(redirected.headers['location']).query)['code'][0]}"
        # By the program that is built already.
        return block.replace("cargo run --", "$HOKATSU") if "smoke" in block else ":"

    def update(self, values):
        """What `sam deploy --parameter-overrides` does to a stack whose template is the same."""
        cloudformation = boto3.client("cloudformation")
        known = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
        kept = [one["ParameterKey"] for one in known if one["ParameterKey"] not in values]
        self.stack.update(
            UsePreviousTemplate=True, Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in kept]
            + [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        )
        cloudformation.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})

    def test_1_a_search_site_and_an_ict_system(self):
        with tempfile.TemporaryDirectory() as directory:
            for kind, link, scope in [
                ("search_site", [], "hub/reservations:write"),
                ("ict", ["--facility", self.facility], "hub/ict:write"),
            ]:
                file = Path(directory) / kind
                words = ["--kind", kind, "--name", f'「{kind}」 "1"', "--contact", "ops@vendor.example"]
                printed = self.done("add-vendor", *words, *link, "--secret-file", file)
                client = json.loads(file.read_text())
                self.assertEqual(file.stat().st_mode & 0o777, 0o600)
                self.assertNotIn(client["client_secret"], printed)
                made = self.cognito.describe_user_pool_client(
                    UserPoolId=self.pool, ClientId=client["client_id"]
                )["UserPoolClient"]
                self.assertEqual(made["AllowedOAuthFlows"], ["client_credentials"])
                self.assertIn(scope, made["AllowedOAuthScopes"])
                # Nobody signs in by a vendor's client, and whoever did could change nothing of themselves.
                self.assertEqual(made["ExplicitAuthFlows"], ["ALLOW_REFRESH_TOKEN_AUTH"])
                self.assertEqual(made["WriteAttributes"], ["email"])
                self.assertEqual(made["PreventUserExistenceErrors"], "ENABLED")
                record = self.item(f"CLI#{client['client_id']}", "CLI")
                self.assertEqual(record["name"], f'「{kind}」 "1"')
                self.assertEqual((record["kind"], record["contact"]), (kind, "ops@vendor.example"))
                self.refused("add-vendor", *words, "--secret-file", file, because="exists")
        ict, link = client["client_id"], ["--facility", self.facility]
        self.assertTrue(self.item(f"FAC#{self.facility}", f"ICT#{ict}"))
        self.assertTrue(self.item(f"CLI#{ict}", f"FAC#{self.facility}"))
        self.done("add-vendor", "--client", ict, *link)
        self.refused("add-vendor", "--client", ict, "--facility", "fac_none", because="no nursery")
        self.refused("add-vendor", "--client", "nobody", *link, because="no ICT system")
        for status in ["suspended", "active"]:
            self.done("set-vendor", "--client", ict, "--status", status)
            self.assertEqual(self.item(f"CLI#{ict}", "CLI")["status"], status)
        self.refused("set-vendor", "--client", "nobody", "--status", "suspended", because="no vendor")
        self.refused("set-vendor", "--client", ict, "--status", "gone", because="active or suspended")

    def test_2_a_municipality(self):
        self.done("set-municipality", "--code", CODE, "--address", "a@city.example", "--address", "b@city.example")
        found = self.item(f"MUN#{CODE}", "SET")
        self.assertEqual(found["notice_addresses"], ["a@city.example", "b@city.example"])
        self.refused("set-municipality", "--code", "131198", "--address", "a@city.example", because="no code")

    def test_3_staff(self):
        email = "person@city.example"

        def is_now():
            found = self.cognito.admin_get_user(UserPoolId=self.pool, Username=email)
            values = {one["Name"]: one["Value"] for one in found["UserAttributes"]}
            names = ("custom:role", "custom:facility_id", "custom:municipality")
            return (found["Enabled"], *(values.get(name, "") for name in names))

        self.done("add-staff", "--email", email, "--role", "facility", "--facility", self.facility)
        self.assertEqual(is_now(), (True, "facility", self.facility, ""))
        self.assertIn("invited again", self.done("add-staff", "--email", email, "--resend"))
        self.done("add-staff", "--email", email, "--role", "municipality", "--municipality", CODE)
        self.assertEqual(is_now(), (True, "municipality", "", CODE))
        self.done("add-staff", "--email", email, "--remove")
        self.assertFalse(is_now()[0])
        self.done("add-staff", "--email", email, "--role", "operator")
        self.assertEqual(is_now(), (True, "operator", "", ""))
        self.refused("add-staff", "--email", email, "--role", "facility", because="--facility")
        self.cognito.admin_set_user_password(
            UserPoolId=self.pool, Username=email, Password="a long password of a person", Permanent=True
        )
        self.refused("add-staff", "--email", email, "--resend", because="has signed in")

    def test_4_closing_and_opening(self):
        function = self.id_of("RequestReservationFunction")

        def at_once():
            answer = boto3.client("lambda").get_function_concurrency(FunctionName=function)
            return answer.get("ReservedConcurrentExecutions")

        self.assertIn(": closed", self.done("booking", "--close"))
        self.assertEqual(at_once(), 0)
        self.assertIn(": closed", self.done("booking"))
        self.assertIn(": open", self.done("booking", "--open"))
        self.assertIsNone(at_once())
        self.assertNotEqual(run("booking", "--close", stack="another").returncode, 0)

    def test_5_erasing_an_applicant(self):
        number = "R-WA1K-0000"
        key = {"pk": f"RSV#{number}", "sk": "RSV"}
        was = {**key, "starts_at": 1, "sequence": 3, "applicant": b"sealed", "cancel_reason": b"sealed",
               "families": ["walk"], "memos": [{"text": b"sealed"}], "body_mark": b"fingerprint",
               "history": [{"sequence": 2, "comment": "words"}, {"sequence": 3}]}
        erase = ["erase-applicant", "--reservation", number]
        try:
            self.table.put_item(Item={**was, "status": "pending"})
            self.refused(*erase, "--yes", because="not over")
            self.table.put_item(Item={**was, "status": "approved", "starts_at": int((time.time() + 9e4) * 1000)})
            self.refused(*erase, "--yes", because="not over")
            self.table.put_item(Item={**was, "status": "declined"})
            self.done(*erase)
            self.assertEqual(self.item(**key)["applicant"].value, b"sealed")
            self.done(*erase, "--yes")
            found = self.item(**key)
            gone = {"applicant", "cancel_reason", "families", "memos"}
            self.assertEqual((found["sequence"], gone & set(found)), (3, set()))
            self.assertEqual(found["history"], [{"sequence": 2}, {"sequence": 3}])
            self.assertEqual(found["body_mark"].value, bytes(16))
        finally:
            self.table.delete_item(Key=key)
        self.refused("erase-applicant", "--reservation", "R-NONE-0000", because="no reservation")

    def test_6_telling_again(self):
        key = {"pk": f"FAC#{self.facility}", "sk": "FAC"}
        self.table.update_item(
            Key=key, UpdateExpression="SET walk = :now", ExpressionAttributeValues={":now": time.time_ns()}
        )
        self.table.update_item(Key=key, UpdateExpression="REMOVE walk")
        streams = boto3.client("dynamodbstreams")
        stream = self.table.latest_stream_arn
        shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][-1]["ShardId"]
        iterator = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        facility = next(r["dynamodb"] for r in reversed(records) if r["dynamodb"]["Keys"]["sk"]["S"] == "FAC")
        place = {
            "streamArn": stream,
            "shardId": shard,
            "startSequenceNumber": facility["SequenceNumber"],
            "endSequenceNumber": facility["SequenceNumber"],
        }
        queue = boto3.resource("sqs").Queue(self.id_of("FanOutFailureQueue"))
        # The items that the erasure was tried on are none of the hub's, so fan-out has set their changes apart.
        queue.purge()
        queue.send_message(MessageBody=json.dumps({"DDBStreamBatchInfo": place}))
        self.assertIn("1 changes, told", self.done("retell", "--yes"))
        queue.reload()
        held = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        self.assertEqual([queue.attributes[name] for name in held], ["0", "0"])

    def test_7_the_drill(self):
        before = boto3.client("dynamodb").list_tables()["TableNames"]
        printed = self.done("restore-drill")
        compared = {row.split()[0]: row.split()[1:] for row in printed.splitlines() if "/" in row.split()[0]}
        count = str(sum(item["sk"] == "FAC" for item in self.items()))
        self.assertEqual(compared["FAC/FAC"], [count, count, "0", "0", "0"])
        self.assertEqual(boto3.client("dynamodb").list_tables()["TableNames"], before)

    def test_8_replacing_the_table(self):
        old = self.table.latest_stream_arn
        restored = self.done("restore-drill", "--keep").split("kept: ")[1].strip()
        # What people and jobs change meanwhile is none of these.
        lasting = {"FAC", "SET", "CLI"}
        before = self.shown(boto3.resource("dynamodb").Table(restored), lasting)
        self.assertIn("nothing is done", self.done("switch-table", "--from", restored))
        self.table.reload()
        self.assertEqual(self.table.latest_stream_arn, old)

        for _ in range(2):  # the second time changes nothing
            self.done("switch-table", "--from", restored, "--yes")
            self.table.reload()
            stream = self.table.latest_stream_arn
            self.assertNotIn(stream, (None, old))
            self.assertEqual(self.shown(self.table, lasting), before)
        self.assertTrue(self.table.deletion_protection_enabled)
        mappings = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        states = [(m["EventSourceArn"], m["State"]) for m in mappings if STACK in m["FunctionArn"]]
        # Those who read the stream: the relay and the importer.
        self.assertEqual([state for source, state in states if source == old], ["Disabled"] * 2)
        self.assertEqual([state for source, state in states if source == stream], ["Enabled"] * 2)
        self.assertEqual({state for source, state in states if source != old}, {"Enabled"})

    def shown(self, table, kinds):
        """The items of these kinds, in an order."""
        items = (item for item in table.scan(ConsistentRead=True)["Items"] if item["sk"] in kinds)
        return sorted(json.dumps(item, default=repr, sort_keys=True) for item in items)

    def test_9_taking_it_down(self):
        """What docs/take-down.md says goes, and what stays."""
        kept = {"Table", "UserPool", "SealKey", "TableKey"}
        ids = {name: self.id_of(name) for name in kept | {"FanOutFunction"}}
        self.update({"Protected": "false"})
        cloudformation = boto3.client("cloudformation")
        cloudformation.delete_stack(StackName=STACK)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
        with self.assertRaises(boto3.client("lambda").exceptions.ResourceNotFoundException):
            boto3.client("lambda").get_function(FunctionName=ids["FanOutFunction"])
        self.assertGreater(len(self.items()), 0)
        self.assertEqual(
            self.cognito.describe_user_pool(UserPoolId=ids["UserPool"])["UserPool"]["Id"], ids["UserPool"]
        )
        for key in ("SealKey", "TableKey"):
            self.assertEqual(
                boto3.client("kms").describe_key(KeyId=ids[key])["KeyMetadata"]["KeyState"], "Enabled", key
            )


    def test_9_rotating_a_key_while_functions_run(self):
        rotate, secret = ["rotate-key", "--keys", "cursors"], self.id_of("CursorKeys")

        def page(cursor=None):
            """A page of slots as the deployed function answers it, and the key that sealed its cursor."""
            query = {"from": "2026-01-01", "to": "2099-12-31", "limit": "1", **({"cursor": cursor} if cursor else {})}
            event = json.loads((HERE.parents[1] / "events/list-slots.json").read_text())
            path = f"/v1/facilities/{self.facility}/slots"
            event.update(rawPath=path, rawQueryString=urlencode(query), queryStringParameters=query)
            event["requestContext"]["http"]["path"] = path
            answer = boto3.client("lambda").invoke(
                FunctionName=self.id_of("ListSlotsFunction"), Payload=json.dumps(event))
            answer = json.load(answer["Payload"])
            self.assertEqual(answer["statusCode"], 200, answer)
            cursor = json.loads(answer["body"])["next_cursor"]
            return cursor, str(int.from_bytes(base64.urlsafe_b64decode(cursor + "===")[:4]))

        before, key = page()
        self.assertEqual(key, "0")
        self.done(*rotate, "--add")
        self.refused(*rotate, "--add", because="not used yet")
        keys = json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
        new = max(keys, key=int)
        self.assertEqual(page(before)[1], "0")
        self.later(minutes=16)
        self.assertEqual(page(before)[1], new)
        self.refused(*rotate, "--remove", new, "--yes", because="it is used")
        self.refused(*rotate, "--remove", "0", because="without --yes")
        self.done(*rotate, "--remove", "0", "--yes")
        self.later(minutes=6)
        with self.assertRaisesRegex(AssertionError, "400"):
            page(before)
        self.refused("rotate-key", "--keys", "ids", because="invalid choice")

    @staticmethod
    def later(minutes):
        """Moves the time in which the emulator and its functions live."""
        ahead = Path(os.environ["FAKETIME_TIMESTAMP_FILE"])
        new = ahead.with_suffix(".new")
        new.write_text(f"+{float(ahead.read_text()) + 60 * minutes:.3f}")
        new.replace(ahead)


if __name__ == "__main__":
    unittest.main()
