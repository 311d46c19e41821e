"""That a locked version with a known hole is found without RustSec's database."""

import contextlib
import importlib.machinery
import importlib.util
import io
import sys
import unittest
from datetime import date
from pathlib import Path

sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader("advisories", str(Path(__file__).with_name("advisories")))
advisories = importlib.util.module_from_spec(importlib.util.spec_from_loader("advisories", LOADER))
LOADER.exec_module(advisories)

MADE = date(2026, 8, 21)
RECORD = {
    "date": MADE,
    "crates": ["leaky", "sound"],
    "advisory": [
        {
            "id": "RUSTSEC-2026-0001",
            "crate": "leaky",
            "patched": [">= 1.4.2", ">= 1.2.9, < 1.3.0"],
            "unaffected": ["< 1.1.0"],
        }
    ],
}


def check(*locked, ignored=(), today=MADE):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = advisories.check(RECORD, locked, set(ignored), today)
    return code, printed.getvalue()


class Advisories(unittest.TestCase):
    def test_a_locked_version_with_a_known_hole_fails(self):
        for at in ("1.1.0", "1.2.8", "1.3.0", "1.4.1", "1.4.2-rc.1"):
            code, printed = check(("sound", "1.0.0"), ("leaky", at))
            self.assertEqual(code, 1, at)
            self.assertIn(f"leaky {at}: https://rustsec.org/advisories/RUSTSEC-2026-0001", printed)
        for at in ("1.0.9", "1.2.9", "1.2.10", "1.4.2", "1.4.2+build", "2.0.0"):
            self.assertEqual(check(("leaky", at))[0], 0, at)

    def test_what_is_ignored_has_a_reason_and_fails_nothing(self):
        self.assertEqual(check(("leaky", "1.4.1"), ignored=["RUSTSEC-2026-0001"])[0], 0)
        written = {one["id"]: one for one in advisories.read("deny.toml")["advisories"]["ignore"]}
        self.assertEqual(advisories.ignored(), set(written), "each has a reason")

    def test_what_nobody_looked_up_and_an_old_record_are_said_aloud_and_fail_nothing(self):
        self.assertNotIn("WARNING", check(("sound", "1.0.0"))[1])
        code, printed = check(("sound", "1.0.0"), ("newcomer", "0.1.0"), today=date(2027, 2, 18))
        self.assertEqual(code, 0)
        self.assertIn("WARNING: NOT looked up, because they came after the last --update: newcomer", printed)
        self.assertIn("WARNING: the record is 181 days old", printed)
        self.assertNotIn("days old", check(("sound", "1.0.0"), today=date(2027, 2, 17))[1])

    def test_a_requirement_takes_the_versions_that_cargo_says(self):
        for requirement, taken, refused in [
            (">= 1.2.3", ["1.2.3", "1.10.0"], ["1.2.2", "1.2.3-rc.1"]),
            (">=0.10", ["0.10.0", "0.11.0"], ["0.9.9"]),
            ("> 1.2.3", ["1.2.4"], ["1.2.3"]),
            ("> 1.2", ["1.3.0"], ["1.2.9"]),
            ("< 2.0.0, >= 1.4.0", ["1.4.0", "1.99.0"], ["2.0.0", "1.3.9"]),
            ("<= 0.2.1", ["0.2.1"], ["0.2.2"]),
            ("<= 0.2", ["0.2.9"], ["0.3.0"]),
            ("= 1.2.3", ["1.2.3", "1.2.3+build"], ["1.2.4"]),
            ("=1.2", ["1.2.9"], ["1.3.0"]),
            ("^1.7.5", ["1.7.5", "1.8.0"], ["1.7.4", "2.0.0", "2.0.0-rc.1"]),
            ("^ 0.30.2", ["0.30.3"], ["0.31.0", "0.30.1"]),
            ("^0.0.3", ["0.0.3"], ["0.0.4", "0.1.0"]),
            ("0.15.1", ["0.15.1", "0.15.9"], ["0.16.0"]),
            ("~1.2.3", ["1.2.9"], ["1.3.0"]),
            (">= 0.104.0-alpha.6", ["0.104.0-alpha.10", "0.104.0"], ["0.104.0-alpha.5"]),
        ]:
            for version in taken:
                self.assertTrue(advisories.takes(requirement, version), f"{requirement} takes {version}")
            for version in refused:
                self.assertFalse(advisories.takes(requirement, version), f"{requirement} takes no {version}")

    def test_the_record_says_what_it_is_made_of_and_can_be_read(self):
        record = advisories.read(".ci/advisories.toml")
        self.assertEqual(record["source"], "https://github.com/rustsec/advisory-db")
        self.assertEqual(record["licence"], "CC0-1.0")
        self.assertRegex(record["commit"], "^[0-9a-f]{40}$")
        self.assertGreater(len(record["advisory"]), 50)
        for one in record["advisory"]:
            self.assertIn(one["crate"], record["crates"])
            for requirement in one["patched"] + one["unaffected"]:
                advisories.takes(requirement, "1.0.0")


if __name__ == "__main__":
    unittest.main()
