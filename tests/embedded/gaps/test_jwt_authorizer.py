"""The JWT authorizer: the issuer's keys, scopes and expiry."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

pytestmark = pytest.mark.embedded


def test_it_reads_the_keys_of_an_issuer_in_the_same_emulator(make_token, read):
    token = make_token(scope="things:read")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(read, [token] * 8))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert answers[0].json()["claims"]["scope"] == "things:read"


def test_it_asks_for_the_scope_of_the_route(make_token, read):
    assert read(make_token(scope="things:write")).status_code == 403
    assert read("no.such.token").status_code == 401


def test_it_refuses_a_token_without_end(make_token, read):
    assert read(make_token(scope="things:read", exp=None)).status_code == 401


def test_it_forgets_an_issuer_that_did_not_answer(probe_stack, make_token):
    with failing_once(probe_stack.proxies["issuer"].url) as issuer:
        url = guarded_route(probe_stack, issuer)
        headers = {"Authorization": make_token(issuer)}
        answers = [requests.post(url, headers=headers, timeout=30) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 200]


@contextmanager
def failing_once(real_issuer):
    """An issuer whose documents are each unavailable the first time they are asked for."""
    asked = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path in asked
            asked.add(self.path)
            issuer = f"http://{self.headers['Host']}"
            body = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
            if self.path == "/keys":
                body = requests.get(f"{real_issuer}/keys", timeout=30).json()
            self.send_response(200 if known else 500)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def guarded_route(stack, issuer):
    """Make an API whose one route takes a token of an issuer, and return its address."""
    client = stack.client("apigatewayv2")
    api = client.create_api(Name="guarded", ProtocolType="HTTP")["ApiId"]
    function = stack.client("lambda").get_function(FunctionName=stack.outputs["FunctionName"])
    integration = client.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function["Configuration"]["FunctionArn"],
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    authorizer = client.create_authorizer(
        ApiId=api,
        Name="tokens",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": ["probe"]},
    )["AuthorizerId"]
    client.create_route(
        ApiId=api,
        RouteKey="POST /guarded",
        Target=f"integrations/{integration}",
        AuthorizationType="JWT",
        AuthorizerId=authorizer,
    )
    client.create_stage(ApiId=api, StageName="$default")
    return f"{stack.aws_url}/_aws/execute-api/{api}/$default/guarded"
