"""`make demo`: an order on its whole way, and where its codes were not."""

import sys
import time

import requests

from local.cardvault import Cardvault, running
from local.clients.customer import Customer
from local.clients.gift_cards import GIFT_SCOPES, GiftProgram
from local.clients.shop import ALL_SCOPES, TIMEOUT_S, Shop, User
from local.leak_scan import LeakScan
from local.stack.embedded import STARTUP_ERRORS, stop_on_terminate

CARDS = 3
ADDRESS = "ada@customer.example"
STARTED = time.monotonic()


def say(text: str = "") -> None:
    """Print a line with the seconds since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}" if text else "", flush=True)


def main() -> int:
    """Run the demo; exit status 1 if anything is not as it should be."""
    stop_on_terminate()
    try:
        with running(parameters={"LogLevel": "DEBUG"}, progress=say) as vault:
            return _tell(vault)
    except STARTUP_ERRORS as error:
        print(error, file=sys.stderr)
        return 1


def _tell(vault: Cardvault) -> int:
    say(f"API {vault.api_url}, supplier sandbox {vault.supplier.url}")
    shop = vault.shop("demo shop", scopes=(*ALL_SCOPES, *GIFT_SCOPES))
    say(f"registered API client {shop.client_id} of tenant {shop.tenant_id}")
    alice = shop.user("alice")
    say("POST /v2/token: an access token for the shop's user alice")
    order_id = _order(alice)
    _follow(alice, order_id)
    codes = _reveal(alice, order_id)
    _claim(Customer(vault, order_id, ADDRESS))
    _audit(alice, order_id)
    clean = _search(vault, codes)
    _gift_card(vault, shop)
    return 0 if clean else 1


def _order(alice: User) -> str:
    wanted = {"productId": "507f1f77bcf86cd799439011", "typeId": "PSN-500", "quantity": CARDS}
    delivery = {"email": ADDRESS, "name": "Ada", "shopName": "Demo Shop"}
    first = alice.order("demo-order-1", **wanted, delivery=delivery)
    again = alice.order("demo-order-1", **wanted, delivery=delivery)
    order_id = str(first.json()["orderId"])
    say(f"POST /api/orders: {first.status_code}, order {order_id} for {CARDS} cards, by e-mail too")
    say(f"the same request again: the same order, {again.json()['orderId'] == order_id}")
    say()
    return order_id


def _follow(alice: User, order_id: str) -> None:
    told = {
        "received": "the workflow is starting",
        "placed": "the supplier has the order",
        "handling": "the workflow polls until the supplier has finished",
        "fulfilled": "the cards are fetched, sealed and stored, in one step",
    }
    for order in alice.follow(order_id, until=lambda order: "emailedAt" in order):
        say(f"{order['status']:<10} {told.get(order['status'], '')}")
    say()


def _reveal(alice: User, order_id: str) -> list[str]:
    cards = alice.get(order_id, "/cards").json()["cards"]
    say("GET /api/orders/{orderId}/cards: the codes, to the order's owner")
    for card in cards:
        say(f"  card {card['cardNumber']}  code {card['code']}  serial {card['serial']}")
    say()
    return [text for card in cards for text in (card["code"], card["serial"])]


def _claim(customer: Customer) -> None:
    mail = customer.mailbox.last(customer.address)
    say(f"mail to {mail.to}: {mail.subject!r}, with a link and no code")
    cookie = customer.claim()
    say("claimed with the six digits that were mailed on request; the link is spent")
    made = customer.post("downloads", cookie=cookie, format="txt").json()
    url = customer.vault.api_url + made["downloadUrl"]
    first = requests.get(url, timeout=TIMEOUT_S)
    second = requests.get(url, timeout=TIMEOUT_S)
    say(f"download: {first.status_code}, {first.headers['Content-Disposition']}")
    say(f"the same download again: {second.status_code} {second.json()['error']!r}")
    say()


def _audit(alice: User, order_id: str) -> None:
    say("GET /api/orders/{orderId}/audit:")
    for event in alice.get(order_id, "/audit").json()["events"]:
        who = event.get("userId") or ("customer" if "ipAddress" in event else "workflow")
        count = f"{event['cardCount']} cards" if "cardCount" in event else ""
        how = event.get("method", "")
        say(f"  {event.get('seq', '…'):>2}  {event['event']:<16} {who:<9} {how:<9} {count}")
    say()


def _search(vault: Cardvault, codes: list[str]) -> bool:
    say(f"searching for the {len(codes)} codes and serials (plain, base64, hex, URL) in:")
    search = LeakScan(codes)
    clean = True
    for place, texts in search.places(vault.stack):
        found = search.hits(texts)
        clean = clean and not found
        say(f"  {place:<42} {len(texts):>5} texts  {'FOUND' if found else 'none'}")
    say("no code anywhere but in the answers to its owner" if clean else "a code leaked")
    say()
    return clean


def _gift_card(vault: Cardvault, shop: Shop) -> None:
    program = GiftProgram.create(vault, shop)
    say("a gift card of the shop's own program:")
    card_id = program.active_card("100.00", customerName="Ada")["id"]
    for amount in ("25.50", "9.99"):
        answer = program.redeem(card_id, amount, f"till-{amount}").json()
        say(f"  redeemed {amount}, {answer['remainingBalance']:.2f} left")
    repeated = program.redeem(card_id, "9.99", "till-9.99").json()
    say(f"  the last one again, same key: still {repeated['remainingBalance']:.2f} left")
    card = program.details(card_id, include_transactions="true").json()
    say(f"  card {card['cardNumber']}: {card['status']}, balance {card['balance']:.2f}")
    for entry in card["transactions"]:
        after = f"{entry['balanceAfter']:>7.2f} after"
        say(f"    {entry['transactionType']:<11} {entry['amount']:>8.2f}  {after}")


if __name__ == "__main__":
    sys.exit(main())
