"""Guessing a security code: one answer, few tries, and a trail of the refused (I6, I7)."""

from dataclasses import replace
from functools import partial

import pytest

from cardvault.audit import trail
from cardvault.audit.chain import head_of
from cardvault.aws import tables
from cardvault.errors import GiftCardNotFound, TooManyRequests, WrongSecurityCode
from cardvault.giftcards.queries import trail as cards_trail
from cardvault.giftcards.security import guard, vault
from cardvault.giftcards.security.guard import GuardRecord, find_guard, guard_key
from tests.support.chaining import chain_everything, first_break
from tests.support.giftcards import business


@pytest.fixture
def card(shop):
    made = shop.active("10.00")
    made["code"] = shop.do("resend-code", made["id"])["securityCode"]
    made["wrong"] = f"{(int(made['code']) + 1) % 10**6:06d}"
    return made


def many(check, times):
    """What each of several checks ended in; each from an address of its own."""
    ends = []
    for n in range(times):
        try:
            check(f"198.51.100.{n}")
            ends.append("ok")
        except (GiftCardNotFound, TooManyRequests) as error:
            ends.append(error.code)
    return ends


def test_number_and_code_tell_the_balance(shop, card):
    told = shop.check_balance(card["cardNumber"], card["code"])
    assert (told["id"], told["balance"], told["isActive"]) == (card["id"], 10, True)


def test_i6_unknown_and_wrong_are_one_answer_and_lock_alike(shop, card, clock):
    def wrong(ip):
        return shop.check_balance(card["cardNumber"], card["wrong"], ip)

    unknown_number = vault.new_number()

    def unknown(ip):
        return shop.check_balance(unknown_number, card["code"], ip)

    expected = ["GIFT_CARD_NOT_FOUND"] * 5 + ["TOO_MANY_REQUESTS"] * 2
    assert many(wrong, 7) == many(unknown, 7) == expected
    with pytest.raises(TooManyRequests) as caught:
        shop.check_balance(card["cardNumber"], card["code"], "203.0.113.1")
    assert caught.value.retry_after_s == 3601
    clock.advance(hours=1)
    assert shop.check_balance(card["cardNumber"], card["code"], "203.0.113.1")["balance"] == 10


def test_i6_a_card_of_another_program_is_unknown(shop, card):
    elsewhere = shop.another()
    with pytest.raises(GiftCardNotFound):
        elsewhere.check_balance(card["cardNumber"], card["code"])


def test_i6_unknown_and_wrong_cost_the_same_requests(shop, card, monkeypatch):
    def calls_of(number, code):
        from botocore.client import BaseClient

        seen, original = [], BaseClient._make_api_call

        def noting(client, operation, parameters):
            count = len(parameters.get("TransactItems", []))
            seen.append((operation, count))
            return original(client, operation, parameters)

        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", noting)
            with pytest.raises(GiftCardNotFound):
                shop.check_balance(number, code)
        return [call for call in seen if call[0] != "GetSecretValue"]

    unknown = calls_of(vault.new_number(), card["code"])
    wrong = calls_of(card["cardNumber"], card["wrong"])
    assert unknown == wrong
    assert ("TransactWriteItems", 2) in wrong


def transfer(shop, card, code):
    target = shop.active("1.00")
    number = target["cardNumber"]
    return shop.do(
        "transfer", card["id"], securityCode=code, destinationCardNumber=number, amount=1
    )


def test_the_public_cannot_lock_the_shop_out_nor_the_shop_the_public(shop, card):
    many(lambda ip: shop.check_balance(card["cardNumber"], card["wrong"], ip), 6)
    for _ in range(4):
        with pytest.raises(WrongSecurityCode):
            transfer(shop, card, card["wrong"])
    assert transfer(shop, card, card["code"])["success"]
    other = shop.active("10.00")
    code = shop.do("resend-code", other["id"])["securityCode"]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(5):
        with pytest.raises(WrongSecurityCode):
            transfer(shop, other, wrong)
    with pytest.raises(TooManyRequests):
        transfer(shop, other, code)
    assert shop.check_balance(other["cardNumber"], code)["balance"] == 10


@pytest.mark.parametrize("code", ["code", "wrong"])
def test_i7_who_locks_a_number_is_in_its_trail_whatever_program_was_named(shop, card, code):
    elsewhere = shop.another()
    ends = many(lambda ip: elsewhere.check_balance(card["cardNumber"], card[code], ip), 6)
    assert ends == ["GIFT_CARD_NOT_FOUND"] * 5 + ["TOO_MANY_REQUESTS"]
    told = list(trail.read_all(card["id"]))
    assert [event.event for event in told] == ["SECURITY_CODE_REFUSED"] * 5
    assert {event.ip_address for event in told} == {f"198.51.100.{n}" for n in range(5)}


def test_a_caller_may_ask_five_times_a_minute(shop, card, clock):
    for _ in range(5):
        shop.check_balance(card["cardNumber"], card["code"])
    with pytest.raises(TooManyRequests):
        shop.check_balance(card["cardNumber"], card["code"])
    clock.advance(minutes=1)
    shop.check_balance(card["cardNumber"], card["code"])


def test_a_client_with_a_token_has_a_count_of_its_own(shop, card, clock, monkeypatch):
    """Its customers are many, and all of them come from its one address (F38)."""
    monkeypatch.setattr(guard, "MOST_CHECKS_OF_A_CLIENT_PER_MINUTE", 7)
    ours = business(shop.program.tenant_id)
    check = partial(shop.check_balance, card["cardNumber"], card["code"])
    for _ in range(7):
        check(by=ours)
    with pytest.raises(TooManyRequests):
        check("203.0.113.9", by=ours)
    check(by=replace(ours, client_id="another-client"))
    assert check()["balance"] == 10
    clock.advance(minutes=1)
    check(by=ours)


def test_i6_a_token_finds_the_cards_of_its_tenant_alone(shop, card):
    with pytest.raises(GiftCardNotFound):
        shop.check_balance(card["cardNumber"], card["code"], by=business("b" * 24))
    chain_everything(card["id"])
    assert [event.event for event in trail.read(card["id"])] == ["SECURITY_CODE_REFUSED"]


def test_an_ipv6_subscriber_is_one_caller(shop, card):
    for n in range(5):
        shop.check_balance(card["cardNumber"], card["code"], f"2001:db8::{n:x}")
    with pytest.raises(TooManyRequests):
        shop.check_balance(card["cardNumber"], card["code"], "2001:db8::ffff")
    shop.check_balance(card["cardNumber"], card["code"], "2001:db8:0:1::1")


def test_i7_refused_codes_are_in_a_trail_that_holds(shop, card):
    for n in range(3):
        with pytest.raises(GiftCardNotFound):
            shop.check_balance(card["cardNumber"], card["wrong"], f"198.51.100.{n}")
    chain_everything(card["id"])
    events = list(trail.read(card["id"]))
    assert [event.event for event in events] == ["SECURITY_CODE_REFUSED"] * 3
    assert [event.ip_address for event in events][2] == "198.51.100.2"
    assert first_break(events, head_of(card["id"])) is None
    assert first_break(events[:2], head_of(card["id"])) is not None


def test_i7_a_cards_trail_is_printed_and_verified(shop, card, monkeypatch, capsys):
    def command(*cards):
        monkeypatch.setattr("sys.argv", ["trail", *cards])
        return cards_trail.main(), capsys.readouterr().out

    monkeypatch.setattr(cards_trail, "Settings", lambda: shop.settings)
    many(lambda ip: shop.check_balance(card["cardNumber"], card["wrong"], ip), 3)
    status, said = command(card["id"])
    assert (status, said.count("SECURITY_CODE_REFUSED")) == (0, 3)
    assert "3 not chained" in said
    chain_everything(card["id"])
    assert command() == (0, "the trail holds\n")
    list(trail.read(card["id"]))[1].delete()
    assert command() == (1, f"card {card['id']}, event 2: missing\n")
    assert command("0" * 24)[0] == 2


def test_a_guess_is_counted_before_it_is_answered(shop, card, monkeypatch):
    """A thousand guesses at once are five: each must win the count, or look again."""
    original, others = tables.commit, iter(range(1, 6))

    def commit(transaction):
        if (n := next(others, None)) is not None:
            with pytest.raises(GiftCardNotFound):
                shop.check_balance(card["cardNumber"], card["wrong"], f"203.0.113.{n}")
        original(transaction)

    monkeypatch.setattr(tables, "commit", commit)
    with pytest.raises(TooManyRequests):
        shop.check_balance(card["cardNumber"], card["code"])


def test_a_new_code_kills_the_old(shop, card):
    shop.do("resend-code", card["id"])
    with pytest.raises(GiftCardNotFound):
        shop.check_balance(card["cardNumber"], card["code"])


def test_a_card_without_a_code_has_no_right_one(shop):
    card = shop.active("1.00")
    with pytest.raises(GiftCardNotFound):
        shop.check_balance(card["cardNumber"], "000000")


def test_a_holder_who_activates_proves_the_code(shop):
    card = shop.new("5.00")
    code = shop.do("resend-code", card["id"])["securityCode"]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    with pytest.raises(WrongSecurityCode):
        shop.do("activate", card["id"], securityCode=wrong)
    assert shop.do("activate", card["id"], securityCode=code)["status"] == "active"


def test_i7_what_a_former_release_noted_of_the_trail_does_not_expire(shop, card):
    guard = find_guard(guard_key(shop.numbers.index_of(card["cardNumber"])))
    guard.tries, guard.audit_seq, guard.audit_hash = 1, 1, "f" * 64
    guard.save()
    with pytest.raises(GiftCardNotFound):
        shop.check_balance(card["cardNumber"], card["wrong"], "198.51.100.1")
    with pytest.raises(GiftCardNotFound):
        shop.another().check_balance(card["cardNumber"], card["wrong"], "198.51.100.2")
    guards = [guard for guard in GuardRecord.scan() if guard.audit_hash]
    assert [(guard.audit_seq, guard.delete_after) for guard in guards] == [(None, None)]


def test_any_other_guard_expires_whether_there_is_such_a_card_or_not(shop, card):
    for number in (card["cardNumber"], vault.new_number()):
        with pytest.raises(GiftCardNotFound):
            shop.check_balance(number, card["wrong"], "198.51.100.1")
        assert find_guard(guard_key(shop.numbers.index_of(number))).delete_after


def test_a_former_owners_code_opens_the_card_no_more(shop, card):
    shop.do(
        "transfer-ownership",
        card["id"],
        newOwnerName="Bob",
        newOwnerEmail="bob@example.com",
    )
    with pytest.raises(GiftCardNotFound):
        shop.check_balance(card["cardNumber"], card["code"])
