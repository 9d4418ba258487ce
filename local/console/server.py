"""The console's small HTTP server, on loopback and for this machine's browser alone."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import requests

from local import mailbox, ports
from local.cardvault import Cardvault
from local.console.desk import Desk, RefusedError

HERE: Final = Path(__file__).parent
LONGEST_BODY: Final = 10_000
STOP_POLL_S: Final = 0.1
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A mail brings its own styles and, at least here, no script.
_LETTER_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_FILES: Final = {
    "/console.css": "text/css; charset=utf-8",
    "/console.js": "text/javascript; charset=utf-8",
}


class Console:
    """Serves the console of a running Cardvault; `port` 0 takes a free one."""

    def __init__(self, vault: Cardvault, port: int = 0) -> None:
        self._server = _Server(ports.listen(port, "console"), Desk.of(vault))
        self.url = f"http://{ports.HOST}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": STOP_POLL_S},
            name="console",
            daemon=True,
        )

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

    def __init__(self, listener: Any, desk: Desk) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.desk = desk


class _Handler(BaseHTTPRequestHandler):
    """Pages by GET, the page's JSON calls by GET and POST."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Pages, files, and what the page polls."""
        if not self._is_local():
            return self._send(421, b"", "text/plain")
        if self.path in _FILES:
            return self._send(200, (HERE / self.path[1:]).read_bytes(), _FILES[self.path])
        if self.path == "/":
            return self._page("Console", (HERE / "console.html").read_text(), script=True)
        if self.path.startswith("/mailbox"):
            return self._mailbox()
        if self.path == "/api/endings":
            return self._json(lambda: {"endings": self.server.desk.endings()})
        if found := re.fullmatch(r"/api/orders/([0-9a-f]{24})", self.path):
            return self._json(lambda: self.server.desk.look(found[1]))
        return self._send(404, b"Not found", "text/plain")

    def do_POST(self) -> None:
        """Orders and what is done with them. JSON only, which no foreign page can send unasked."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY:
            self.close_connection = True
            return self._send(413, b"", "text/plain")
        raw = self.rfile.read(length)
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        if not self._is_local() or not is_json:
            return self._send(421, b"", "text/plain")
        desk = self.server.desk
        if self.path == "/api/orders":
            return self._json(lambda: desk.place(json.loads(raw)))
        found = re.fullmatch(r"/api/orders/([0-9a-f]{24})/(reveal|download|resend)", self.path)
        if found:
            return self._json(lambda: desk.act(found[1], found[2]))
        return self._send(404, b"Not found", "text/plain")

    def _mailbox(self) -> None:
        mails = self.server.desk.mailbox.mails()
        found = re.fullmatch(r"/mailbox/([0-9]{1,6})(/html)?", self.path)
        if self.path == "/mailbox":
            return self._page("Mailbox", mailbox.list_page(mails))
        if not found or not 1 <= int(found[1]) <= len(mails):
            return self._send(404, b"Not found", "text/plain")
        mail = mails[int(found[1]) - 1]
        if found[2]:
            letter = mailbox.framed(mail).encode()
            return self._send(200, letter, "text/html; charset=utf-8", _LETTER_POLICY)
        return self._page("Mailbox", mailbox.mail_page(mail))

    def _page(self, title: str, content: str, *, script: bool = False) -> None:
        frame = (HERE / "frame.html").read_text()
        tag = '<script src="/console.js" defer></script>' if script else ""
        for name, value in {"title": title, "content": content, "script": tag}.items():
            frame = frame.replace(f"<!--{name}-->", value)
        current = f'href="{"/mailbox" if title == "Mailbox" else "/"}"'
        frame = frame.replace(f"{current} data-tab", f'{current} aria-current="page" data-tab')
        self._send(200, frame.encode(), "text/html; charset=utf-8")

    def _json(self, work: Any) -> None:
        try:
            status, answer = 200, work()
        except RefusedError as refused:
            status, answer = refused.status, refused.body
        except (ValueError, TypeError, AttributeError):
            status, answer = 400, {"error": "that is no request of this page"}
        except requests.RequestException:
            status, answer = 502, {"error": "the API did not answer"}
        self._send(status, json.dumps(answer).encode(), "application/json")

    def _is_local(self) -> bool:
        """Refuse other names for this address: a foreign page may have one made for it."""
        return self.headers.get("Host") == f"{ports.HOST}:{self.server.server_address[1]}"

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
