"""I3, I4, I7, I9, I10: whichever call dies at whichever boundary, it ends as if none had.

Every scenario of the roles' tests is played; each call of a function that writes dies at each
boundary of each AWS, SES and supplier call that it makes, killed or without an answer, and is
repeated as the workflow, the schedule, the stream or the client does. A boundary that was come by
on the same way before is played once; CRASH_POINTS=all plays it wherever it is.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

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
        "missing: answered 200": "suspend and unsuspend have no Idempotency-Key,",
        "too much: answered 400": "so a repeat is refused",
        "too much: GiftCardsTable {'amount': '0',": "nor has transfer-ownership: an entry of 0",
    },
}

# A way of playing that finds nothing proves nothing: so many at least are come by.
FEWEST_BOUNDARIES, FEWEST_PLAYS = 2_500, 900


@dataclass
class Played:
    """Scenarios on one account, which is as new before each; each is played once."""

    stage: CrashingStage
    fresh: Moment
    findings: dict[str, list[Finding]] = field(default_factory=dict)

    def __getitem__(self, scenario: str) -> list[Finding]:
        if scenario not in self.findings:
            self.fresh.put_back(self.stage)
            self.stage.findings = []
            SCENARIOS[scenario](self.stage)
            self.findings[scenario] = self.stage.findings
        return self.findings[scenario]

    def all(self) -> list[Finding]:
        return [finding for scenario in SCENARIOS for finding in self[scenario]]


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    with staged(CrashingStage) as stage:
        stage.plays_all = os.environ.get("CRASH_POINTS") == "all"
        yield Played(stage, Moment.of(stage))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_i3_i4_i7_i9_i10_a_call_that_died_and_is_repeated_ends_as_one_that_did_not(
    played, scenario
):
    assert [one for one in played[scenario] if not is_expected(one)] == []


def is_expected(finding: Finding) -> bool:
    reasons = EXPECTED.get(finding.settled, {}) | EXPECTED.get(finding.path[0], {})
    return any(part in finding.difference for part in reasons)


def test_what_is_expected_to_differ_does(played):
    findings = played.all()
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
    played.all()
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
