"""I3, I4, I7, I9, I10: whichever call dies at whichever boundary, it ends as if none had.

Every scenario of the roles' tests is played; each call of a function that writes dies at each
boundary of each AWS, SES and supplier call that it makes, killed or without an answer, and is
repeated as the workflow, the schedule, the stream or the client does. A boundary that was come by
on the same way before is played once; CRASH_POINTS=all plays it wherever it is.
"""

import contextlib
import os
import uuid
from dataclasses import dataclass

import pytest

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.errors import CardvaultError
from cardvault.fulfilment.place import PlaceOrder
from cardvault.giftcards.ledger.idempotency import IdempotentRequest
from cardvault.mail.send import OrderMailer
from cardvault.orders import store
from cardvault.orders.store import Edit
from tests.roles.scenarios import SCENARIOS
from tests.support.crashing import MAIL, PLACEMENT, CrashingStage, Finding, Moment, writes
from tests.support.stage import staged

# What may be otherwise after a function died, or a person settled something; and why.
REPEATED = "the audit trail tells of each try"
RESENT = "a person, or the customer, has it sent again, which ends the link before"
A_PERSON_SEES = "a person runs it and sees two"
EXPECTED = {
    PLACEMENT: {
        "too much: ORDER_PLACING": REPEATED,
        "too much: ORDER_NEEDS_ATTENTION": "the supplier knows no order, and a person confirms it",
    },
    MAIL: {
        "too much: EMAIL_RESENT": REPEATED,
        "too much: EMAIL_UNKNOWN": REPEATED,
        "too much: mailed": RESENT,
        "'state': 'replaced'": RESENT,
    },
    "store_cards": {"too much: CARDS_STORING": REPEATED},
    "reveal_cards": {"too much: CARDS_DELIVERED": REPEATED},
    "reveal_claimed_cards": {"too much: CARDS_DELIVERED": REPEATED},
    "resend_email": {
        "too much: EMAIL_": REPEATED,
        "too much: mailed": RESENT,
        "'state': 'replaced'": RESENT,
    },
    "renew_claim": {
        "too much: EMAIL_": REPEATED,
        "too much: mailed": RESENT,
        "'state': 'replaced'": RESENT,
    },
    "send_claim_code": {"too much: CODE_": REPEATED, "too much: mailed": "the customer asks again"},
    "create_download": {"too much": "nobody was told of the first file, which is swept"},
    "download_claimed_cards": {"too much": "nobody was told of the first file, which is swept"},
    "redeem_download": {"too much: DOWNLOAD_REPEATED": REPEATED},
    "reconcile_orders": {
        "missing: ORDER_RESTARTED": "Step Functions' own history has the execution",
        "'sealedCards': 'bytes', 'sk': 'CARDS#": "pages of a broken attempt go with the next one",
    },
    "manage_program": {"too much: GiftProgramsTable": A_PERSON_SEES},
    "manage_client": {"too much: ApiClientsTable": A_PERSON_SEES},
    "manage_gift_card": {
        "answered": "suspend and unsuspend have no Idempotency-Key: a repeat is refused",
        "too much: GiftCardsTable {'amount': '0',": "nor has transfer-ownership: an entry of 0",
        "'entrySeq': ": "which its card counts",
    },
}

# A way of playing that finds nothing proves nothing: so many at least are come by.
FEWEST_BOUNDARIES, FEWEST_PLAYS = 2_500, 1_000


@dataclass
class Played:
    stage: CrashingStage
    findings: dict[str, list[Finding]]


@pytest.fixture(scope="module")
def played() -> Played:
    """Every scenario on the same account, which is as new before each."""
    with staged(CrashingStage) as stage:
        stage.plays_all = os.environ.get("CRASH_POINTS") == "all"
        played, fresh = Played(stage, {}), Moment.of(stage)
        for name, scenario in SCENARIOS.items():
            fresh.put_back(stage)
            stage.findings = []
            scenario(stage)
            played.findings[name] = stage.findings
    return played


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_i3_i4_i7_i9_i10_a_call_that_died_and_is_repeated_ends_as_one_that_did_not(
    played, scenario
):
    assert [one for one in played.findings[scenario] if not is_expected(one)] == []


def is_expected(finding: Finding) -> bool:
    reasons = EXPECTED.get(finding.settled, {}) | EXPECTED.get(finding.path[0], {})
    return any(part in finding.difference for part in reasons)


def test_what_is_expected_to_differ_does(played):
    findings = [one for some in played.findings.values() for one in some]
    idle = [
        (where, part)
        for where, parts in EXPECTED.items()
        for part in parts
        if not any(
            where in {one.settled, one.path[0]} and part in one.difference for one in findings
        )
    ]
    assert idle == []


def test_every_function_that_writes_died(played, record_property):
    account, stage = played.stage.account, played.stage
    folders = {name: folder for folder, name in account.functions.items()}
    of_refusals_alone = {"get_order", "get_audit_trail"}
    writing = {
        folders[function]
        for function, calls in stage.recorder.calls.items()
        if any(writes(call.operation) for call in calls)
    }
    assert writing - {path[0] for path in stage.played} == of_refusals_alone
    assert stage.points >= FEWEST_BOUNDARIES
    assert len(stage.played) >= FEWEST_PLAYS
    told = f"died {len(stage.played)} times, at {stage.points} boundaries of calls"
    record_property("summary", f"crash injection: {told}")


# --- a protection that is taken out is found ------------------------------------------------------


def mail_without_a_look(mailer, order_id):
    edit = Edit(store.find(order_id), mailer.clock())
    sent = edit.order.emailed_at is not None
    return None if sent else mailer.prepare(edit, Event(EventName.EMAIL_SENDING, method="email"))


def place_without_a_look(place, order_id, attempt, _):
    edit = Edit(store.find(order_id), place.clock())
    if edit.order.supplier_order_id is None:
        edit.commit(Event(EventName.ORDER_PLACING), placing_at=edit.timestamp)
    return edit.order


ANOTHER_EACH_TIME = property(lambda _: uuid.uuid4().hex)


@pytest.mark.parametrize(
    ("scenario", "where", "name", "instead", "found"),
    [
        ("telling_of_refunds", OrderMailer, "_prepare_delivery", mail_without_a_look, "mailed"),
        ("looking", PlaceOrder, "_note_intent", place_without_a_look, "bought"),
        ("gift_cards_spending", IdempotentRequest, "sort_key", ANOTHER_EACH_TIME, "'balance'"),
    ],
)
def test_a_protection_that_is_taken_out_is_missed(
    monkeypatch, scenario, where, name, instead, found
):
    with staged(CrashingStage) as stage:
        monkeypatch.setattr(where, name, instead)
        # It may go wrong in other ways too, and then the scenario breaks off.
        with contextlib.suppress(AssertionError, CardvaultError):
            SCENARIOS[scenario](stage)
    missed = [one.difference for one in stage.findings if not is_expected(one)]
    assert any(found in difference for difference in missed)
