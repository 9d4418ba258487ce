"""Requests of ours to other servers, whose answers have bounds in bytes and in time.

A time-out of `requests` begins anew with each byte, and a body in gzip may be a thousand times what
was sent. So a body is read piece by piece as it comes, and never unpacked.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import HTTPError

_PIECE = 64 * 1024


class UnboundedAnswer(requests.RequestException):
    """The answer has more bytes, or takes more time, than it may; the message says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read to its end. Its body may hold codes: it shows in no repr (I1)."""

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body's JSON, None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Bounds:
    """An answer of at most `longest` bytes, the whole of it after at most `within_s` seconds.

    Only between two pieces is looked at the clock: the last piece may take the request's own
    time-out besides. `monotonic` can be given in tests.
    """

    longest: int
    within_s: float
    monotonic: Callable[[], float] = time.monotonic

    def ask(self, session: requests.Session, method: str, address: str, **options: Any) -> Answer:
        """What the server answers; a redirect is an answer.

        `options` are those of `requests`. Raises requests.RequestException, of which
        UnboundedAnswer is one.
        """
        late_at = self.monotonic() + self.within_s
        headers = {"Accept-Encoding": "identity", **options.pop("headers", {})}
        options = {**options, "headers": headers, "stream": True, "allow_redirects": False}
        with session.request(method, address, **options) as answer:
            try:
                body = self._body(answer, late_at)
            except HTTPError as error:
                # Its text may quote what came.
                raise requests.RequestException(type(error).__name__) from None
            return Answer(answer.status_code, answer.headers, body)

    def _body(self, answer: requests.Response, late_at: float) -> bytes:
        body = bytearray()
        while piece := answer.raw.read1(_PIECE, decode_content=False):
            body += piece
            if len(body) > self.longest:
                raise UnboundedAnswer(f"answered more than {self.longest} bytes")
            if self.monotonic() > late_at:
                raise UnboundedAnswer(f"took longer than {self.within_s:.0f} s")
        return bytes(body)
