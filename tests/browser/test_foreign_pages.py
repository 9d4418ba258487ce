"""A page of another origin, in a real browser, at every server of this machine.

It gets nothing and changes nothing; a link on it still leads a person to a page or a download.
"""

import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from local.clients.gift_cards import GIFT_SCOPES, GiftProgram
from local.console import Console
from local.stack.embedded import Stack
from tests.conftest import STOREFRONT
from tests.support.claiming import ordered
from tests.support.listening import addresses

pytestmark = pytest.mark.embedded

# What a page can try without its reader. Each answers what the page learned.
ATTACKS = {
    "no-cors": "fetch(url, {method: 'POST', mode: 'no-cors', body}).then(a => a.type)",
    "no-cors get": "fetch(url, {mode: 'no-cors'}).then(a => a.type)",
    "read": "fetch(url).then(a => a.text()).then(() => 'read', () => 'nothing')",
    "read a post": "fetch(url, {method: 'POST', body}).then(() => 'read', () => 'nothing')",
    "preflighted": (
        "fetch(url, {method: 'PUT', body, headers: {'X-Amz-Target': 'x', "
        "'Content-Type': 'application/json'}}).then(() => 'read', () => 'nothing')"
    ),
    "script": (
        "new Promise(done => { const made = document.createElement('script'); made.src = url;"
        " made.onload = () => done('read'); made.onerror = () => done('nothing');"
        " document.body.append(made); })"
    ),
}
LEARNED = {"no-cors": "opaque", "no-cors get": "opaque"}
REFUSED = "pages of other origins are refused"
FORM = """url => {
    const form = document.createElement('form');
    Object.assign(form, {method: 'POST', action: url, enctype: 'text/plain'});
    document.body.append(form);
    form.submit();
}"""
ASK = """([url, asked, more]) => fetch(url, {
    method: 'POST',
    body: JSON.stringify(asked),
    headers: {'Content-Type': 'application/json', ...more},
}).then(
    async a => ({
        status: a.status, requestId: a.headers.get('X-Request-Id'), body: await a.json(),
    }),
    () => 'nothing',
)"""
FUNCTION = json.dumps(
    {
        "FunctionName": "evil",
        "Runtime": "python3.13",
        "Role": "arn:aws:iam::000000000000:role/evil",
        "Handler": "evil.handler",
        "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
    }
)


@pytest.fixture(scope="module")
def foreign_port():
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>foreign</title><link rel=icon href=data:,>")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(params=["localhost", "127.0.0.1"])
def foreign(request, foreign_port):
    """A page of another site, and one of another port of this very address."""
    return f"http://{request.param}:{foreign_port}/"


@pytest.fixture(scope="module")
def servers(vault, foreign_port):
    """Asks for what listens now, one by one: the place of a function that ended is closed."""
    vault.shop()
    with Console(vault):
        yield partial(listening, vault, foreign_port)


def listening(vault, foreign_port):
    for one in addresses(vault):
        if one in addresses(vault) and not one.endswith(f":{foreign_port}"):
            yield f"http://{one}"


def answered(page):
    """Collect the status of each answer that a page is sent, be it one that it cannot read."""
    statuses = []
    page.on("response", lambda answer: statuses.append((answer.url, answer.status)))
    return statuses


def test_a_foreign_page_gets_nothing(servers, foreign, tab):
    page = tab()
    page.goto(foreign)
    statuses = answered(page)
    asked = 0
    for server in servers():
        asked += 1
        for name, attack in ATTACKS.items():
            learned = page.evaluate(f"url => {{ const body = '{{}}'; return {attack}; }}", server)
            assert learned == LEARNED.get(name, "nothing"), (server, name)
    assert len(statuses) >= asked > 2
    assert [one for one in statuses if one[1] not in {204, 403}] == []


def test_a_form_of_a_foreign_page_is_refused(servers, foreign, tab):
    page = tab()
    for server in servers():
        page.goto(foreign)
        with page.expect_navigation() as arrived:
            page.evaluate(FORM, server)
        assert arrived.value.status == 403, server
        assert page.inner_text("body") == REFUSED


def test_a_foreign_page_cannot_put_a_page_into_a_frame(servers, foreign, tab):
    page = tab()
    for server in servers():
        page.goto(foreign)
        with page.expect_response(f"{server}/") as arrived:
            page.evaluate(
                "url => { const made = document.createElement('iframe'); made.src = url;"
                " document.body.append(made); }",
                server,
            )
        assert arrived.value.status == 403, server


def test_a_foreign_page_makes_no_function_that_would_run_as_the_developer(foreign, tab):
    page = tab()
    page.goto(foreign)
    post = "([url, body]) => fetch(url, {method: 'POST', mode: 'no-cors', body})"
    with Stack() as stack:  # as `make up` has it: without IAM, which would refuse too
        functions = f"{stack.aws_url}/2015-03-31/functions"
        assert page.evaluate(f"{post}.then(a => a.type)", [functions, FUNCTION]) == "opaque"
        assert stack.client("lambda").list_functions()["Functions"] == []
        requests.post(functions, FUNCTION, timeout=60).raise_for_status()
        assert len(stack.client("lambda").list_functions()["Functions"]) == 1


def test_a_link_on_a_foreign_page_leads_to_the_claim_page(vault, alice, foreign, tab):
    customer = ordered(vault, alice)
    page = tab()
    page.goto(foreign)
    page.evaluate("url => { location.href = url; }", customer.link)
    page.wait_for_selector("#send")


def test_a_link_on_a_foreign_page_leads_to_a_download(vault, alice, foreign, tab):
    customer = ordered(vault, alice)
    path = f"/api/orders/{customer.order_id}/downloads"
    made = alice.call("POST", path, json={"format": "txt"}).json()
    page = tab()
    page.goto(foreign)
    with page.expect_download() as download:
        page.evaluate("url => { location.href = url; }", vault.api_url + made["downloadUrl"])
    assert download.value.suggested_filename.endswith(f" {customer.order_id[-6:]}.txt")


@pytest.fixture(scope="module")
def program(vault):
    return GiftProgram.create(vault, vault.shop("gift shop", scopes=GIFT_SCOPES))


def test_a_storefront_checks_a_balance_and_can_call_nothing_else(vault, program, tab):
    """Its origin is the one that `StorefrontOrigins` names (F38)."""
    card = program.active_card("25.00")
    code = program.post(f"cards/{card['id']}/resend-code").json()["securityCode"]
    page = tab(permissions=["local-network-access"])
    page.route(f"{STOREFRONT}/", lambda route: route.fulfill(content_type="text/html", body="<p>"))
    page.goto(f"{STOREFRONT}/")
    page.unroute_all()  # or preflights are answered by the test's browser itself
    asked = {"cardNumber": card["cardNumber"], "securityCode": code}
    check = f"{vault.api_url}{program.path}/balance-check"
    told = page.evaluate(ASK, [check, asked, {}])
    assert (told["status"], told["body"]["balance"]) == (200, 25)
    assert told["requestId"] is not None
    with_token = {"Authorization": "Bearer x"}
    for address in (check, f"{vault.api_url}{program.path}/cards/balance-check"):
        assert page.evaluate(ASK, [address, asked, with_token]) == "nothing"
