"""That rotate-key and erase-applicant do what they say, and nothing by halves: python3 -m unittest discover infra/operate"""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import re
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
NOW = 1_800_000_000


class Script(unittest.TestCase):
    """A script that runs against a stand-in for AWS."""

    def run_it(self, name, *arguments):
        with mock.patch.dict(sys.modules, {"boto3": self.boto3}):
            loader = importlib.machinery.SourceFileLoader(name, str(Path(__file__).with_name(name)))
            module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
            loader.exec_module(module)
            printed = io.StringIO()
            with (
                mock.patch("sys.argv", [name, "--stack", "hub", *arguments]),
                mock.patch("time.time", return_value=NOW),
                contextlib.redirect_stdout(printed),
            ):
                module.main()
        return printed.getvalue()

    def refused(self, name, *arguments, because):
        with self.assertRaises(SystemExit) as ended:
            self.run_it(name, *arguments)
        self.assertIn(because, str(ended.exception.code))


class RotateKey(Script):
    def setUp(self):
        self.keys = {"0": "first", str(NOW - 1000): "second"}
        manager = mock.Mock()
        manager.get_secret_value.side_effect = lambda SecretId: {"SecretString": json.dumps(self.keys)}
        manager.put_secret_value.side_effect = lambda SecretId, SecretString: setattr(self, "keys", json.loads(SecretString))
        self.boto3 = mock.Mock()
        self.boto3.client.return_value = manager

    def test_a_new_key_has_a_name_of_its_own_and_those_before_it_stay(self):
        before = dict(self.keys)
        self.run_it("rotate-key", "--keys", "links", "--add")
        (new,) = self.keys.keys() - before.keys()
        self.assertEqual({**self.keys, **before}, self.keys)
        self.assertGreaterEqual(int(new), NOW + 15 * 60, "all that run have fetched it by then")
        self.assertRegex(self.keys[new], "^[0-9a-f]{64}$")
        self.refused("rotate-key", "--keys", "links", "--add", because="not used yet")

    def test_after_a_leak_it_is_used_at_once(self):
        self.run_it("rotate-key", "--keys", "links", "--add", "--at-once")
        self.assertIn(str(NOW), self.keys)

    def test_a_key_that_is_used_or_will_be_is_not_removed(self):
        for used in (str(NOW - 1000), str(NOW + 60)):
            self.keys[used] = "used"
            self.refused("rotate-key", "--keys", "links", "--remove", used, "--yes", because="it is used, or will be")
        self.refused("rotate-key", "--keys", "links", "--remove", "0", because="without --yes")
        self.run_it("rotate-key", "--keys", "links", "--remove", "0", "--yes")
        self.assertNotIn("0", self.keys)
        self.assertIn(str(NOW - 1000), self.keys)


class EraseApplicant(Script):
    def setUp(self):
        self.item = {
            "pk": "RSV#R-7K3M-9QXD", "sk": "RSV", "status": "completed", "starts_at": 1000 * NOW, "sequence": 7,
            "applicant": b"sealed", "cancel_reason": b"sealed", "memos": [b"sealed"], "families": {"family"},
            "body_mark": b"fingerprint 0123",
            "history": [{"at": 1, "status": "pending"}, {"at": 2, "status": "approved", "comment": b"sealed"}],
        }  # fmt: skip
        self.table = mock.Mock()
        self.table.get_item.side_effect = lambda **_: {"Item": dict(self.item)}
        self.table.update_item.side_effect = self.update
        self.boto3 = mock.Mock()
        self.boto3.resource.return_value.Table.return_value = self.table

    def update(self, Key, UpdateExpression, ExpressionAttributeNames, ExpressionAttributeValues, **_):
        """What DynamoDB makes of SET and REMOVE."""
        sets, removes = re.fullmatch(r"SET (.*?) REMOVE (.*)", UpdateExpression).groups()
        for name, value in (one.split(" = ") for one in sets.split(", ")):
            self.item[ExpressionAttributeNames.get(name, name)] = ExpressionAttributeValues[value]
        for name in removes.split(", "):
            self.item.pop(ExpressionAttributeNames.get(name, name), None)

    def test_nothing_of_the_family_is_left_neither_comment_nor_fingerprint(self):
        self.run_it("erase-applicant", "--reservation", "r-7k3m-9qxd", "--yes")
        left = repr(self.item)
        for erased in ("sealed", "family", "fingerprint"):
            self.assertNotIn(erased, left)
        # That there was a visit, and how it went, stays; what is read has the form that it had.
        self.assertEqual(self.item["history"], [{"at": 1, "status": "pending"}, {"at": 2, "status": "approved"}])
        self.assertEqual(self.item["body_mark"], bytes(16))
        condition = self.table.update_item.call_args.kwargs
        self.assertEqual(condition["ConditionExpression"], "#sequence = :seen")
        self.assertEqual(condition["ExpressionAttributeValues"][":seen"], 7)

    def test_without_an_end_and_without_yes_nothing_is_erased(self):
        for status in ("unconfirmed", "waiting", "offered", "pending", "approved"):
            self.item["status"] = status
            self.refused("erase-applicant", "--reservation", "R-7K3M-9QXD", "--yes", because="not over")
        self.item["status"] = "declined"
        self.assertIn("without --yes", self.run_it("erase-applicant", "--reservation", "R-7K3M-9QXD"))
        self.table.update_item.assert_not_called()


if __name__ == "__main__":
    unittest.main()
