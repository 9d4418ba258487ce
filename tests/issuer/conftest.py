"""An issuer that answers as the test wants, and CloudFormation's end of a custom resource."""

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cardvault.identity.discovery import CONFIGURATION_PATH, KEYS_PATH

SLOW_S = 2.0


class Server:
    """Plays `faults`, one a request for a document, and is good once they are used up."""

    def __init__(self, address):
        self.url = address
        self.faults = deque()
        self.asked = []
        self.refusals = 0
        self.answers = []

    def document(self, path):
        if path == CONFIGURATION_PATH:
            return {"issuer": self.url, "jwks_uri": self.url + KEYS_PATH}
        return {"keys": [{"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"}]}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server.scripted
        server.asked.append(self.path)
        fault = server.faults.popleft() if server.faults else None
        if fault == "slow":
            time.sleep(SLOW_S)
        status, body = 200, json.dumps(server.document(self.path)).encode()
        if isinstance(fault, int):
            status = fault
        elif isinstance(fault, bytes):
            body = fault
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.path)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            if fault == "dripping":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)
            else:
                self.wfile.write(body)
        except OSError:
            pass  # nobody waited for it

    def do_PUT(self):
        server = self.server.scripted
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refuse, server.refusals = server.refusals > 0, server.refusals - 1
        if not refuse:
            server.answers.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(503 if refuse else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        listening.scripted = Server(f"http://127.0.0.1:{listening.server_address[1]}")
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.scripted
        listening.shutdown()
