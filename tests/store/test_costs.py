"""docs/costs.md: the units of a request are as many as are counted, and not many more."""

import re
from decimal import Decimal

from benchmarks.calls import _counting
from benchmarks.giftcards import _billing
from cardvault.audit import stream
from cardvault.claims.claim import ClaimRequest
from tests.support.chaining import waiting_records
from tests.support.doubles import canary_cards
from tests.support.giftcards import GiftShop
from tests.support.template import ROOT

DOCUMENT = (ROOT / "docs/costs.md").read_text()


def told(section, what):
    """The quantity of a row, for one of the thousand."""
    part = next(part for part in re.split(r"(?m)^## ", DOCUMENT) if part.startswith(section))
    return Decimal(re.search(rf"\| {what} \| ([\d,.]+) \|", part)[1].replace(",", "")) / 1000


def test_the_units_of_an_order_are_counted(desk):
    steps, supplier = desk.steps, desk.steps.supplier
    supplier.is_sandbox = False
    with _counting() as (calls, units):
        order = steps.create(delivery={"email": "ada@example.com"})
        supplier.placing.append("S1")
        steps.place(order.order_id)
        supplier.has("S1", cards=canary_cards(3))
        steps.store(order.order_id)
        desk.order_mailer.deliver(order.order_id)
        claim = ClaimRequest(desk.mailer.token(), None, {})
        desk.open(claim)
        desk.send_code(claim)
        session = desk.redeem(claim, desk.mailer.code(), None)
        desk.reveal(ClaimRequest(claim.token, session, {}), 0)
    records = waiting_records()
    with _counting() as (_, chaining):
        for one in records:  # an order's events come seconds apart, so each alone
            stream.chain_records([one])
    units = {name: units[name] + chaining[name] for name in units}
    assert calls["Decrypt"] == calls["GenerateDataKey"] == 1
    # Beside these: what polls, status and outcomes of mail read and write, and the index.
    for what, counted in (("writes", units["WCU"]), ("reads", units["RCU"])):
        assert counted <= told("1,000 orders", what) < 2 * counted


def test_the_units_of_a_redemption_are_counted(cloud, clock):
    shop = GiftShop.open(cloud.settings, clock)
    card = shop.new("100.00")["id"]
    shop.do("activate", card)
    with _billing() as bill:
        shop.redeem(card, "25.00")
    section = "1,000 redemptions"
    assert (bill.written, bill.read) == (told(section, "writes"), told(section, "reads"))
