"""The console's small HTTP server, on loopback and for this machine's browser alone."""

import json
import re
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import requests

from local.cardvault import Cardvault, OperationRefused
from local.clients import mailbox
from local.console.console_api import EXAMPLE, ConsoleApi
from local.console.responses import RefusedError
from local.loopback import HOST, Door, GuardedHandler, always
from local.stack import ports

HERE: Final = Path(__file__).parent
LONGEST_BODY: Final = 10_000
STOP_POLL_S: Final = 0.1
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A mail brings its own styles and, at least here, no script.
_MAIL_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_FILES: Final = {
    "/console.css": "text/css; charset=utf-8",
    "/page.js": "text/javascript; charset=utf-8",
    "/orders.js": "text/javascript; charset=utf-8",
    "/gift-cards.js": "text/javascript; charset=utf-8",
}
# Each page's address, title and files' name.
_PAGES: Final = {"/": ("Orders", "orders"), "/gift-cards": ("Gift cards", "gift-cards")}
_ORDER: Final = re.compile(
    r"/api/orders/([0-9a-f]{24})(?:/(reveal|download|resend|redrive|verify))?"
)
_CARD: Final = re.compile(r"/api/gift-cards/([0-9a-f]{24})(?:/(redeem|reload|refund))?")


class Console:
    """Serves the console of a running Cardvault; `port` 0 takes a free one."""

    def __init__(self, vault: Cardvault, port: int = 0) -> None:
        self._server = _Server(ports.listen(port, "console"), ConsoleApi.of(vault))
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": STOP_POLL_S},
            name="console",
            daemon=True,
        )

    def place_example(self) -> None:
        """An order to look at, before anybody has placed one."""
        self._server.api.place(dict(EXAMPLE))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: Any, api: ConsoleApi) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.api = api


class _Handler(GuardedHandler):
    """Pages by GET, the page's JSON calls by GET and POST."""

    server: _Server
    door = Door(opens=always)
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - the server's name for it
        """Pages, files, and what the page polls."""
        if self.path in _FILES:
            return self._send(200, (HERE / self.path[1:]).read_bytes(), _FILES[self.path])
        if self.path in _PAGES:
            title, name = _PAGES[self.path]
            return self._page(title, (HERE / f"{name}.html").read_text(), f"/{name}.js")
        if self.path.startswith("/mailbox"):
            return self._mailbox()
        return self._json(self._look())

    def _look(self) -> Callable[[], Any] | None:
        api = self.server.api
        if self.path == "/api/endings":
            return lambda: {"endings": api.endings()}
        if self.path == "/api/orders":
            return api.orders
        if (order := _ORDER.fullmatch(self.path)) and not order[2]:
            return lambda: api.look(order[1])
        if (card := _CARD.fullmatch(self.path)) and not card[2]:
            return lambda: api.gift_cards.look(card[1])
        return None

    def do_POST(self) -> None:  # noqa: N802 - the server's name for it
        """Orders and what is done with them. JSON only, as the page sends it."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY:
            self.close_connection = True
            return self._send(413, b"", "text/plain")
        raw = self.rfile.read(length)
        if not self.headers.get("Content-Type", "").startswith("application/json"):
            return self._send(415, b"", "text/plain")
        return self._json(self._act(raw))

    def _act(self, raw: bytes) -> Callable[[], Any] | None:
        api = self.server.api
        if self.path == "/api/orders":
            return lambda: api.place(json.loads(raw))
        if self.path == "/api/gift-cards":
            return lambda: api.gift_cards.issue(json.loads(raw))
        if (order := _ORDER.fullmatch(self.path)) and order[2]:
            return lambda: api.act(order[1], order[2])
        if (card := _CARD.fullmatch(self.path)) and card[2]:
            return lambda: api.gift_cards.act(card[1], card[2], json.loads(raw))
        return None

    def _mailbox(self) -> None:
        mails = self.server.api.mailbox.mails()
        found = re.fullmatch(r"/mailbox/([0-9]{1,6})(/html)?", self.path)
        if self.path == "/mailbox":
            return self._page("Mailbox", mailbox.list_page(mails))
        if not found or not 1 <= int(found[1]) <= len(mails):
            return self._send(404, b"Not found", "text/plain")
        mail = mails[int(found[1]) - 1]
        if found[2]:
            content = mailbox.framed(mail).encode()
            return self._send(200, content, "text/html; charset=utf-8", _MAIL_POLICY)
        return self._page("Mailbox", mailbox.mail_page(mail))

    def _page(self, title: str, content: str, script: str = "") -> None:
        frame = (HERE / "frame.html").read_text()
        frame = frame.replace(f">{title}</a>", f' aria-current="page">{title}</a>')
        tag = f'<script type="module" src="{script}"></script>' if script else ""
        for name, value in {"title": title, "content": content, "script": tag}.items():
            frame = frame.replace(f"<!--{name}-->", value)
        self._send(200, frame.encode(), "text/html; charset=utf-8")

    def _json(self, work: Callable[[], Any] | None) -> None:
        if work is None:
            return self._send(404, b"Not found", "text/plain")
        try:
            status, answer = 200, work()
        except RefusedError as refused:
            status, answer = refused.status, refused.body
        except (OperationRefused, LookupError) as error:
            status, answer = 409, {"error": str(error)}
        except requests.RequestException:
            status, answer = 502, {"error": "the API did not answer"}
        except (ValueError, TypeError, AttributeError):
            status, answer = 400, {"error": "that is no request of this page"}
        return self._send(status, json.dumps(answer).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str, policy: str = _POLICY) -> None:
        self.send_response_only(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Keep the terminal for what was asked for."""
