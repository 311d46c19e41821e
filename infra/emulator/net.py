"""Servers of this machine."""

import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import urllib3

from tools import run

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


def authority(directory, name):
    """A root of its own, made for this run, and a certificate of it for this machine: the root's file, and the context
    of a server that has the certificate."""
    root, root_key = directory / f"{name}.pem", directory / f"{name}.key"
    certificate, key = directory / f"{name}-server.pem", directory / f"{name}-server.key"
    # The moved time goes on by months.
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"]
    for how in (
        ["-keyout", root_key, "-out", root, "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign"],
        ["-keyout", key, "-out", certificate, "-subj", "/CN=127.0.0.1", "-CA", root, "-CAkey", root_key,
         "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1"],
    ):
        run(*new, *how)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return root, context


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # Who goes away in the middle of a handshake is told of by whoever sent it.
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    # As many functions may begin at once; whoever is not let in tries again only after a second.
    request_queue_size = 128


def serve(answer, who=lambda near, far: None, tls=None):
    """Serves `answer(method, path, headers, body, caller) -> (status, headers, body)`; the server's URL.

    `who` is asked once for each connection, by the addresses of this end and the other, who is at the other.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            if tls:
                # Here, in the connection's own thread: a caller that does not trust us keeps nobody else waiting.
                self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()
            self.caller = who(self.server.server_address, self.client_address)

        def finish(self):
            super().finish()
            if tls:
                self.request.close()

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
    scheme = "https" if tls else "http"
    Thread(target=server.serve_forever, daemon=True).start()
    return f"{scheme}://127.0.0.1:{server.server_address[1]}"
