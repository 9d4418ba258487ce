"""A plain address for an HTTP API of the emulator.

The emulator serves an API below `/_aws/execute-api/<id>/$default`; AWS serves it at the root of a
host. The proxy listens at the root of a port that is known before the API exists, so the address
can be a parameter of the very template that makes the API.
"""

import http.client
import socket
import threading
import time
from http.server import ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

from local.loopback import HOST, Door, GuardedHandler, always
from local.stack import ports

CONNECTION_HEADERS: Final = {
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
UPSTREAM_TIMEOUT_S: Final = 60.0
IDLE_TIMEOUT_S: Final = 120.0
STOP_POLL_S: Final = 0.1
REUSE_WITHIN_S: Final = 30.0
"""Shorter than the 75 s for which the emulator keeps an idle connection."""

Headers = list[tuple[str, str]]


class ReverseProxy:
    """A threaded HTTP/1.1 proxy on loopback, closed (503) until an API is attached."""

    def __init__(self, purpose: str, port: int = 0) -> None:
        self._server = _Server(ports.listen(port, purpose))
        self.port = int(self._server.server_address[1])
        self.url = f"http://{HOST}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": STOP_POLL_S},
            name=f"reverse-proxy-{purpose}",
            daemon=True,
        )
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether an API is attached."""
        return self._server.target is not None

    def attach(self, emulator_port: int, api_id: str) -> None:
        """Forward to an HTTP API's default stage."""
        self._server.target = (emulator_port, f"/_aws/execute-api/{api_id}/$default")

    @property
    def hesitates(self) -> bool:
        """Whether the next answer will be held back."""
        return bool(self._server.pauses)

    def hesitate(self, seconds: float, requests: int) -> None:
        """Hold back the answer to each of the next requests that come through, so long."""
        self._server.pauses = [seconds] * requests

    def close(self) -> None:
        """Stop listening and end what is open."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.target: tuple[int, str] | None = None
        self.pauses: list[float] = []


class _Handler(GuardedHandler):
    """One client's connection, with one connection of its own to the emulator."""

    door = Door(welcomes=always)  # the emulator judges pages: it knows the API's CORS configuration
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_TIMEOUT_S
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def finish(self) -> None:
        super().finish()
        self._disconnect()

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet: a path may hold a token."""

    def _answer(self) -> None:
        """Pass one request on and its answer back."""
        try:
            body = self._body()
        except ValueError:
            self.close_connection = True
            self._send(400, [], b'{"message":"Bad Request"}')
            return
        if self.server.target is None:
            self._send(503, [("Retry-After", "1")], b'{"message":"Service Unavailable"}')
            return
        port, prefix = self.server.target
        if self.server.pauses:
            time.sleep(self.server.pauses.pop())
        try:
            status, headers, answer = self._forward(port, prefix + self._target(), body)
        except (OSError, http.client.HTTPException):
            self._disconnect()
            self._send(502, [], b'{"message":"Bad Gateway"}')
            return
        if self.command == "OPTIONS":  # AWS answers every preflight so, welcome or not
            status, answer = 204, b""
        self._send(status, headers, answer)

    # The names under which the server looks for them.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def _target(self) -> str:
        """Return the path and query as they were sent; a proxy may be sent a whole address."""
        if self.path.startswith("/"):
            return self.path
        address = urlsplit(self.path)
        return (address.path or "/") + (f"?{address.query}" if address.query else "")

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return body

    def _forward(self, port: int, target: str, body: bytes) -> tuple[int, Headers, bytes]:
        """Send to the emulator exactly once: a second try might place a second order."""
        upstream = self._connection(port)
        upstream.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self._request_headers(len(body)):
            upstream.putheader(name, value)
        upstream.endheaders(body or None)
        answer = upstream.getresponse()
        result = answer.status, answer.getheaders(), answer.read()
        self._used_at = time.monotonic()
        return result

    def _connection(self, port: int) -> http.client.HTTPConnection:
        """Keep one connection, but not so long that the emulator may be closing it."""
        if self._upstream is not None and time.monotonic() - self._used_at > REUSE_WITHIN_S:
            self._disconnect()
        if self._upstream is None:
            upstream = http.client.HTTPConnection(HOST, port, timeout=UPSTREAM_TIMEOUT_S)
            upstream.connect()
            upstream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._upstream = upstream
        return self._upstream

    def _request_headers(self, body_length: int) -> Headers:
        """Copy what the client said and add what a gateway adds."""
        headers = [
            (name, value)
            for name, value in self.headers.items()
            if name.lower() not in CONNECTION_HEADERS
            and not name.lower().startswith("x-forwarded-")
        ]
        port = self.server.server_address[1]
        headers += [
            ("Host", self.headers["Host"]),
            ("X-Forwarded-For", str(self.client_address[0])),
            ("X-Forwarded-Port", str(port)),
            ("X-Forwarded-Proto", "http"),
        ]
        if body_length or self.command in {"POST", "PUT", "PATCH"}:
            headers.append(("Content-Length", str(body_length)))
        return headers

    def _send(self, status: int, headers: Headers, body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in CONNECTION_HEADERS:
                self.send_header(name, value)
        if not headers or not any(name.lower() == "content-type" for name, _ in headers):
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)
        self.wfile.flush()

    def _disconnect(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None
