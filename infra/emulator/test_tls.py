"""That whoever does not trust the root is not answered."""

import ssl
import tempfile
import unittest
from pathlib import Path
from urllib.request import urlopen

from net import authority, serve


class Tls(unittest.TestCase):
    def test_only_who_trusts_the_root_is_answered(self):
        with tempfile.TemporaryDirectory() as temporary:
            root, tls = authority(Path(temporary), "root")
            another, _ = authority(Path(temporary), "another")
            asked = []

            def answer(*_):
                asked.append(1)
                return 200, {}, b"yes"

            url = serve(answer, tls=tls)
            with urlopen(url, context=ssl.create_default_context(cafile=root)) as answered:
                self.assertEqual(answered.read(), b"yes")
            with self.assertRaisesRegex(OSError, "CERTIFICATE_VERIFY_FAILED"):
                urlopen(url, context=ssl.create_default_context(cafile=another))
            self.assertEqual(len(asked), 1)


if __name__ == "__main__":
    unittest.main()
