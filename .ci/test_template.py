"""What template.yaml promises an operator, and no tool for templates asks about."""

import json
import re
import unittest
from pathlib import Path

from samcli.yamlhelper import yaml_parse

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
        self.assertGreater(found, 20)


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
                watching = [
                    alarm
                    for alarm in self.alarms.values()
                    if alarm.get("MetricName") == "Invocations"
                    and alarm["Dimensions"][0]["Value"] == {"Ref": name}
                ]
                (alarm,) = watching
                self.assertEqual(alarm["TreatMissingData"], "breaching", name)
                self.assertEqual(alarm["ComparisonOperator"], "LessThanThreshold", name)
                # CloudWatch looks back for a day, or for a week by the hour.
                looks_back = alarm["Period"] * alarm["EvaluationPeriods"]
                self.assertLessEqual(looks_back, 604800 if alarm["Period"] >= 3600 else 86400, name)

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
        opened = set()
        for function in of("AWS::Serverless::Function").values():
            for event in function.get("Events", {}).values():
                route = event["Properties"]
                if event["Type"] == "HttpApi" and "Auth" not in route:
                    opened.add("$default" if route["Path"] == "$default" else f"{route['Method']} {route['Path']}")
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
        self.assertEqual(kept, ["/openapi.json", "/v1/facilities*", "/v1/feeds/*"])
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


if __name__ == "__main__":
    unittest.main()
