"""The page and its requests: one answer, a policy that names it, a cookie scripts cannot read."""

import base64
import hashlib
import json
import re

import pytest

from cardvault.claims import claim_request, page
from cardvault.claims.views import masked
from cardvault.errors import InvalidRequest
from cardvault.links import hash_token
from cardvault.orders.recipient import LANGUAGES
from tests.support.template import ROOT

TOKEN = "t" * 43
TEXTS = ROOT / "layers/cardvault/cardvault/claims/claim_page/texts"


def test_the_page_is_one_answer_of_less_than_sixty_kilobytes():
    body = page.answer()["body"]
    assert len(body.encode()) < 60_000
    assert re.findall(r"""(?:src|href)=["']?([^"' >]+)""", body) == ["data:,"]
    assert not re.search(r"https?://", re.sub(r"<!--.*?-->", "", body))


def test_the_policy_names_exactly_the_inline_parts():
    answer = page.answer()
    policy = answer["headers"]["Content-Security-Policy"]
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer["body"], re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/claim/", "../claim"),
        ("/shop/claim//", "../../claim"),
        (f"/claim%23{TOKEN}", f"claim#{TOKEN}"),
        (f"/claim#{TOKEN}", f"claim#{TOKEN}"),
        (f"/claim/%23{TOKEN}>", f"../claim#{TOKEN}"),
        (f"/claim%23{TOKEN[:30]}", f"claim#{TOKEN[:30]}"),
        ("/claim/%23%0d%0aSet-Cookie:%20a", "../claim"),
        ("/claim/https://elsewhere.example", "../../../claim"),
        ("/claims", None),
        ("/api/claims/open", None),
        ("/api/order", None),
        ("/", None),
    ],
)
def test_a_changed_address_is_read_as_it_was_meant(path, meant):
    assert page.address_meant(path) == meant


def test_nothing_keeps_or_passes_on_the_page():
    headers = page.answer()["headers"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"


def test_every_language_says_everything_the_others_say():
    said = {name: json.loads((TEXTS / f"{name}.json").read_text()) for name in LANGUAGES}
    plain = {
        name: {key for key in texts if not re.search("_(one|two|few|many)$", key)}
        for name, texts in said.items()
    }
    assert plain["en"] == plain["fr"] == plain["ar"]
    for key in plain["en"]:
        wanted = set(re.findall(r"\{\w+\}", said["en"][key]))
        assert all(set(re.findall(r"\{\w+\}", said[name][key])) == wanted for name in LANGUAGES)


def test_the_session_s_cookie_is_for_this_link_and_host_alone():
    cookie = claim_request.session_cookie(TOKEN, "secret")
    assert cookie == (
        f"__Host-claim-{hash_token(TOKEN)[:16]}=secret; "
        "Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Strict"
    )


def request(body, **event):
    return {
        "body": json.dumps(body),
        "requestContext": {"http": {"sourceIp": "192.0.2.7"}},
        **event,
    }


def test_a_request_finds_its_own_session_among_others():
    mine = claim_request.session_cookie(TOKEN, "mine").split(";")[0]
    other = claim_request.session_cookie("u" * 43, "theirs").split(";")[0]
    claim, _ = claim_request.read(request({"token": TOKEN}, cookies=[other, mine]))
    assert claim.session == "mine"
    assert claim_request.read(request({"token": TOKEN}, cookies=[other]))[0].session is None
    assert "mine" not in repr(claim)
    assert TOKEN not in repr(claim)


@pytest.mark.parametrize(
    "body", [{}, {"token": 1}, {"token": TOKEN, "x": 1}, {"token": TOKEN, "page": -1}]
)
def test_a_request_that_is_none_is_refused(body):
    with pytest.raises(InvalidRequest):
        claim_request.read(request(body))


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "with space" * 5])
def test_a_repeat_key_must_be_hard_to_guess(key):
    with pytest.raises(InvalidRequest):
        claim_request.repeat_key({"headers": {"idempotency-key": key}})


def test_an_address_is_shown_so_that_its_owner_alone_knows_it():
    assert masked("ada.lovelace@mail.example.com") == "a•••@m•••.com"
