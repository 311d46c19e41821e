"""What template.yaml promises an operator, and no tool for templates asks about."""

import copy
import csv
import json
import re
import subprocess
import unittest
from pathlib import Path

from samcli.yamlhelper import yaml_parse
from versions import transformed

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]
# What a resource is called by others than the stack.
NAMES = {"AlarmName", "DashboardName", "Domain", "FunctionName", "LogGroupName", "Name", "QueueName", "RoleName"}
# Their names are of something else of the stack.
WITHIN = {"AWS::Cognito::UserPoolResourceServer", "AWS::Lambda::Permission"}


def of(kind):
    return {name: one.get("Properties", {}) for name, one in RESOURCES.items() if one["Type"] == kind}


def text(value):
    """Whatever stands in a value, as one text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Users(unittest.TestCase):
    def setUp(self):
        self.pool = RESOURCES["UserPool"]["Properties"]

    def test_an_address_in_capitals_is_the_same_person(self):
        self.assertEqual(self.pool["UsernameConfiguration"], {"CaseSensitive": False})

    def test_a_new_address_counts_once_it_is_verified(self):
        self.assertEqual(
            self.pool["UserAttributeUpdateSettings"], {"AttributesRequireVerificationBeforeUpdate": ["email"]}
        )

    def test_an_invitation_says_in_japanese_where_and_until_when(self):
        days = self.pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"]
        self.assertEqual(days, 7)
        invitation = self.pool["AdminCreateUserConfig"]["InviteMessageTemplate"]
        said = text(invitation["EmailMessage"])
        for part in ("{username}", "{####}", "${BaseUrl}/staff", f"{days}日間有効"):
            self.assertIn(part, said)
        for mail in (invitation, self.pool["VerificationMessageTemplate"]):
            self.assertRegex(mail["EmailSubject"], "^【保活】")
            # Cognito takes no more.
            self.assertLess(len(text(mail["EmailMessage"])), 2000)
            self.assertIn("{####}", text(mail["EmailMessage"]))

    def test_every_app_client_says_what_it_may(self):
        clients = of("AWS::Cognito::UserPoolClient")
        self.assertTrue(clients)
        for name, client in clients.items():
            self.assertTrue(client["ExplicitAuthFlows"], name)
            # Never a role: those are given.
            self.assertEqual(client["WriteAttributes"], ["email"], name)
            self.assertEqual(client["PreventUserExistenceErrors"], "ENABLED", name)


class Callers(unittest.TestCase):
    def references(self, value):
        """The parameters that a value depends on."""
        return {name for name in TEMPLATE["Parameters"] if re.search(rf'"{name}"|\$\{{{name}[}}.]', text(value))}

    def test_a_change_of_the_registry_takes_effect_within_five_minutes(self):
        authorizers = RESOURCES["Api"]["Properties"]["Auth"]["Authorizers"]
        self.assertEqual(list(authorizers), ["HubToken"])
        identity = authorizers["HubToken"]["Identity"]
        self.assertLessEqual(identity["ReauthorizeEvery"], 300)
        # What is kept, is kept for one token.
        self.assertEqual(identity["Headers"], ["Authorization"])

    def test_who_may_call_is_no_parameter_and_no_deployment_brings_it_back(self):
        api, function = RESOURCES["Api"]["Properties"], RESOURCES["AuthorizeFunction"]["Properties"]
        self.assertEqual(self.references(api["Auth"]), set())
        self.assertEqual(self.references([function["Environment"], function["Policies"]]), set())
        # Vendors are made by infra/operate/add-vendor; the stack knows the staff's pages alone.
        self.assertEqual(set(of("AWS::Cognito::UserPoolClient")), {"StaffClient"})
        for name, parameter in TEMPLATE["Parameters"].items():
            self.assertIn(parameter["Type"], ("String", "Number"), f"{name} is no list")
            self.assertNotRegex(name, "(?i)vendor|client|caller|audience|issuer")
        # Nor is there a file of answers that `sam deploy` would read.
        files = subprocess.run(["git", "ls-files", "*samconfig*"], cwd=ROOT, check=True, capture_output=True, text=True)
        self.assertEqual(files.stdout, "")


class Deployment(unittest.TestCase):
    def test_a_first_deployment_that_fails_leaves_nothing_behind(self):
        kept = {name for name, one in RESOURCES.items() if "Retain" in one.get("UpdateReplacePolicy", "")}
        for name in kept | {name for name, one in RESOURCES.items() if "DeletionPolicy" in one}:
            self.assertEqual(RESOURCES[name].get("DeletionPolicy"), "RetainExceptOnCreate", name)
        self.assertLessEqual({"Table", "UserPool", "SealKey", "TableKey"}, kept)
        protected = {
            "Table": RESOURCES["Table"]["Properties"]["DeletionProtectionEnabled"],
            "UserPool": RESOURCES["UserPool"]["Properties"]["DeletionProtection"],
        }
        self.assertEqual(protected["Table"], {"Ref": "Protected"})
        self.assertEqual(protected["UserPool"], {"Fn::If": ["IsProtected", "ACTIVE", "INACTIVE"]})

    def test_protection_is_off_at_the_first_deployment_alone(self):
        page = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
        deployed = re.findall(r"^sam deploy (?:.*\\\n)*.*", page, re.MULTILINE)
        protected = [re.findall(r"\bProtected=(\w+)", command) for command in deployed]
        self.assertEqual(protected[:2], [["false"], ["true"]])
        self.assertNotIn(["false"], protected[2:])
        self.assertEqual(TEMPLATE["Parameters"]["Protected"]["Default"], "true")

    def test_whoever_takes_the_hub_down_is_told_of_all_that_stays(self):
        page = (ROOT / "docs/take-down.md").read_text(encoding="utf-8")
        kept = [name for name, one in RESOURCES.items() if "Retain" in one.get("DeletionPolicy", "")]
        # Its id is noted while the stack still knows it, so that it can be deleted at the end.
        noted = page.split("aws cloudformation delete-stack")[0]
        for name in kept:
            self.assertRegex(noted, rf"\b{name}\b")
        for variable in re.findall(r"([A-Z]+)=\$\(", noted):
            self.assertRegex(page.split("aws cloudformation wait")[1], rf"\$\(?{variable}\b")

    def test_two_hubs_of_one_account_have_no_name_in_common(self):
        tells_apart = re.compile(r"\$\{(AWS::StackName|Stage)\}|\"(AWS::StackName|Stage)\"")
        found = 0

        def look(name, properties):
            nonlocal found
            for key in NAMES & properties.keys():
                value = properties[key]
                # A reference is to something of the stack.
                if not (isinstance(value, dict) and value.get("Ref") in RESOURCES):
                    found += 1
                    self.assertRegex(text(value), tells_apart, f"{name}: {key}")

        for name, one in RESOURCES.items():
            if one["Type"] not in WITHIN:
                look(name, one.get("Properties", {}))
            for event in one.get("Properties", {}).get("Events", {}).values():
                look(name, event.get("Properties", {}))
        self.assertGreater(found, 5)


class Size(unittest.TestCase):
    def test_sixty_functions_fit_into_a_stack_with_a_fifth_to_spare(self):
        template = copy.deepcopy(TEMPLATE)
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = "s3://bucket/code"
        values = {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}
        made = transformed(template, values)["Resources"]
        functions = [name for name, one in made.items() if one["Type"] == "AWS::Lambda::Function"]
        # What the transform makes of a function begins with its name.
        of_one = sum(name.startswith(tuple(functions)) for name in made) / len(functions)
        others = len(made) - of_one * len(functions)
        print(f"{len(made)} resources, {of_one:.2f} for each of {len(functions)} functions; sixty: {others + 60 * of_one:.0f}")
        self.assertLessEqual(others + 60 * of_one, 500 * 4 / 5)


def invocations(alarm):
    """The metrics of runs that an alarm looks at, each with its period."""
    alone = [(alarm, alarm["Period"])] if "MetricName" in alarm else []
    several = [one["MetricStat"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    every = alone + [(one["Metric"], one["Period"]) for one in several]
    return [(metric, period) for metric, period in every if metric["MetricName"] == "Invocations"]


class Alarms(unittest.TestCase):
    def setUp(self):
        self.alarms = of("AWS::CloudWatch::Alarm")

    def test_each_either_wakes_somebody_or_waits(self):
        page = (ROOT / "docs/runbooks/README.md").read_text(encoding="utf-8")
        wakes = set()
        for name, alarm in self.alarms.items():
            (topic,) = alarm["AlarmActions"]
            self.assertIn(topic["Ref"], ("WakeTopic", "MorningTopic"), name)
            if topic["Ref"] == "WakeTopic":
                wakes.add(name)
        self.assertEqual(wakes, set(re.findall(r"`(\w+Alarm)` \*\*wakes\*\*", page)))

    def test_a_job_that_does_not_run_is_an_alarm(self):
        """A job that stops writes no metric, so the alarm is that there is none."""
        for name, function in of("AWS::Serverless::Function").items():
            if any(event["Type"] == "ScheduleV2" for event in function.get("Events", {}).values()):
                # One alarm looks at several jobs by the least of them.
                watching = [
                    (alarm, period)
                    for alarm in self.alarms.values()
                    for metric, period in invocations(alarm)
                    if metric["Dimensions"][0]["Value"] == {"Ref": name}
                ]
                ((alarm, period),) = watching
                self.assertEqual(alarm["TreatMissingData"], "breaching", name)
                self.assertEqual(alarm["ComparisonOperator"], "LessThanThreshold", name)
                # CloudWatch looks back for a day, or for a week by the hour.
                looks_back = period * alarm["EvaluationPeriods"]
                self.assertLessEqual(looks_back, 604800 if period >= 3600 else 86400, name)
                if "Metrics" in alarm:
                    others = [metric["Id"] for metric in alarm["Metrics"][1:]]
                    filled = ", ".join(f"FILL({one}, 0)" for one in others)
                    self.assertEqual(alarm["Metrics"][0]["Expression"], f"MIN([{filled}])", name)

    def test_messages_in_flight_are_watched_before_there_are_too_many(self):
        watching = [
            alarm
            for alarm in self.alarms.values()
            if alarm.get("MetricName") == "ApproximateNumberOfMessagesNotVisible"
        ]
        (alarm,) = watching
        self.assertEqual(alarm["Dimensions"][0]["Value"], {"Fn::GetAtt": ["PushQueue", "QueueName"]})
        self.assertEqual((alarm["Statistic"], alarm["ComparisonOperator"]), ("Maximum", "GreaterThanThreshold"))
        # SQS hands out no more than 120,000, and somebody must be there before.
        self.assertLessEqual(alarm["Threshold"], 60_000)
        self.assertEqual(alarm["AlarmActions"], [{"Ref": "WakeTopic"}])

    def test_a_relay_that_is_not_started_is_an_alarm(self):
        asked = {one["Id"]: one for one in self.alarms["FanOutStoppedAlarm"]["Metrics"]}
        self.assertEqual(asked["runs"]["MetricStat"]["Metric"]["Dimensions"][0]["Value"], {"Ref": "FanOutFunction"})
        # With no data for either, nothing was changed and nothing is wrong.
        self.assertIn("FILL(runs, 0) == 0", asked["untold"]["Expression"])

    def test_the_gateway_itself_is_watched(self):
        seen = set()
        for alarm in self.alarms.values():
            metrics = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
            seen |= {(one.get("Namespace"), one.get("MetricName")) for one in [alarm, *metrics]}
        self.assertLessEqual({("AWS/ApiGateway", "5xx"), ("AWS/ApiGateway", "4xx")}, seen)


class Strangers(unittest.TestCase):
    def test_every_open_route_has_a_limit_of_its_own(self):
        limits = RESOURCES["Api"]["Properties"]["RouteSettings"]
        paths = RESOURCES["Api"]["Properties"]["DefinitionBody"]["paths"]
        opened = {
            "$default" if path == "$default" else f"{method.upper()} {path}"
            for path, operations in paths.items()
            for method, operation in operations.items()
            if "security" not in operation
        }
        self.assertEqual(set(limits), opened)
        for route, limit in limits.items():
            rate = limit["ThrottlingRateLimit"]
            self.assertTrue(rate == {"Ref": "SearchRate"} or rate <= 50, route)

    def test_with_the_cdn_there_is_no_other_door(self):
        api, distribution = RESOURCES["Api"]["Properties"], RESOURCES["Distribution"]
        self.assertEqual(api["DisableExecuteApiEndpoint"], {"Fn::If": ["HasCdn", True, False]})
        self.assertEqual(distribution["Condition"], "HasCdn")
        config = distribution["Properties"]["DistributionConfig"]
        self.assertEqual(config["WebACLId"], {"Ref": "CdnFirewallArn"})
        # Where a token or a cookie counts, nothing is kept.
        kept = [one["PathPattern"] for one in config["CacheBehaviors"]]
        self.assertEqual(kept, ["/openapi.json", "/v1/facilities*", "/v1/municipalities*", "/v1/feeds/*"])
        firewall = yaml_parse((ROOT / "infra/cdn/firewall.yaml").read_text(encoding="utf-8"))
        for rule in firewall["Resources"]["Firewall"]["Properties"]["Rules"]:
            self.assertEqual(rule["Statement"]["RateBasedStatement"]["AggregateKeyType"], "IP", rule["Name"])

    def test_the_bill_has_an_alarm(self):
        budget = RESOURCES["Budget"]["Properties"]
        self.assertEqual(budget["Budget"]["BudgetLimit"]["Amount"], {"Ref": "MonthlyBudget"})
        told = {one["Notification"]["NotificationType"] for one in budget["NotificationsWithSubscribers"]}
        self.assertEqual(told, {"ACTUAL", "FORECASTED"})
        allowed = RESOURCES["MorningTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Principal"]
        self.assertIn("budgets.amazonaws.com", allowed["Service"])

    def test_a_source_is_kept_for_a_month(self):
        self.assertIn("$context.identity.sourceIp", text(RESOURCES["Api"]["Properties"]["AccessLogSettings"]))
        self.assertEqual(RESOURCES["ApiLog"]["Properties"]["RetentionInDays"], 30)


class Pages(unittest.TestCase):
    """What the pages say of AWS is so of the template."""

    def setUp(self):
        paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("infra/*/README.md")]
        self.pages = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
        self.assertGreater(len(self.pages), 30)

    def naming(self, words):
        return {name for name, page in self.pages.items() if re.search(words, page)}

    def test_nobody_is_promised_a_passkey_that_required_mfa_does_not_give(self):
        pool = RESOURCES["UserPool"]["Properties"]
        self.assertEqual(pool["MfaConfiguration"], "ON")
        # Under it, a passkey signs in only those for whom an operator has switched it on.
        promising = self.naming("(?i)passkey|パスキー")
        self.assertEqual(promising, {"docs/operate.md", "docs/decisions/0005-everybody-proves-two-things.md"})
        self.assertIn("--web-authn-mfa-settings Enabled=true", self.pages["docs/operate.md"])
        decision = " ".join(self.pages["docs/decisions/0005-everybody-proves-two-things.md"].split())
        self.assertIn("only to people for whom an operator has switched it on", decision)
        self.assertNotRegex(text(pool["AdminCreateUserConfig"]), "(?i)passkey|パスキー")

    def test_no_page_looks_into_traces_that_nobody_writes(self):
        # X-Ray does not trace HTTP APIs; durations stand in the log.
        self.assertNotRegex(text(TEMPLATE), '"Tracing(Config|Enabled)?"')
        self.assertEqual(self.naming("(?i)x-ray"), set())

    def test_runbooks_ask_for_lines_that_are_written(self):
        asking = self.naming(r"platform\.report")
        self.assertLessEqual({"docs/runbooks/slow-answers.md", "docs/runbooks/function-errors.md"}, asking)
        levels = [TEMPLATE["Globals"]["Function"]["LoggingConfig"]["SystemLogLevel"]]
        levels += [
            function["LoggingConfig"]["SystemLogLevel"]
            for function in of("AWS::Serverless::Function").values()
            if "SystemLogLevel" in function.get("LoggingConfig", {})
        ]
        self.assertLessEqual(set(levels), {"INFO", "DEBUG"})

    def test_the_cdk_is_bootstrapped_where_the_template_needs_a_bucket(self):
        # CloudFormation takes 51,200 bytes without one.
        self.assertGreater((ROOT / "template.yaml").stat().st_size, 51_200)
        self.assertRegex(self.pages["infra/cdk/README.md"], r"(?m)^npx cdk bootstrap$")

    def test_the_gateways_log_is_reckoned_at_its_own_price(self):
        self.assertRegex(text(RESOURCES["ApiLog"]["Properties"]["LogGroupName"]), "/aws/vendedlogs/")
        with open(ROOT / "infra/operate/prices.csv", encoding="utf-8", newline="") as file:
            prices = {row["item"]: row for row in csv.DictReader(file)}
        self.assertRegex(prices["access_log_gb"]["usage_type"], "VendedLog")
        self.assertRegex(prices["log_gb"]["usage_type"], "DataProcessing")


if __name__ == "__main__":
    unittest.main()
