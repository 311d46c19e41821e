"""Servers of this machine."""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import urllib3

ONCE = {"connection": "close"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pool():
    """Connections to the emulator, each for one request.

    A server may close a kept connection just when the next request is on its way, and what is not safe to repeat then
    has no answer.
    """
    return urllib3.PoolManager(maxsize=64, headers=ONCE)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # As many functions may begin at once; whoever is not let in tries again only after a second.
    request_queue_size = 128


def serve(answer, who=lambda near, far: None):
    """Serves `answer(method, path, headers, body, caller) -> (status, headers, body)`; the server's URL.

    `who` is asked once for each connection, by the addresses of this end and the other, who is at the other.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            self.caller = who(self.server.server_address, self.client_address)

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answered, content = answer(self.command, self.path, headers, body, self.caller)
            self.send_response_only(status)
            for name, value in answered.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = handle_any

        def log_message(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"
