"""The guard knows who calls, and what of a table and a key they may touch."""

import json
import subprocess
import sys
import unittest
from os import environ
from urllib.parse import urlsplit

from guard import Guard, function_at, grants
from net import free_port, serve

# Calls a server from each of these ports, prints the answers, and keeps the connections.
CALLER = """
import socket, sys
from http.client import HTTPResponse
server, *ports = map(int, sys.argv[1:])
kept = []
for port in ports:
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    line.bind(("127.0.0.1", port))
    line.connect(("127.0.0.1", server))
    line.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
    kept.append(line)
    answer = HTTPResponse(line)
    answer.begin()
    print(answer.read().decode(), flush=True)
sys.stdin.read()
"""


class SignedCalls(unittest.TestCase):
    def test_a_file_at_a_signed_address_is_a_call_of_who_may_put_it_there(self):
        guard, arn = Guard(), "arn:aws:s3:::uploads/imports/imp_1"
        for function, action in [("takes", "s3:GetObject"), ("signs", "s3:PutObject")]:
            document = {"Statement": {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::uploads/imports/*"}}
            guard.documents[function], guard.policies[function] = [document], list(grants(document))
        scope = "test/20261201/ap-northeast-1/s3/aws4_request"
        query = {"X-Amz-Algorithm": ["AWS4-HMAC-SHA256"], "X-Amz-Credential": [scope], "X-Amz-Signature": ["0"]}
        # What is sent is no text.
        (call,), _ = guard.checks("PUT", "/uploads/imports/imp_1", {}, b"\x1f\x8b\xff", query)
        self.assertEqual(call, ("s3:PutObject", arn, {}))
        self.assertEqual([one for one in guard.documents if guard.may(one, *call)], ["signs"])
        self.assertFalse(guard.policies["signs"][0].used, "it was asked, and not called")


class WhoCalls(unittest.TestCase):
    def call(self, function, server, ports):
        """What the server answers to a function, which stays."""
        arguments = [sys.executable, "-c", CALLER, str(urlsplit(server).port), *map(str, ports)]
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**environ, "AWS_LAMBDA_FUNCTION_NAME": function})
        self.addCleanup(process.communicate)
        return [process.stdout.readline().strip() for _ in ports]

    def test_a_port_from_which_two_functions_call_two_servers(self):
        def answer(_method, _path, _headers, _body, caller):
            return 200, {}, str(caller).encode()

        guard, other = serve(answer, function_at), serve(answer)
        # Which of the two would be found first is chance: both, in eight.
        ports = {free_port() for _ in range(8)}
        self.assertEqual(self.call("one", other, ports), ["None"] * len(ports))
        self.assertEqual(self.call("two", guard, ports), ["two"] * len(ports))


TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/hub"
KEY = "arn:aws:kms:us-east-1:000000000000:key/seal"
ROOT = "arn:aws:iam::000000000000:root"


def guard(*statements, key_policy=()):
    """A guard of one function, `reader`, with these statements."""
    made, document = Guard(), {"Statement": list(statements)}
    made.documents["reader"], made.policies["reader"] = [document], list(grants(document))
    made.roles["reader"] = "arn:aws:iam::000000000000:role/hub-reader-1"
    made.keys[KEY] = json.dumps({"Statement": list(key_policy)})
    return made


def calls(made, operation, body):
    """Whether the function may make this call of DynamoDB."""
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    checks, _ = made.checks("POST", "/", headers, json.dumps(body).encode(), {})
    return all(made.allow("reader", action, TABLE, context) for action, _, context in checks)


def pk(key):
    return {"pk": {"S": key}, "sk": {"S": "x"}}


class WhatOfATable(unittest.TestCase):
    def setUp(self):
        self.guard = guard({
            "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query",
                                          "dynamodb:PutItem"], "Resource": TABLE,
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["FAC#*", "SEARCH"]}}})

    def test_a_key_of_another_kind_is_refused(self):
        for key, may in [("FAC#1", True), ("SEARCH", True), ("SEARCH2", False), ("RSV#1", False)]:
            self.assertEqual(calls(self.guard, "GetItem", {"TableName": "hub", "Key": pk(key)}), may, key)
            query = {"TableName": "hub", "KeyConditionExpression": "#k = :pk AND begins_with(sk, :sk)",
                     "ExpressionAttributeNames": {"#k": "pk"},
                     "ExpressionAttributeValues": {":pk": {"S": key}, ":sk": {"S": "RSV#"}}}
            self.assertEqual(calls(self.guard, "Query", query), may, key)
            put = {"TransactItems": [{"Put": {"TableName": "hub", "Item": pk("FAC#1")}},
                                     {"Put": {"TableName": "hub", "Item": pk(key)}}]}
            self.assertEqual(calls(self.guard, "TransactWriteItems", put), may, key)

    def test_one_key_of_a_batch_spoils_it(self):
        def batch(*keys):
            return {"RequestItems": {"hub": {"Keys": [pk(key) for key in keys]}}}

        self.assertTrue(calls(self.guard, "BatchGetItem", batch("FAC#1", "FAC#2")))
        self.assertFalse(calls(self.guard, "BatchGetItem", batch("FAC#1", "RSV#1")))
        unused = {(action, condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
                  for _, action, _, condition in self.guard.unused()}
        self.assertIn(("dynamodb:BatchGetItem", "SEARCH"), unused)
        self.assertNotIn(("dynamodb:BatchGetItem", "FAC#*"), unused)

    def test_what_one_statement_says_is_needed_where_each_action_and_each_kind_is(self):
        def unused():
            return {(action, condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
                    for _, action, _, condition in self.guard.unused()}

        calls(self.guard, "GetItem", {"TableName": "hub", "Key": pk("FAC#1")})
        self.assertIn(("dynamodb:GetItem", "SEARCH"), unused(), "nothing used SEARCH")
        calls(self.guard, "PutItem", {"TableName": "hub", "Item": pk("SEARCH")})
        self.assertNotIn(("dynamodb:GetItem", "SEARCH"), unused())
        self.assertNotIn(("dynamodb:PutItem", "FAC#*"), unused())
        self.assertIn(("dynamodb:Query", "FAC#*"), unused(), "nothing queried")


class WhatOfAKey(unittest.TestCase):
    def test_the_policy_of_the_key_must_name_the_role_too(self):
        for role, may in [("hub-reader-*", True), ("hub-writer-*", False)]:
            made = guard({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY},
                         key_policy=[{"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:Decrypt",
                                      "Resource": "*", "Condition": {"ArnLike": {
                                          "aws:PrincipalArn": f"arn:aws:iam::000000000000:role/{role}"}}}])
            self.assertEqual(made.allow("reader", "kms:Decrypt", KEY, {}), may, role)


if __name__ == "__main__":
    unittest.main()
