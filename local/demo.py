"""`make demo`: an order on its whole way, and where its codes were not."""

import sys
import time

from local.cardvault import Cardvault, User, running
from local.leaks import Search
from local.stack import STARTUP_ERRORS, stop_on_terminate

CARDS = 3
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
    say()
    shop = vault.shop("demo shop")
    say(f"registered API client {shop.client_id} of tenant {shop.tenant_id}")
    alice = shop.user("alice")
    say("POST /v2/token: an access token for the shop's user alice")
    order_id = _order(alice)
    _follow(alice, order_id)
    codes = _reveal(alice, order_id)
    _audit(alice, order_id)
    return _search(vault, codes)


def _order(alice: User) -> str:
    wanted = {"productId": "507f1f77bcf86cd799439011", "typeId": "PSN-500", "quantity": CARDS}
    first = alice.order("demo-order-1", **wanted)
    again = alice.order("demo-order-1", **wanted)
    order_id = str(first.json()["orderId"])
    say(f"POST /api/orders: {first.status_code}, order {order_id} for {CARDS} cards")
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
    for order in alice.follow(order_id):
        say(f"{order['status']:<10} {told.get(order['status'], '')}")
    say()


def _reveal(alice: User, order_id: str) -> list[str]:
    cards = alice.get(order_id, "/cards").json()["cards"]
    say("GET /api/orders/{orderId}/cards, the one place where codes come out:")
    for card in cards:
        say(f"  card {card['cardNumber']}  code {card['code']}  serial {card['serial']}")
    say()
    return [text for card in cards for text in (card["code"], card["serial"])]


def _audit(alice: User, order_id: str) -> None:
    say("GET /api/orders/{orderId}/audit:")
    for event in alice.get(order_id, "/audit").json()["events"]:
        who = event.get("userId", "workflow")
        count = f"{event['cardCount']} cards" if "cardCount" in event else ""
        say(f"  {event['seq']}  {event['event']:<16} {who:<9} {count:<8} {event['hash'][:12]}…")
    say()


def _search(vault: Cardvault, codes: list[str]) -> int:
    say(f"searching for the {len(codes)} codes and serials (plain, base64, hex, URL) in:")
    search = Search(codes)
    clean = True
    for place, texts in search.places(vault.stack):
        found = search.hits(texts)
        clean = clean and not found
        say(f"  {place:<42} {len(texts):>5} texts  {'FOUND' if found else 'none'}")
    say()
    say("no code anywhere but in the answer to its owner" if clean else "a code leaked")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
