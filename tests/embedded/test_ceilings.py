"""Ceilings on orders, on the deployed template: races are real here."""

import uuid
from concurrent.futures import ThreadPoolExecutor

PRODUCT = "507f1f77bcf86cd799439011"
AT_ONCE, MOST, EACH = 24, 20, 3
TRIED_AGAIN = {503}


def order(alice, key, type_id="PSN-500", quantity=EACH):
    """As a client that repeats under its key what was answered 503."""
    while True:
        answer = alice.order(key, productId=PRODUCT, typeId=type_id, quantity=quantity)
        if answer.status_code not in TRIED_AGAIN:
            return answer


def ceilings(vault, shop, **asked):
    action = "set_ceilings" if asked else "get_ceilings"
    return vault.operate("ManageClientFunction", action=action, tenantId=shop.tenant_id, **asked)


def test_i13_orders_at_once_never_pass_the_ceiling(vault):
    shop = vault.shop("ceilings")
    alice = shop.user("alice")
    ceilings(vault, shop, cardsPerDay=MOST)
    keys = [uuid.uuid4().hex for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda key: order(alice, key), keys))
    taken = [answer for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert (len(taken), len(refused)) == (MOST // EACH, AT_ONCE - MOST // EACH)
    left = MOST % EACH
    assert min(answer.json()["left"] for answer in refused) == left
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    for key, answer in zip(keys, answers, strict=True):
        if answer in taken:
            assert order(alice, key).json()["orderId"] == answer.json()["orderId"]
    assert ceilings(vault, shop)["cardsToday"] == MOST - left


def test_what_was_refunded_can_be_ordered_again(vault):
    shop = vault.shop("refunds")
    alice = shop.user("alice")
    ceilings(vault, shop, cardsPerDay=EACH)
    refunded = order(alice, uuid.uuid4().hex, "TEST_REFUND").json()["orderId"]
    assert order(alice, uuid.uuid4().hex).status_code == 429
    assert alice.settled(refunded)["status"] == "refunded"
    assert order(alice, uuid.uuid4().hex).status_code == 202
