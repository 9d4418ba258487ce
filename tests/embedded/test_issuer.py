"""The issuer in a deployment: slow at first, and an issuer of yours in its place."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from cardvault.identity.discovery import CONFIGURATION_PATH, KEYS_PATH
from local.cardvault import API_OUTPUTS, QUICK
from local.stack.embedded import Stack
from tests.embedded.gaps.helpers import encoded

pytestmark = pytest.mark.embedded
SLOWER_THAN_AN_AUTHORIZER_BEARS_S = 2.0


def test_an_api_is_made_once_its_issuer_answers_fast_enough():
    with Stack(api_outputs=API_OUTPUTS, auth=True) as stack:
        issuer = stack.proxies["issuer"]
        issuer.hesitate(SLOWER_THAN_AN_AUTHORIZER_BEARS_S, requests=3)
        stack.deploy({"IssuerUrl": issuer.url, **QUICK})
        assert not issuer.hesitates
        assert requests.get(issuer.url + KEYS_PATH, timeout=10).status_code == 200


@pytest.fixture
def another_issuer():
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "RSA", "alg": "RS256", "kid": "theirs", "e": "AQAB"}
    jwk["n"] = encoded(numbers.n.to_bytes(256, "big"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            configuration = {"issuer": url, "jwks_uri": url + KEYS_PATH}
            body = configuration if self.path == CONFIGURATION_PATH else {"keys": [jwk]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    def token(**claims):
        claims = {"iss": url, "aud": "cardvault", "exp": int(time.time()) + 600, **claims}
        signed = f"{encoded({'alg': 'RS256', 'kid': 'theirs'})}.{encoded(claims)}"
        signature = key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
        return f"{signed}.{encoded(signature)}"

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield url, token
        server.shutdown()


def test_with_an_issuer_of_yours_its_tokens_count_and_none_are_issued(another_issuer):
    issuer, token = another_issuer
    with Stack(api_outputs=API_OUTPUTS, auth=True) as stack:
        stack.deploy({"TokenIssuer": issuer, **QUICK})
        api = stack.proxies["api"].url
        theirs = token(sub="c" * 24, client_id="c" * 24, tenant="a" * 24, scope="orders:read")
        headers = {"Authorization": f"Bearer {theirs}"}
        mine = requests.get(f"{api}/api/orders", headers=headers, timeout=30)
        assert mine.json() == {"orders": []}
        refused = requests.post(f"{api}/v2/token", data={"grant_type": "x"}, timeout=30)
        assert refused.status_code == 404
        assert "IssuerApiId" not in stack.outputs
        assert not stack.proxies["issuer"].is_open
