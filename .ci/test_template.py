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


if __name__ == "__main__":
    unittest.main()
