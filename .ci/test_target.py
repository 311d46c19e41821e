"""Where cargo builds is asked of cargo."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def target(**env):
    without = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
    run = subprocess.run([ROOT / ".ci/target"], env=without | env, cwd="/", check=True, capture_output=True, text=True)
    return Path(run.stdout.removesuffix("\n"))


class Target(unittest.TestCase):
    def test_it_is_target_unless_the_environment_names_another(self):
        with tempfile.TemporaryDirectory(prefix="with a blank ") as elsewhere:
            self.assertEqual(target(CARGO_TARGET_DIR=elsewhere), Path(elsewhere))
        self.assertEqual(target(CARGO_TARGET_DIR="relative"), ROOT / "relative")
        # Cargo's own configuration may name another, on a machine of which we know nothing.
        self.assertTrue(target().is_absolute())


if __name__ == "__main__":
    unittest.main()
