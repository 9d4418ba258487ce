"""Whom the servers of this machine let in, by what a browser says of a request."""

import io
from contextlib import suppress
from pathlib import Path

import pytest

from local.loopback import Asked, Door, GuardedApp, GuardedHandler, always

LOCAL = Path(__file__).parents[2] / "local"
HERE = "127.0.0.1:4566"
SHUT = Door()
OWN = {"origin": f"http://{HERE}", "sec-fetch-site": "same-origin"}
OPENED = {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}


def status(door=SHUT, method="GET", host=HERE, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refused = door.refusal(Asked(method, "/", {"host": host, **named}))
    return refused and refused[0]


@pytest.mark.parametrize("host", [HERE, "localhost:1", "localhost", "bucket.s3.localhost:4566"])
def test_a_program_comes_in_by_any_name_of_this_machine(host):
    assert status(host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:4566",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1:4566@evil.example",
        "127.0.0.2",
        "192.168.0.1",
    ],
)
def test_a_name_that_may_be_made_to_lead_here_is_refused_to_everybody(host):
    assert status(Door(always, always), host=host) == 421


def test_a_page_of_its_own_comes_in_and_what_a_person_typed():
    assert status(**OWN) is None
    assert status(method="POST", **OWN) is None
    assert status(**{"sec-fetch-site": "none"}) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8083"},
        {"origin": "http://localhost:4566"},
        {"origin": f"https://{HERE}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "something new"},
        {**OWN, "sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_any_other_page_is_refused(method, headers):
    assert status(method=method, **headers) == status(Door(opens=always), method, **headers) == 403


def test_a_person_opens_by_a_link_what_may_be_opened_and_nothing_else():
    assert status(Door(opens=always), **OPENED) is None
    assert status(Door(opens=always), "HEAD", **OPENED) is None
    assert status(**OPENED) == 403
    assert status(Door(opens=always), "POST", **OPENED) == 403
    for changed in (
        {"origin": "https://evil.example"},
        {"sec-fetch-dest": "iframe"},
        {"sec-fetch-mode": "no-cors"},
    ):
        assert status(Door(opens=always), **OPENED | changed) == 403


def test_a_welcome_page_comes_in():
    assert status(Door(welcomes=always), "POST", origin="https://shop.example") is None


def test_a_refused_handler_reads_the_body_and_ends_the_connection():
    handler = object.__new__(GuardedHandler)
    handler.rfile = io.BytesIO(b"Host: evil.example\r\nContent-Length: 4\r\n\r\nbody")
    handler.wfile = io.BytesIO()
    handler.raw_requestline, handler.client_address = b"POST / HTTP/1.1\r\n", ("127.0.0.1", 1)
    assert not handler.parse_request()
    assert handler.wfile.getvalue().startswith(b"HTTP/1.0 421 ")
    assert handler.close_connection
    assert handler.rfile.read() == b""


@pytest.mark.parametrize(
    ("kind", "answered"),
    [("http", "http.response.start"), ("websocket", "websocket.close"), ("lifespan", "app")],
)
def test_an_application_is_not_asked_what_is_refused(kind, answered):
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "app"})

    async def receive():
        return {}

    async def send(message):
        sent.append(message["type"])

    def ask(host):
        sent.clear()
        scope = {"type": kind, "path": "/", "query_string": b"", "headers": [(b"Host", host)]}
        with suppress(StopIteration):  # nothing waits: no loop, which would need a socket
            GuardedApp(app, SHUT)(scope, receive, send).send(None)
        return sent[0]

    assert ask(b"evil.example") == answered
    assert ask(b"localhost") == "app"


def test_no_server_here_has_a_handler_without_a_door():
    unguarded = [
        path.relative_to(LOCAL).as_posix()
        for path in LOCAL.rglob("*.py")
        if "HTTPRequestHandler" in path.read_text()
    ]
    assert unguarded == ["loopback.py"]
