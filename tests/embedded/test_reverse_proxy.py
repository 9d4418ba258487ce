"""The reverse proxy: what it passes on, and what it answers by itself."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from local.loopback import HOST
from local.stack import ports
from local.stack.reverse_proxy import ReverseProxy

API = "/_aws/execute-api/abc/$default"


@pytest.fixture(scope="module")
def emulator():
    """A server in the emulator's place that answers with what it was asked."""

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = {
                "method": self.command,
                "target": self.path,
                "headers": self.headers.items(),
                "body": body.hex(),
                "connection": self.client_address[1],
            }
            answer = (
                bytes(range(256)) if self.path.endswith("/bytes") else json.dumps(asked).encode()
            )
            self.send_response(403 if self.command == "OPTIONS" else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Set-Cookie", "a=1")
            self.send_header("Set-Cookie", "b=2")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer((HOST, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def closed_proxy():
    proxy = ReverseProxy("api")
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(closed_proxy, emulator):
    closed_proxy.attach(emulator, "abc")
    return closed_proxy


def test_it_is_closed_until_an_api_is_attached(closed_proxy):
    answer = requests.get(closed_proxy.url, timeout=60)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_it_passes_on_any_method_and_any_bytes(proxy, method):
    body = bytes(range(256))
    asked = requests.request(method, f"{proxy.url}/orders", data=body, timeout=60).json()
    assert (asked["method"], asked["body"]) == (method, body.hex())


def test_it_passes_path_and_query_on_as_they_are(proxy):
    target = "/orders/a%2Fb%20c?q=1&q=2&empty=&plus=a+b"
    connection = http.client.HTTPConnection(HOST, proxy.port, timeout=60)
    connection.request("GET", target)
    assert json.loads(connection.getresponse().read())["target"] == API + target
    connection.request("GET", f"{proxy.url}/whole?address=1")
    assert json.loads(connection.getresponse().read())["target"] == f"{API}/whole?address=1"


def test_it_passes_repeated_headers_on(proxy):
    connection = http.client.HTTPConnection(HOST, proxy.port, timeout=60)
    connection.putrequest("GET", "/")
    connection.putheader("X-Twice", "one")
    connection.putheader("X-Twice", "two")
    connection.endheaders()
    answer = connection.getresponse()
    headers = json.loads(answer.read())["headers"]
    assert [value for name, value in headers if name == "X-Twice"] == ["one", "two"]
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_it_says_where_a_request_came_from_whatever_the_client_says(proxy):
    lies = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}
    headers = dict(requests.get(proxy.url, headers=lies, timeout=60).json()["headers"])
    assert headers["X-Forwarded-For"] == HOST
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["Host"] == f"{HOST}:{proxy.port}"


def test_it_passes_binary_answers_on(proxy):
    assert requests.get(f"{proxy.url}/bytes", timeout=60).content == bytes(range(256))


def test_it_takes_a_body_in_chunks(proxy):
    chunks = iter([b"first", b"second"])
    asked = requests.post(proxy.url, data=chunks, timeout=60).json()
    assert bytes.fromhex(asked["body"]) == b"firstsecond"


def test_it_answers_head_without_a_body_and_options_with_204(proxy):
    with requests.Session() as session:
        assert session.head(proxy.url, timeout=60).content == b""
        preflight = session.options(proxy.url, timeout=60)
        assert (preflight.status_code, preflight.content) == (204, b"")
        assert session.get(proxy.url, timeout=60).json()["method"] == "GET"


def test_it_keeps_its_connections(proxy):
    with requests.Session() as session:
        connections = {session.get(proxy.url, timeout=60).json()["connection"] for _ in range(3)}
    assert len(connections) == 1


def test_a_missing_emulator_is_a_bad_gateway(closed_proxy):
    with ports.reserve(0, "aws") as unanswered:
        closed_proxy.attach(unanswered.getsockname()[1], "abc")
        assert requests.get(closed_proxy.url, timeout=60).status_code == 502


def test_a_broken_body_is_a_bad_request(proxy):
    connection = http.client.HTTPConnection(HOST, proxy.port, timeout=60)
    connection.putrequest("POST", "/")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(b"no length\r\n")
    assert connection.getresponse().status == 400
