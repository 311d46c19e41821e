"""That nothing in the repository comes out of the machine that built it: no path, certificate, host or registry."""

import re
import subprocess
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRIVATE = r"(10\.\d+|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])|169\.254)\.\d+\.\d+"
FOREIGN = {
    "a path": r"(?<![\w.~}/])/(home|Users|root|work|workspace|tmp|mnt|private|var/folders)/[\w.]|[A-Z]:\\Users\\",
    "a certificate or key": r"-----BEGIN [A-Z ]+-----(\\n|\W){1,12}[\w+/]{40}",
    "a private host": r"https?://[^/\s\"'`]*\.(internal|local|lan|corp|intranet|home\.arpa)\b",
    "a proxy": r"(?i)\b(https?|all|no)_proxy\b\W{0,3}[=:]|\bproxy\s*=\s*\"?https?://",
    "a mirror of packages": r"(?i)--(extra-)?index-url|--find-links|trusted-host|replace-with|^registry\s*=",
    "a private address": rf"(?<![\d.]){PRIVATE}(?![\d.])",
}
# Each with its reason.
MAY = {
    # Amazon's own roots: a test of the runtime pins their fingerprints.
    ("shared/runtime/src/amazon-roots.pem", "a certificate or key"),
    # Where no webhook may go.
    ("shared/notify/src/egress.rs", "a private address"),
    # How municipalities reach the hub from their own networks.
    ("docs/networks.md", "a private address"),
}


def foreign(text):
    """What of a text comes from a machine: each kind, with what was found of it."""
    found = ((kind, re.search(pattern, text, re.MULTILINE)) for kind, pattern in FOREIGN.items())
    return {kind: match[0] for kind, match in found if match}


def tracked():
    """Every text of the repository by its path, but this file, which shows what must not be."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path != Path(__file__).resolve() and path.is_file():
            yield name, path.read_text(encoding="utf-8", errors="replace")


class Origins(unittest.TestCase):
    def test_nothing_comes_out_of_the_machine_that_built_it(self):
        count, found = 0, []
        for name, text in tracked():
            count += 1
            found += [(name, kind, what) for kind, what in foreign(text).items() if (name, kind) not in MAY]
        self.assertEqual(found, [])
        self.assertGreater(count, 300)

    def test_packages_come_from_the_public_registries(self):
        locks = {name: text for name, text in tracked() if Path(name).name in ("Cargo.lock", "package-lock.json")}
        self.assertGreaterEqual(len(locks), 3)
        for name, text in locks.items():
            if name.endswith(".json"):
                hosts = set(re.findall(r'"resolved": "([^"]*?//[^/"]*)', text))
                self.assertLessEqual(hosts, {"https://registry.npmjs.org"}, name)
            else:
                sources = {package.get("source") for package in tomllib.loads(text)["package"]}
                self.assertEqual(sources, {None, "registry+https://github.com/rust-lang/crates.io-index"}, name)

    def test_what_is_of_a_machine_is_found(self):
        base64 = "MIIBszCCAVmgAwIBAgIUQ2Vy" * 3
        for kind, planted in [
            ("a path", "see /home/somebody/hokatsu"),
            ("a path", '"/work/build/target"'),
            ("a path", "cp x /tmp/out.json"),
            ("a path", "/Users/somebody/x"),
            ("a path", r"C:\Users\somebody"),
            ("a certificate or key", f"-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----"),
            ("a certificate or key", rf'"-----BEGIN RSA PRIVATE KEY-----\n{base64}"'),
            ("a certificate or key", f"# -----BEGIN CERTIFICATE-----\n# {base64}"),
            ("a private host", "https://packages.corp/simple"),
            ("a private host", "http://build-7.internal:8081/x"),
            ("a proxy", "export HTTPS_PROXY=http://127.0.0.1:3128"),
            ("a proxy", 'proxy = "http://127.0.0.1:3128"'),
            ("a mirror of packages", "pip install --index-url https://mirror.example/simple"),
            ("a mirror of packages", 'replace-with = "mirror"'),
            ("a mirror of packages", "registry=https://mirror.example/npm"),
            ("a private address", "connect to 10.1.2.3"),
            ("a private address", "http://192.168.0.7:8080"),
            ("a private address", "172.31.0.1"),
        ]:
            self.assertIn(kind, foreign(planted), planted)
        for plain in [
            "https://example.jp/work/home/tmp/",
            "http://127.0.0.1:8080/",
            "203.0.113.7 and 198.51.100.9",
            'version = "10.0.0"',
            "target/tmp/x",
            "-----BEGIN CERTIFICATE-----\\nMAo=\\n-----END CERTIFICATE-----",
            ".no_proxy()",
        ]:
            self.assertEqual(foreign(plain), {}, plain)


if __name__ == "__main__":
    unittest.main()
