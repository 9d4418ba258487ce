"""HTTP over loopback: reads requests to their end, sends answers as their faults would have it."""

import os
import socket
import socketserver
import struct
import sys
import threading
import time
import uuid
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.loopback import HOST, GuardedHandler
from local.sandbox import admin, routes
from local.sandbox.messages import Answer, Json, Refused, Request, invalid
from local.sandbox.state import Options, State

MAX_BODY = 1 << 20
IDLE_S = 60
WAKE_S = 0.02


class SupplierSandbox:
    """A sandbox on a thread of this process; also the program `python -m local.sandbox`.

    `port` 0 takes a free one. Without `key` a new one is made. `clock` gives epoch seconds and
    decides the age of orders. Use it in a `with`, or call `start()` and `stop()`.
    """

    def __init__(
        self,
        port: int = 0,
        key: str | None = None,
        *,
        handling_s: float = 3.0,
        production_like: bool = False,
        balance: float = 50_000.0,
        prefix: str = "SANDBOX",
        clock: Callable[[], float] = time.time,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.key = key or str(uuid.uuid4())
        options = Options(self.key, handling_s, production_like, balance, prefix)
        self._state = State(options, clock)
        self._port = port
        self._log = log
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> "SupplierSandbox":
        """Bind and serve. Raises OSError when the port is taken."""
        server = _Server((HOST, self._port), self._state, self._log)
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(WAKE_S,), name="supplier-sandbox", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, hang up on every client, withheld answers included."""
        server, thread, self._server, self._thread = self._server, self._thread, None, None
        if server is not None and thread is not None:
            server.stopping.set()
            server.shutdown()
            thread.join()
            server.server_close()
            server.hang_up()

    def __enter__(self) -> "SupplierSandbox":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:<port>`; the sandbox's own routes are at `<origin>/_sandbox/`."""
        if self._server is None:
            raise RuntimeError("the supplier sandbox is not running")
        return f"http://{HOST}:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The base URL a client is given: origin and `/v3`."""
        return f"{self.origin}/v3"

    def counts(self) -> Json:
        """Count what was asked, as `GET /_sandbox/requests`."""
        return self._state.counts()

    def orders(self) -> list[Json]:
        """List the orders without their cards, as `GET /_sandbox/orders`."""
        with self._state.lock:
            return admin.orders_of(self._state)

    def codes(self, order_id: str) -> list[Json]:
        """`[{value, serial}]` of an order, for a test to search for."""
        with self._state.lock:
            return admin.codes_of(self._state, order_id)

    def arm(
        self, mode: str, argument: str = "", times: int | None = None, route: str | None = None
    ) -> Json:
        """Arm a fault, as `POST /_sandbox/faults`. Raises `answers.Refused` for a wrong one."""
        with self._state.lock:
            return self._state.faults.arm(mode, argument, times, route)

    def disarm(self) -> int:
        """Take all armed faults away."""
        with self._state.lock:
            return self._state.faults.disarm()

    def canary(self, prefix: str) -> None:
        """Begin the codes of orders placed from now on with this."""
        with self._state.lock:
            self._state.set_prefix(prefix)

    def reset(self) -> None:
        """Forget every order, count, fault, debit and wrong key."""
        self._state.reset()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], state: State, log: Callable[[str], None] | None
    ) -> None:
        self.state = state
        self.log = log
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End kept-alive connections, which would otherwise be served after the stop."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about a client that went away: some faults are made for just that."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(GuardedHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    # Head and body leave in one segment; else Nagle and the delayed ACK cost 40 ms per answer.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        try:
            body = self._body()
        except Refused as refused:
            # What follows on the connection is not known to be a request.
            self.close_connection = True
            self._send(refused.answer())
            return
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(parts.path),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            self.headers.get("X-Access-Token"),
            body,
        )
        served = admin if request.path.startswith(admin.PREFIX) else routes
        self._send(served.answer(self.server.state, request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            raise invalid("the body needs a Content-Length")
        if int(length) > MAX_BODY:
            raise Refused(413, "PAYLOAD_TOO_LARGE", "Payload too large")
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        if answer.delay_s and self.server.stopping.wait(answer.delay_s):
            self.close_connection = True
            return
        if answer.reset:
            self._reset()
            return
        body = answer.encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        """Close with a zero linger, which sends RST, before anyone shuts it down with a FIN."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        os.close(self.connection.detach())
        self.close_connection = True

    def version_string(self) -> str:
        """Name the server, not the Python behind it."""
        return "SupplierSandbox"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        if self.server.log is not None:
            self.server.log(format % args)
