"""Delivery on the embedded stack: mail, claim and download through the deployed template."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
import requests

from cardvault.claims.min_response_time import MinResponseTime
from cardvault.core.clock import to_text, utc_now
from cardvault.orders.records import ORDER_KEY
from local.cardvault import MAIL_SENDER
from tests.embedded.gaps.helpers import finished
from tests.support.claiming import ordered, stored
from tests.support.template import ROOT

pytestmark = pytest.mark.embedded
TIMEOUT_S = 120


def told(user, order_id):
    events = user.get(order_id, "/audit", limit=500).json()["events"]
    return [event["event"] for event in events]


def fetched(vault, path, **headers):
    url = vault.api_url + path
    return requests.get(url, headers=headers, allow_redirects=False, timeout=TIMEOUT_S)


def made(user, order_id, **body):
    answer = user.call("POST", f"/api/orders/{order_id}/downloads", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["downloadUrl"]


@pytest.fixture
def customer(vault, alice):
    return ordered(vault, alice, name="Ada", shopName="Corner Shop")


def test_an_order_comes_all_the_way_into_the_customer_s_hands(vault, alice, customer):
    order = alice.get(customer.order_id).json()
    assert (order["status"], order["emailStatus"]) == ("fulfilled", "sent")
    opened = customer.post("open").json()
    assert (opened["shop"], opened["cardCount"], opened["claimed"]) == ("Corner Shop", 3, False)
    cookie = customer.claim()
    cards = customer.post("cards", cookie=cookie).json()["cards"]
    sold = vault.supplier.codes(order["supplierOrderId"])
    assert [card["code"] for card in cards] == [card["value"] for card in sold]
    events = told(alice, customer.order_id)
    assert events[-6:] == [
        "EMAIL_SENDING",
        "EMAIL_SENT",
        "LINK_OPENED",
        "CODE_SENT",
        "LINK_CLAIMED",
        "CARDS_DELIVERED",
    ]


def test_i1_no_mail_holds_a_code(vault, alice, customer):
    customer.claim()
    order = alice.get(customer.order_id).json()
    codes = vault.supplier.codes(order["supplierOrderId"])
    secrets = [text for card in codes for text in card.values() if text]
    mails = customer.mailbox.mails(customer.address)
    assert len(mails) == 2
    for part in (part for mail in mails for part in (mail.subject, mail.text, mail.html)):
        assert not [secret for secret in secrets if secret in part]


def test_i5_get_and_head_of_the_link_consume_nothing(customer):
    for method in ("HEAD", "GET", "GET"):
        answer = requests.request(method, customer.link, timeout=TIMEOUT_S)
        assert answer.status_code == 200
    assert customer.post("open").json()["claimed"] is False


def test_the_page_and_its_answers_are_kept_by_nobody(customer):
    page = requests.get(customer.link, timeout=TIMEOUT_S).headers
    assert page["Content-Security-Policy"].startswith("default-src 'none'; script-src 'sha256-")
    assert page["X-Robots-Tag"] == "noindex"
    for headers in (page, customer.post("open").headers, customer.post("open", "A" * 43).headers):
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_the_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(customer):
    token = customer.token
    customer.post("code", token, email=customer.address)
    cookie = customer.post("redeem", token, code=customer.code).headers["Set-Cookie"]
    assert cookie.startswith("__Host-claim-")
    for flag in ("Max-Age=600", "Path=/", "HttpOnly", "Secure", "SameSite=Strict"):
        assert flag in cookie


def test_every_dead_link_gets_the_same_answer(vault, alice, customer):
    used = customer.token
    customer.claim()
    unknown = customer.post("open", "A" * 43)
    spent = customer.post("open", used)
    for answer in (unknown, spent):
        assert answer.status_code == 404
    ours = [{**answer.json(), "requestId": ""} for answer in (unknown, spent)]
    assert ours[0] == ours[1]


def test_a_dead_link_and_an_unknown_one_are_refused_no_earlier_than_the_minimum(customer):
    """I6. That both wait for the same moment is held by a clock, in tests/store/test_claims.py."""
    used = customer.token
    customer.claim()
    for token in ("A" * 43, used):
        began = time.monotonic()
        assert customer.post("open", token).status_code == 404
        assert time.monotonic() - began >= MinResponseTime().floor_s


def test_i5_one_of_many_browsers_wins_the_claim(customer):
    token = customer.token
    customer.post("code", token, email=customer.address)
    code = customer.code
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: customer.post("redeem", token, code=code), range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 11


@pytest.mark.parametrize("file_format", ["txt", "xlsx", "csv", "json"])
def test_a_file_is_fetched_once(vault, alice, customer, file_format):
    path = made(alice, customer.order_id, format=file_format)
    answer = fetched(vault, path)
    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    file = requests.get(answer.headers["Location"], timeout=TIMEOUT_S)
    assert file.status_code == 200
    name = f"cards-{customer.order_id}.{file_format}"
    assert file.headers["Content-Disposition"].startswith(f'attachment; filename="{name}"; ')
    again = fetched(vault, path)
    assert (again.status_code, again.json()["error"]) == (404, "Download link expired")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"Range": "bytes=0-0"},
    ],
)
def test_i5_a_probe_does_not_spend_a_download(vault, alice, customer, headers):
    path = made(alice, customer.order_id)
    assert requests.head(vault.api_url + path, timeout=TIMEOUT_S).status_code == 404
    assert fetched(vault, path, **headers).status_code == 400
    assert fetched(vault, path).status_code == 303


def test_a_tampered_or_stretched_address_is_refused(vault, alice, customer):
    location = fetched(vault, made(alice, customer.order_id)).headers["Location"]
    parts = urlsplit(location)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    changes = (
        {"X-Amz-Signature": "0" * 64},
        {"X-Amz-Expires": "604800"},
        {"response-content-disposition": "inline"},
        {"response-cache-control": "public"},
        # as it would be an hour after it was signed
        {"X-Amz-Date": "20200101T000000Z"},
    )
    for change in changes:
        changed = urlunsplit(parts._replace(query=urlencode({**query, **change})))
        assert requests.get(changed, timeout=TIMEOUT_S).status_code == 403


def test_a_claimant_downloads_and_a_stranger_does_not(vault, customer):
    cookie = customer.claim()
    assert customer.post("downloads", format="txt").status_code == 404
    made_url = customer.post("downloads", cookie=cookie, format="txt").json()["downloadUrl"]
    assert fetched(vault, made_url).status_code == 303


def test_the_sweep_runs(vault, alice, customer):
    path = made(alice, customer.order_id)
    assert vault.operate("SweepDownloadsFunction")["deleted"] >= 0
    assert fetched(vault, path).status_code == 303  # it was not old enough


def test_a_resend_replaces_the_link(vault, shop, alice, customer):
    path = f"/api/orders/{customer.order_id}/emails"
    early = alice.call("POST", path, json={})
    assert (early.status_code, early.json()["code"]) == (429, "TOO_SOON")
    assert early.headers["Retry-After"] == "30"


def mailed_a_minute_ago(vault, customer):
    """Rather than wait: the spacing of mails is counted from here."""
    vault.stack.client("dynamodb").update_item(
        TableName=vault.stack.outputs["OrdersTable"],
        Key={"orderId": {"S": customer.order_id}, "sk": {"S": ORDER_KEY}},
        UpdateExpression="SET emailedAt = :then",
        ExpressionAttributeValues={":then": {"S": to_text(utc_now() - timedelta(minutes=1))}},
    )


def test_after_half_a_minute_the_shop_resends_and_the_holder_of_a_used_link_renews(vault, alice):
    resent, renewed = ordered(vault, alice), ordered(vault, alice)
    old, used = resent.token, renewed.token
    renewed.claim()
    for customer in (resent, renewed):
        mailed_a_minute_ago(vault, customer)
    path = f"/api/orders/{resent.order_id}/emails"
    corrected = f"corrected-{resent.address}"
    assert alice.call("POST", path, json={"email": corrected}).status_code == 202
    assert resent.post("open", old).status_code == 404
    resent.address = corrected
    assert resent.post("open").status_code == 200
    assert renewed.post("renew", used).status_code == 202
    assert renewed.token != used
    assert renewed.post("open").status_code == 200
    assert renewed.post("renew", "A" * 43).json() == renewed.post("renew", used).json()


def test_a_partial_fill_is_told(vault, alice):
    customer = ordered(vault, alice, "TEST_PARTIAL")
    mail = customer.mailbox.last(customer.address)
    assert "could not be supplied" in mail.text
    assert customer.post("open").json()["missingCount"] > 0


def test_a_refund_is_told_without_a_link(vault, alice):
    customer = ordered(vault, alice, "TEST_REFUND")
    (mail,) = customer.mailbox.mails(customer.address)
    assert mail.link is None
    assert "could not be filled" in mail.subject


def test_an_order_without_an_address_is_mailed_to_nobody(vault, alice, key):
    made_order = alice.order(key, productId="P1", typeId="PSN-500", quantity=1).json()
    order = alice.settled(made_order["orderId"])
    assert "emailedAt" not in order
    assert "EMAIL_SENDING" not in told(alice, order["orderId"])


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"; DROP TABLE', "=cmd()", "Ada Bcc: eve"]
)
def test_a_name_is_a_name(vault, alice, name):
    customer = ordered(vault, alice, name=name, shopName=name)
    mail = customer.mailbox.last(customer.address)
    assert "<script>" not in mail.html
    assert len(mail.subject.splitlines()) == 1
    assert customer.post("open").json()["shop"] == name


def test_what_ses_tells_reaches_the_order(vault, alice, customer):
    """Nobody may send events in the name of aws.ses, so the rule and its target are asked apart."""
    text = (ROOT / "events/mail/handle_email_event/bounce.json").read_text()
    text = text.replace("ORDER_ID", customer.order_id).replace("TO_ADDRESS", customer.address)
    text = text.replace("MAIL_ID", stored(vault, customer.order_id)["mailId"]["S"])
    events = vault.stack.client("events")
    rules = events.list_rules()["Rules"]
    (rule,) = [rule for rule in rules if "aws.ses" in rule.get("EventPattern", "")]
    other = text.replace("cardvault-mail", "somebody-elses")
    for event, matches in ((text, True), (other, False)):
        asked = {"EventPattern": rule["EventPattern"], "Event": event}
        assert events.test_event_pattern(**asked)["Result"] is matches
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    vault.stack.client("lambda").invoke(FunctionName=target["Arn"], Payload=text)
    assert alice.get(customer.order_id).json()["emailStatus"] == "bounced"
    assert told(alice, customer.order_id)[-1] == "EMAIL_BOUNCED"


# --- mail that is not sent shows, and is settled by mail that is


@pytest.fixture
def ses_refuses(vault):
    """SES does not know the sender until `mend` is called."""
    ses, sender = vault.stack.client("sesv2"), {"EmailIdentity": MAIL_SENDER}
    ses.delete_email_identity(**sender)
    mended = []

    def mend():
        if not mended:
            mended.append(ses.create_email_identity(**sender))

    yield mend
    mend()


def resent(user, order_id, **body):
    return user.call("POST", f"/api/orders/{order_id}/emails", json=body)


@pytest.mark.parametrize(
    ("type_id", "status"),
    [("PSN-500", "fulfilled"), ("TEST_PARTIAL", "partially_filled"), ("TEST_REFUND", "refunded")],
)
def test_mail_that_ses_refuses_needs_a_person_and_a_resend_settles_it(
    vault, alice, ses_refuses, type_id, status
):
    customer = ordered(vault, alice, type_id)
    order = alice.get(customer.order_id).json()
    assert (order["status"], order["attentionReason"]) == ("attention", "MAIL_REFUSED")
    executions = vault.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    step_functions = vault.stack.client("stepfunctions")
    execution = finished(step_functions, f"{executions}:{customer.order_id}")
    assert execution["status"] == "FAILED", "which is what the alarm counts"
    if status != "refunded":
        assert alice.get(customer.order_id, "/cards").status_code == 200
    assert resent(alice, customer.order_id).status_code >= 400
    ses_refuses()
    assert resent(alice, customer.order_id).status_code == 202
    order = alice.get(customer.order_id).json()
    assert (order["status"], order["emailStatus"]) == (status, "sent")
    assert "attentionReason" not in order
    assert len(customer.mailbox.mails(customer.address)) == 1


def test_mail_to_a_suppressed_address_needs_a_person_and_a_correction_settles_it(
    vault, alice, customer
):
    text = (ROOT / "events/mail/handle_email_event/bounce.json").read_text()
    text = text.replace("ORDER_ID", customer.order_id).replace("TO_ADDRESS", customer.address)
    text = text.replace("MAIL_ID", stored(vault, customer.order_id)["mailId"]["S"])
    rules = vault.stack.client("events")
    (rule,) = [r for r in rules.list_rules()["Rules"] if "aws.ses" in r.get("EventPattern", "")]
    (target,) = rules.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    vault.stack.client("lambda").invoke(FunctionName=target["Arn"], Payload=text)
    second = ordered(vault, alice, email=customer.address)
    order = alice.get(second.order_id).json()
    assert (order["status"], order["attentionReason"]) == ("attention", "ADDRESS_SUPPRESSED")
    assert alice.get(second.order_id, "/cards").status_code == 200
    refused = resent(alice, second.order_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "ADDRESS_SUPPRESSED")
    corrected = f"corrected-{customer.address}"
    assert resent(alice, second.order_id, email=corrected).status_code == 202
    order = alice.get(second.order_id).json()
    assert (order["status"], order.get("attentionReason")) == ("fulfilled", None)
    assert len(customer.mailbox.mails(corrected)) == 1
