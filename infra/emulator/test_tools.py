"""What is missing is named, with what to do about it."""

import os
import tempfile
import unittest
from unittest.mock import patch

import tools


class Tools(unittest.TestCase):
    def test_a_program_that_is_missing_is_named_with_its_package(self):
        with patch.dict(os.environ, PATH="/nowhere"):
            with self.assertRaisesRegex(SystemExit, "^strip is missing: install binutils$"):
                tools.run("strip", "-o", "small", "large")

    def test_a_program_that_fails_is_told_with_what_it_said(self):
        with self.assertRaisesRegex(SystemExit, r"^sh -c .*\nended with 3\nno such file$"):
            tools.run("sh", "-c", "echo no such file >&2; exit 3")

    def test_what_was_never_built_is_named_with_the_command_that_builds_it(self):
        with tempfile.TemporaryDirectory() as empty, patch.dict(os.environ, CARGO_TARGET_DIR=empty):
            with self.assertRaisesRegex(SystemExit, f"^{empty}/debug/hokatsu is missing: cargo build "):
                tools.binary("hokatsu")


if __name__ == "__main__":
    unittest.main()
