"""Nothing that listens on loopback serves a foreign name or a foreign page."""

import http.client

import pytest
import requests

from local.console import Console
from tests.support.listening import addresses

pytestmark = pytest.mark.embedded
EVIL = "https://evil.example"
REFUSED = "pages of other origins are refused"
PAGES = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@pytest.fixture(scope="module")
def listening(vault):
    """Every address, those of the functions' own runtime APIs among them."""
    vault.shop()
    with Console(vault) as console:
        found = addresses(vault)
        served = [console.url, vault.stack.aws_url, vault.supplier.origin]
        served += [proxy.url for proxy in vault.stack.proxies.values()]
        assert {url.removeprefix("http://") for url in served} < found
        yield found


def ask(address, method="GET", body=b"", **headers):
    connection = http.client.HTTPConnection(address, timeout=60)
    sent = {"Host": address} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/", body=body, headers=sent)
    answer = connection.getresponse()
    answer.text = answer.read().decode()
    connection.close()
    return answer


def test_everything_listens_on_loopback_only(listening):
    assert {address.partition(":")[0] for address in listening} == {"127.0.0.1"}


def test_a_name_that_was_made_to_lead_here_is_refused(listening):
    for address in listening:
        port = address.partition(":")[2]
        for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}"):
            for method in METHODS:
                assert ask(address, method, Host=host).status == 421, (address, method, host)


def test_a_page_of_another_origin_is_refused_and_may_read_nothing(listening):
    for address in listening:
        for method in METHODS:
            for page in PAGES:
                answer = ask(address, method, b"{}", **page)
                # AWS answers every preflight 204, welcome or not: what counts is what it allows.
                preflight = method == "OPTIONS" and answer.status == 204
                assert preflight or answer.status == 403, (address, method, page)
                assert answer.text == ("" if preflight or method == "HEAD" else REFUSED)
                assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_emulator_shares_no_answer_with_any_page(vault):
    functions = f"{vault.stack.aws_url}/2015-03-31/functions"
    for method in ("GET", "POST", "OPTIONS"):
        answer = requests.request(method, functions, timeout=60)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        assert answer.headers["Content-Security-Policy"] == "sandbox"


def test_the_emulator_is_opened_by_a_link_at_signed_addresses_and_the_api_alone(vault):
    opened = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    bucket = vault.stack.outputs["DownloadsBucket"]
    aws, signed = vault.stack.aws_url, "X-Amz-Signature=00"
    refused = [
        "/2015-03-31/functions",
        f"/2015-03-31/functions?{signed}",
        f"/?Action=ListUsers&{signed}",
        f"/{bucket}?Action=ListUsers&{signed}",
        f"/{bucket}",
        f"/_ministack/ses/messages?{signed}",
        f"/_aws/execute-api/none/$default/claim?{signed}",
    ]
    for target in refused:
        assert requests.get(aws + target, headers=opened, timeout=60).text == REFUSED, target
    address = f"{aws}/{bucket}/file?{signed}&X-Amz-Algorithm=AWS4-HMAC-SHA256"
    answer = requests.get(address, headers=opened, timeout=60)
    assert "<Error>" in answer.text  # S3 is asked, and judges the signature
    assert requests.get(f"{vault.api_url}/claim", headers=opened, timeout=60).status_code == 200
    assert requests.post(f"{vault.api_url}/claim", headers=opened, timeout=60).status_code == 403
