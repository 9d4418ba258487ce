"""Every way into the customer's hands, and every refusal on the way."""

from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from cardvault import errors
from tests.roles import orders
from tests.support.stage import CUSTOMER, MALLORY, Answer, Stage, fresh_key, http_event

OPEN, CODE, REDEEM = (f"POST /api/claims/{name}" for name in ("open", "code", "redeem"))
SHOW, FILE, RENEW = (f"POST /api/claims/{name}" for name in ("cards", "downloads", "renew"))
RESEND, DOWNLOAD = "POST /api/orders/{orderId}/emails", "POST /api/orders/{orderId}/downloads"
FETCH = "GET /api/download/{token}"
PASSED = 31.0  # seconds: longer than two mails, or two codes, must lie apart
REFUSED = ClientError(
    {
        "Error": {"Code": "MessageRejected", "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": 400},  # type: ignore[typeddict-item]
    },
    "SendEmail",
)
WRONG = "000000"
UNKNOWN = ReadTimeoutError(endpoint_url="https://email.invalid")


def _stored(stage: Stage, **delivery: Any) -> str:
    return orders.stored(stage, delivery={**orders.RECIPIENT, **delivery})


def _mailed(stage: Stage, **delivery: Any) -> tuple[str, dict[str, str]]:
    """An order, and the body of a claim with the link that was mailed for it."""
    order_id = _stored(stage, **delivery)
    stage.task("send_delivery_email", orderId=order_id)
    return order_id, {"token": stage.token()}


def _asks(link: dict[str, str]) -> dict[str, str]:
    return {**link, "email": CUSTOMER}


def _claimed(stage: Stage) -> tuple[str, dict[str, str], list[str]]:
    order_id, link = _mailed(stage)
    return order_id, link, _claim(stage, link)


def _claim(stage: Stage, link: dict[str, str]) -> list[str]:
    """The cookies of the browser that claimed it."""
    _ask(stage, "send_claim_code", CODE, 202, _asks(link))
    told = {**link, "code": stage.code()}
    answer = _ask(stage, "redeem_claim", REDEEM, 200, told, key=fresh_key())
    return [answer.cookies[0].partition(";")[0]]


def _ask(stage: Stage, function: str, route: str, wanted: int, body: Any, **more: Any) -> Answer:
    answer: Answer = stage.http(function, route, wanted, body=body, by=None, **more)
    return answer


def _sending(stage: Stage) -> None:
    order_id = _stored(stage)
    stage.fails("SendEmail", REFUSED)
    stage.task("send_delivery_email", errors.MailRefused, orderId=order_id)
    for _ in range(2):  # the first ends the link made before, the second sends nothing
        stage.task("send_delivery_email", orderId=order_id)

    lost = _stored(stage)
    stage.fails("SendEmail", UNKNOWN)
    for _ in range(2):
        stage.task("send_delivery_email", errors.MailOutcomeUnknown, orderId=lost)
    orders.attention(stage, lost, "MailOutcomeUnknown")

    refused = _stored(stage)
    stage.fails("SendEmail", REFUSED)
    stage.task("send_delivery_email", errors.MailRefused, orderId=refused)
    orders.attention(stage, refused, "MailRefused")
    stage.task("send_delivery_email", orderId=refused)


def _telling_of_refunds(stage: Stage) -> None:
    order_id = orders.placed(stage, delivery=orders.RECIPIENT)
    stage.task("record_outcome", orderId=order_id)
    stage.task("send_delivery_email", orderId=order_id)


def _resending(stage: Stage) -> None:
    order_id, _ = _mailed(stage)
    path = {"path": {"orderId": order_id}}
    stage.http("resend_email", RESEND, 404, body={}, by=MALLORY, **path)
    stage.wait(seconds=PASSED)
    stage.http("resend_email", RESEND, 202, body={}, **path)
    stage.wait(seconds=PASSED)
    corrected = {"email": "ada.corrected@example.com"}
    stage.http("resend_email", RESEND, 202, body=corrected, scope="orders:correct", **path)
    for error in (REFUSED, UNKNOWN):
        stage.wait(seconds=PASSED)
        stage.fails("SendEmail", error)
        answer = stage.call("resend_email", http_event(RESEND, body={}, **path))
        assert answer["statusCode"] >= 500
    stage.wait(seconds=PASSED)
    stage.http("resend_email", RESEND, 202, body={}, **path)  # and out of attention


def _claiming(stage: Stage) -> None:
    _, link = _mailed(stage)
    for _ in range(2):
        _ask(stage, "open_claim", OPEN, 200, link)
    stage.fails("SendEmail", REFUSED)
    answer = stage.call("send_claim_code", http_event(CODE, body=_asks(link), by=None))
    assert answer["statusCode"] >= 500
    _ask(stage, "send_claim_code", CODE, 429, _asks(link))
    stage.wait(seconds=PASSED)
    _ask(stage, "redeem_claim", REDEEM, 400, {**link, "code": WRONG})
    cookies = _claim(stage, link)
    _ask(stage, "open_claim", OPEN, 200, link, cookies=cookies)
    _ask(stage, "reveal_claimed_cards", SHOW, 200, link, cookies=cookies)
    _ask(stage, "reveal_claimed_cards", SHOW, 404, link)
    _ask(stage, "serve_claim_page", "GET /claim", 200, None)
    _ask(stage, "serve_claim_page", "$default", 404, None)

    _, guessed = _mailed(stage)
    for _ in range(4):
        _ask(stage, "redeem_claim", REDEEM, 400, {**guessed, "code": WRONG})
    _ask(stage, "redeem_claim", REDEEM, 404, {**guessed, "code": WRONG})  # locked

    secret = {"protection": "passcode", "passcode": "blue whale"}
    _, link = _mailed(stage, **secret)
    _ask(stage, "redeem_claim", REDEEM, 200, {**link, "code": "blue whale"}, key=fresh_key())


def _claiming_what_is_over(stage: Stage) -> None:
    order_id, link, cookies = _claimed(stage)
    for function, route in (
        ("open_claim", OPEN),
        ("send_claim_code", CODE),
        ("redeem_claim", REDEEM),
        ("reveal_claimed_cards", SHOW),
        ("download_claimed_cards", FILE),
    ):
        _ask(stage, function, route, 404, {**link, "code": WRONG})
    live, claim = _mailed(stage)
    for function, route in (("reveal_claimed_cards", SHOW), ("download_claimed_cards", FILE)):
        _ask(stage, function, route, 404, claim)  # not claimed yet
    for shredded in (order_id, live):
        path = {"orderId": shredded}
        stage.http("shred_cards", orders.SHRED, 200, path=path)
    _ask(stage, "reveal_claimed_cards", SHOW, 404, link, cookies=cookies)
    _ask(stage, "download_claimed_cards", FILE, 404, link, cookies=cookies)
    for function, route in (("open_claim", OPEN), ("send_claim_code", CODE)):
        _ask(stage, function, route, 404, claim)


def _renewing(stage: Stage) -> None:
    _, link, _ = _claimed(stage)
    stage.wait(seconds=PASSED)
    _ask(stage, "renew_claim", RENEW, 202, link)
    _ask(stage, "renew_claim", RENEW, 202, {"token": "x" * 43})
    for error in (REFUSED, UNKNOWN):
        order_id, link, _ = _claimed(stage)
        stage.wait(seconds=PASSED)
        stage.fails("SendEmail", error)
        _ask(stage, "renew_claim", RENEW, 202, link)
        if error is REFUSED:
            orders.attention(stage, order_id, "MailRefused")
        # The link made for it was never seen; the shop's next mail brings another, which is used.
        stage.wait(seconds=PASSED)
        stage.http("resend_email", RESEND, 202, body={}, path={"orderId": order_id})
        link = {"token": stage.token()}
        _claim(stage, link)
        orders.attention(stage, order_id, "MailRefused")
        stage.wait(seconds=PASSED)
        _ask(stage, "renew_claim", RENEW, 202, link)


def _downloading(stage: Stage) -> None:
    order_id = orders.stored(stage)
    path = {"orderId": order_id}
    made = stage.http("create_download", DOWNLOAD, 201, path=path)
    stage.http("create_download", DOWNLOAD, 404, path=path, by=MALLORY)
    _fetch(stage, made, 303, fresh_key())
    _fetch(stage, made, 404)

    key = fresh_key()
    made = stage.http("create_download", DOWNLOAD, 201, path=path)
    for _ in range(2):  # the same caller again, whose answer may have been lost
        _fetch(stage, made, 303, key)
    made = stage.http("create_download", DOWNLOAD, 201, path=path)
    stage.http("shred_cards", orders.SHRED, 200, path=path)
    _fetch(stage, made, 404)
    stage.http("create_download", DOWNLOAD, 410, path=path)

    _, link, cookies = _claimed(stage)
    made = _ask(stage, "download_claimed_cards", FILE, 201, link, cookies=cookies)
    _fetch(stage, made, 303, fresh_key())
    stage.wait(minutes=10)
    stage.task("sweep_downloads")


def _fetch(stage: Stage, made: Answer, wanted: int, key: str | None = None) -> None:
    token = made["downloadUrl"].rpartition("/")[2]
    stage.http("redeem_download", FETCH, wanted, path={"token": token}, by=None, key=key)


def _hearing_of_mail(stage: Stage) -> None:
    _mailed(stage)
    tags = stage.tags()
    for outcome, told in (
        ("Delivery", {}),
        ("Reject", {}),
        ("Bounce", {"bounce": {"bounceType": "Transient", "bounceSubType": "MailboxFull"}}),
        ("Complaint", {"complaint": {"complaintFeedbackType": "abuse"}}),
        ("Bounce", {"bounce": {"bounceType": "Permanent", "bounceSubType": "General"}}),
    ):
        for address in (CUSTOMER, "ada.before@example.com"):
            mail = {"destination": [address], "tags": tags}
            detail = {"eventType": outcome, "mail": mail, **told}
            stage.task("handle_email_event", detail=detail)
    # Nobody writes to that address, until the shop gives it again on purpose.
    suppressed = _stored(stage)
    stage.task("send_delivery_email", errors.AddressSuppressed, orderId=suppressed)
    again = {"email": CUSTOMER}
    path = {"orderId": suppressed}
    stage.http("resend_email", RESEND, 202, body=again, path=path, scope="orders:correct")


SCENARIOS = (
    _sending,
    _telling_of_refunds,
    _resending,
    _claiming,
    _claiming_what_is_over,
    _renewing,
    _downloading,
    _hearing_of_mail,
)
