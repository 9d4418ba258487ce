"""The claim page: one answer that holds everything, so that nothing else is ever fetched.

Style, script and texts are put into the document once per process. The policy names the two
inline parts by their SHA-256: what is not exactly ours does not run, wherever it came from.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cardvault.orders.recipient import LANGUAGES

_PARTS = Path(__file__).parent / "claim_page"
_CHANGED = re.compile(r"/claim((?:[/#]|%23).*)?$")
_FRAGMENT = re.compile(r"/*#/*([A-Za-z0-9_-]+)")

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer here; a path may hold a token."""


def document() -> str:
    """The whole page as HTML."""
    texts = {name: json.loads(_part(f"texts/{name}.json")) for name in LANGUAGES}
    # `<` could end the script element that the texts stand in.
    packed = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        _part("page.html")
        .replace("/*style*/", _part("page.css"))
        .replace("/*texts*/", packed)
        .replace("/*script*/", _part("page.js"))
    )


def policy() -> str:
    """The Content-Security-Policy of the page."""
    rules = {
        "default-src": "'none'",
        "script-src": _named("page.js"),
        "style-src": _named("page.css"),
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return "; ".join(f"{rule} {sources}" for rule, sources in rules.items())


def address_meant(path: str) -> str | None:
    """The page's address, relative to a path that somebody's mail program made of it.

    `/claim/` is `/claim`, whose fragment stays in the browser, and `/claim%23TOKEN` has it in the
    path. None for other paths.
    """
    changed = _CHANGED.search(path)
    if changed is None:
        return None
    rest = changed[1] or ""
    fragment = _FRAGMENT.match(unquote(rest))
    return "../" * rest.count("/") + "claim" + (f"#{fragment[1]}" if fragment else "")


def answer() -> dict[str, Any]:
    """The page as an HTTP answer. It is the same for everyone and knows no token."""
    return {
        "statusCode": 200,
        "headers": {
            **HEADERS,
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": policy(),
            "X-Frame-Options": "DENY",
            "X-Robots-Tag": "noindex",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Strict-Transport-Security": "max-age=31536000",
        },
        "body": document(),
    }


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _named(name: str) -> str:
    digest = hashlib.sha256(_part(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
