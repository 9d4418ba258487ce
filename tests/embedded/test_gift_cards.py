"""Gift cards on the deployed template: the main path, races, and the roles' limits.

I10: many tills redeem one card at once. On moto they would take turns in one interpreter; here they
race over HTTP for a table in another process, which resolves the races as DynamoDB does. As many
Lambdas at once are more than two cores can start: that race runs in this process, a smaller one in
theirs.
"""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from cardvault.core.clock import utc_now
from cardvault.errors import InsufficientFunds, TooManyWriters
from local.clients.gift_cards import GIFT_SCOPES, GiftProgram
from tests.support.aimed import aimed_at
from tests.support.giftcards import GiftShop

RACERS = int(os.environ.get("RACERS", "64"))


@pytest.fixture(scope="session")
def program(vault) -> GiftProgram:
    shop = vault.shop("gift shop", scopes=GIFT_SCOPES)
    return GiftProgram.create(vault, shop)


@pytest.fixture
def gifts(vault):
    """The module itself, in this process, on the stack's table."""
    with aimed_at(vault.stack) as settings:
        yield GiftShop.open(settings, utc_now)


@pytest.fixture
def card(program):
    return program.active_card("100.00")


def test_the_main_path_ends_in_the_details_of_the_published_api(program):
    card = program.active_card("100.00", customerName="John Doe", designTemplate="birthday")
    program.redeem(card["id"], "25.50", uuid.uuid4().hex).raise_for_status()
    answer = program.details(card["id"], include_transactions="true")
    shown = answer.json()
    assert (shown["status"], shown["balance"]) == ("active", 74.5)
    assert '"balance":74.50,"initialValue":100.00' in answer.text
    types = [entry["transactionType"] for entry in shown["transactions"]]
    assert types == ["REDEMPTION", "ACTIVATION", "PURCHASE"]


def test_i10_concurrent_redemptions_never_overdraw(gifts):
    """100.00 covers 20 redemptions of 5.00, and no 21st."""
    card = gifts.active("100.00")

    def redeem(till):
        return outcome(gifts, card["id"], f"till-{till}")

    with ThreadPoolExecutor(RACERS) as tills:
        ends = list(tills.map(redeem, range(RACERS)))
    refused = [end for end in ends if end == "INSUFFICIENT_FUNDS"]
    assert (len(refused), len(ends)) == (RACERS - 20, RACERS)
    shown = gifts.details(card["id"], transactions=True)
    assert (shown["status"], shown["balance"]) == ("depleted", 0)
    after = [entry["balanceAfter"] for entry in shown["transactions"]]
    assert after == [*range(0, 101, 5), 0]
    assert gifts.verify() == []


def test_i10_repeats_at_once_move_money_once_and_all_get_the_first_answer(gifts):
    card = gifts.active("100.00")

    def redeem(_):
        return outcome(gifts, card["id"], "one-key")

    with ThreadPoolExecutor(RACERS) as tills:
        ends = list(tills.map(redeem, range(RACERS)))
    assert all(end == ends[0] for end in ends)
    assert ends[0]["remainingBalance"] == 95
    assert gifts.details(card["id"])["balance"] == 95
    assert gifts.verify() == []


def test_i10_racing_lambdas_never_overdraw(program, card, vault):
    keys = [uuid.uuid4().hex for _ in range(12)]
    with ThreadPoolExecutor(4) as tills:
        answers = list(
            tills.map(lambda key: program.redeem_with_retries(card["id"], "10.00", key), keys)
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [400] * 2
    assert program.details(card["id"]).json()["status"] == "depleted"
    assert vault.operate("VerifyLedgerFunction")["differences"] == []


def outcome(gifts, card_id, key):
    """The answer to a redemption of 5.00, asked for until there is one."""
    while True:
        try:
            return gifts.redeem(card_id, "5.00", key=key)
        except TooManyWriters:
            continue
        except InsufficientFunds as refusal:
            return refusal.code


def test_i6_another_tenant_and_a_missing_scope_see_nothing(program, card, vault):
    stranger = GiftProgram(
        vault.shop("other", scopes=GIFT_SCOPES).user(), program.program_id, program.program
    )
    assert stranger.details(card["id"]).status_code == 404
    assert program.details("0" * 24).json()["code"] == stranger.details(card["id"]).json()["code"]
    reader = GiftProgram(
        program.shop.user(scope="giftcards:read"), program.program_id, program.program
    )
    assert reader.details(card["id"]).status_code == 200
    assert reader.redeem(card["id"], "1.00", "k").status_code == 403


def test_a_balance_check_needs_no_login(program, card):
    code = program.post(f"cards/{card['id']}/resend-code").json()["securityCode"]
    answer = program.check_balance(card["cardNumber"], code)
    assert (answer.status_code, answer.json()["balance"]) == (200, 100)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert program.check_balance(card["cardNumber"], wrong).status_code == 404


def test_a_shops_server_checks_balances_with_its_token_past_the_count_of_its_address(program, card):
    code = program.post(f"cards/{card['id']}/resend-code").json()["securityCode"]
    asked = {"cardNumber": card["cardNumber"], "securityCode": code}
    answers = [program.post("cards/balance-check", **asked).status_code for _ in range(7)]
    assert answers == [200] * 7


def test_i11_each_role_can_do_all_of_its_job(program, vault):
    """The stack's IAM is on: a right that a role lacks shows here."""

    def done(answer):
        assert answer.status_code < 300, answer.text
        return answer.json()

    one, two = program.active_card("50.00"), program.active_card("50.00")
    card = f"cards/{one['id']}"
    code = done(program.post(f"{card}/resend-code"))["securityCode"]
    moved = {"securityCode": code, "destinationCardNumber": two["cardNumber"], "amount": 5}
    done(program.post(f"{card}/transfer", **moved))
    hold = done(program.post(f"{card}/holds", amount=5))["holdId"]
    taken = done(program.post(f"{card}/holds/{hold}/capture"))["transactionId"]
    done(program.post(f"{card}/transactions/{taken}/refund", amount=1))
    done(program.post("cards/reload-by-number", cardNumber=one["cardNumber"], amount=1))
    done(program.post(f"{card}/adjustments", amount=-1, reason="counted twice"))
    done(program.post(f"{card}/suspend", reason="lost"))
    done(program.post(f"{card}/unsuspend"))
    numbers = [one["cardNumber"], two["cardNumber"]]
    done(program.post("consolidate", cardNumbers=numbers, merchantId="m1"))
    done(program.post("cards/bulk", initialValue=1, merchantId="m1", count=40))
    listed = program.user.call("GET", f"{program.path}/cards", params={"limit": "100"})
    assert len(done(listed)["cards"]) >= 43
    found = program.user.call("GET", f"{program.path}/search", params={"q": numbers[0]})
    assert [card["status"] for card in done(found)["cards"]] == ["voided"]
    exported = program.user.call("GET", f"{program.path}/{card}/transactions.csv")
    assert exported.text.count("\r\n") == 13  # the header and 12 entries
    assert vault.operate("ExpireGiftCardsFunction") == {"posted": 0, "more": False}
    assert vault.operate("VerifyLedgerFunction")["differences"] == []
