"""The guard knows who calls."""

import subprocess
import sys
import unittest
from os import environ
from urllib.parse import urlsplit

from guard import function_at
from net import free_port, serve

# Calls a server from each of these ports, prints the answers, and keeps the connections.
CALLER = """
import socket, sys
from http.client import HTTPResponse
server, *ports = map(int, sys.argv[1:])
kept = []
for port in ports:
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    line.bind(("127.0.0.1", port))
    line.connect(("127.0.0.1", server))
    line.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
    kept.append(line)
    answer = HTTPResponse(line)
    answer.begin()
    print(answer.read().decode(), flush=True)
sys.stdin.read()
"""


class WhoCalls(unittest.TestCase):
    def call(self, function, server, ports):
        """What the server answers to a function, which stays."""
        arguments = [sys.executable, "-c", CALLER, str(urlsplit(server).port), *map(str, ports)]
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**environ, "AWS_LAMBDA_FUNCTION_NAME": function})
        self.addCleanup(process.communicate)
        return [process.stdout.readline().strip() for _ in ports]

    def test_a_port_from_which_two_functions_call_two_servers(self):
        def answer(_method, _path, _headers, _body, caller):
            return 200, {}, str(caller).encode()

        guard, other = serve(answer, function_at), serve(answer)
        # Which of the two would be found first is chance: both, in eight.
        ports = {free_port() for _ in range(8)}
        self.assertEqual(self.call("one", other, ports), ["None"] * len(ports))
        self.assertEqual(self.call("two", guard, ports), ["two"] * len(ports))


if __name__ == "__main__":
    unittest.main()
