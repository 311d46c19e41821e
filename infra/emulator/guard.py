"""Stands between the functions and AWS as IAM does: knows who calls, refuses what the caller's policy does
not allow, and remembers what of each policy was used."""

import json
import re
import threading
import time
from itertools import product
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psutil
from ministack.core import iam_actions, iam_evaluator, router

from net import ONCE, pool, serve

ACCOUNT = "000000000000"
READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"}


class Grant:
    """One action on one resource, under one value of each condition: what can be used or not."""

    def __init__(self, statement, action, resource, condition):
        self.statement = statement
        self.name = (action, resource, condition)
        one = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}
        self.statements = iam_evaluator.parse_policy_document({"Statement": [one]})
        self.used = False


def many(value):
    return value if isinstance(value, list) else [value]


def grants(document):
    """Every grant of a policy document, each alone."""
    for statement in many(document["Statement"]):
        assert statement["Effect"] == "Allow", "a policy of the template only allows"
        keys = [(op, key, many(value)) for op, keys in statement.get("Condition", {}).items()
                for key, value in keys.items()]
        for action, resource in product(many(statement["Action"]), many(statement["Resource"])):
            for values in product(*(values for _, _, values in keys)):
                condition = {}
                for (op, key, _), value in zip(keys, values):
                    condition.setdefault(op, {})[key] = value
                yield Grant(statement, action, resource, condition)


def goes_with_others(grant, granted):
    """Whether the statement is needed for the action on other items, and for these items with another action.

    The kinds of items that one transaction writes stand in one statement, for all its actions.
    """
    action, _, condition = grant.name
    used = [other.name for other in granted if other.used and other.statement is grant.statement]
    kinds = condition.get("ForAllValues:StringLike", {})
    return (LEADING_KEYS in kinds and any(name[0] == action for name in used)
            and any(name[2] == condition for name in used))


LEADING_KEYS = "dynamodb:LeadingKeys"
PARTITION_KEYS = {"pk", "pending_facility_id", "client_id"}


def leading_keys(call):
    """The partition keys that a call of DynamoDB, or an item of a transaction, names."""
    if "RequestItems" in call:
        return [key["pk"]["S"] for asked in call["RequestItems"].values() for key in asked["Keys"]]
    item = call.get("Key") or call.get("Item")
    if item:
        return [item["pk"]["S"]]
    names = call.get("ExpressionAttributeNames", {})
    for name, value in re.findall(r"([#\w]+) *= *(:\w+)", call.get("KeyConditionExpression", "")):
        if names.get(name, name) in PARTITION_KEYS:
            return [call["ExpressionAttributeValues"][value]["S"]]
    return []


class Guard:
    def __init__(self, tls=None):
        self.emulator = None
        self.documents = {}  # function -> its policies
        self.roles = {}  # function -> the role that it has
        self.keys = {}  # key of KMS -> its policy
        self.policies = {}  # function -> its grants
        self.limits = {}  # function -> its permissions boundary
        self.names = {}  # physical name -> name in the template
        self.refused = []
        self.running, self.writes, self.last_call = 0, 0, 0.0
        self.lock = threading.Lock()
        self.pool = pool()
        self.url = serve(self.answer, function_at, tls)

    def watch(self, emulator):
        """Reads the policy of every function that the emulator has."""
        self.emulator = emulator
        ids = [id_.rsplit("/", 1)[-1] for id_ in emulator.resources().values()]
        self.names = {id_: name for name, id_ in zip(emulator.resources(), ids) if ids.count(id_) == 1}
        iam, lambdas = emulator.client("iam"), emulator.client("lambda")
        for page in lambdas.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                role = function["Role"].rsplit("/", 1)[-1]
                names = iam.list_role_policies(RoleName=role)["PolicyNames"]
                documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
                self.documents[function["FunctionName"]] = documents
                self.roles[function["FunctionName"]] = function["Role"]
                self.policies[function["FunctionName"]] = [g for document in documents for g in grants(document)]
                limit = iam.get_role(RoleName=role)["Role"].get("PermissionsBoundary")
                if limit:
                    arn = limit["PermissionsBoundaryArn"]
                    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
                    self.limits[function["FunctionName"]] = [[iam_evaluator.parse_policy_document(document)]]

        kms = emulator.client("kms")
        for key in kms.list_keys()["Keys"]:
            self.keys[key["KeyArn"]] = kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]

    def unused(self):
        """The grants that no call used: function, action, resource and condition, as the template names them."""
        return [(self.named(function), action, self.named(resource), condition)
                for function, granted in self.policies.items()
                for grant in granted if not grant.used and not goes_with_others(grant, granted)
                for action, resource, condition in [grant.name]]

    def named(self, text):
        """A physical id or ARN with the names of the template in it."""
        parts = str(text).split(":", 5)[-1].split("/")
        return "/".join(self.names.get(part, part) for part in parts)

    def quiet_for(self, seconds):
        """Whether no function is calling, and none has called for so long."""
        with self.lock:
            return self.running == 0 and time.monotonic() - self.last_call > seconds

    # ── Answering ──────────────────────────────────────────────────────────────────────────────────

    def answer(self, method, target, headers, body, function):
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        # The keys that tokens are signed with are for anybody.
        public = method == "GET" and path.endswith("/.well-known/jwks.json")
        checks, service = ([], None) if public else self.checks(method, path, headers, body, query)
        if "X-Amz-Signature" in query:
            # Whoever has a signed address acts in the name of the function that may do this, which signed it.
            function = next((one for one in self.documents if self.may(one, *checks[0])), None)
        with self.lock:
            self.running += 1
            self.writes += any(action not in READS for action, _, _ in checks)
        try:
            for action, resource, context in checks:
                if not self.allow(function, action, resource, context):
                    with self.lock:
                        self.refused.append((self.named(function), action, self.named(resource), context))
                    return iam_actions.access_denied_response(
                        service, action, function, str(uuid4()), headers=headers, resource_arn=resource)
            answer = self.pool.request(method, self.emulator.url + target, body=body, headers=headers | ONCE,
                                       redirect=False, retries=False)
            return answer.status, dict(answer.headers), answer.data
        finally:
            with self.lock:
                self.running -= 1
                self.last_call = time.monotonic()

    def checks(self, method, path, headers, body, query):
        """The (action, resource, context) that IAM would judge this call by."""
        account, region = ACCOUNT, router.extract_region(headers)
        service = router.detect_service(method, path, headers, query)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query)
        assert action, f"no IAM action is known for {method} {path}"
        # What is sent to S3 is somebody's file.
        sent = {} if service == "s3" else json.loads(body or b"{}")
        context = {f"kms:EncryptionContext:{key}": value for key, value in sent.get("EncryptionContext", {}).items()}
        if service == "dynamodb":
            context |= iam_actions.dynamodb_service_context(body)
            items = iam_actions.dynamodb_transaction_checks(action, body, region, account)
            if items:
                # Each item of a transaction is judged as the action that it is, on its own key.
                calls = [call for item in sent["TransactItems"] for call in item.values()]
                return [(*item, context | {LEADING_KEYS: leading_keys(call)})
                        for item, call in zip(items, calls, strict=True)], service
            keys = leading_keys(sent)
            context |= {LEADING_KEYS: keys} if keys else {}
            named = [(action, arn) for arn in iam_actions.dynamodb_resource_arns(body, region, account)]
        elif action == "ses:SendEmail":
            # Judged on the identity of the sender, and on the configuration set that it names.
            sender = sent["FromEmailAddress"].rpartition("<")[2].strip(">")
            context["ses:FromAddress"] = sender
            of = f"arn:aws:ses:{region}:{account}"
            named = [(action, f"{of}:identity/{sender.partition('@')[2]}")]
            if sent.get("ConfigurationSetName"):
                named.append((action, f"{of}:configuration-set/{sent['ConfigurationSetName']}"))
        else:
            arn = iam_actions.extract_resource_arn(service, method, path, headers, body, query, region, account)
            # A batch is judged as its single action.
            named = [(action.removesuffix("Batch") if service == "sqs" else action, arn)]
        return [(action, arn, context) for action, arn in named or [(action, "*")]], service

    def may(self, function, action, resource, context):
        """Whether the policy of a function allows a call, without taking it for used."""
        before = [grant.used for grant in self.policies[function]]
        allowed = self.allow(function, action, resource, context)
        for grant, used in zip(self.policies[function], before):
            grant.used = used
        return allowed

    def allow(self, function, action, resource, context):
        def asked(context, principal):
            return iam_evaluator.EvalContext(
                principal_arn=str(principal), principal_type="AssumedRole", principal_account=ACCOUNT,
                action=action, resource_arn=resource, region="",
                service_context={key.lower(): value for key, value in context.items()})

        limits = self.limits.get(function, [])
        whole = [iam_evaluator.parse_policy_document(document) for document in self.documents.get(function, [])]
        if iam_evaluator.evaluate(asked(context, function), whole, *limits).decision != "Allow":
            return False
        # A key of KMS also has a policy of its own, and both must allow.
        if resource in self.keys and iam_evaluator.evaluate_resource_policy(
                self.keys[resource], asked(context, self.roles.get(function))).decision != "Allow":
            return False
        # What was used: each key of a batch by itself.
        for key in context.get(LEADING_KEYS, [None]):
            one = asked(context | ({LEADING_KEYS: [key]} if key else {}), function)
            for grant in self.policies[function]:
                if iam_evaluator.evaluate(one, [grant.statements], *limits).decision == "Allow":
                    grant.used = True
        return True


def function_at(near, far):
    """The function whose process has the far end of a connection.

    Its own address is not enough: from one port two processes may call two servers, and functions also call ministack.
    """
    for connection in psutil.net_connections("tcp4"):
        if (connection.laddr, connection.raddr) == (far, near) and connection.pid:
            return psutil.Process(connection.pid).environ().get("AWS_LAMBDA_FUNCTION_NAME")
    return None
