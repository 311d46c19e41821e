"""The moved time is the same in every thread."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from emulator import moved_time

# Counts how often a thread sees a time before the first, beside others that look too. Calls by way of ctypes hold no
# lock of Python's.
READER = """
import ctypes, threading
libc = ctypes.CDLL(None)
libc.time.restype = ctypes.c_long
first, wrong = libc.time(None), []
def read():
    wrong.extend(time for time in (libc.time(None) for _ in range(20_000)) if time < first)
threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(wrong))
"""


class MovedTime(unittest.TestCase):
    def test_no_thread_sees_the_unmoved_time(self):
        with tempfile.TemporaryDirectory() as directory:
            ahead, env = moved_time(Path(directory))
            ahead.write_text("+1000000.000")
            seen = subprocess.run([sys.executable, "-c", READER], env={**os.environ, **env}, check=True,
                                  stdout=subprocess.PIPE, text=True)
        self.assertEqual(seen.stdout, "0\n")


if __name__ == "__main__":
    unittest.main()
