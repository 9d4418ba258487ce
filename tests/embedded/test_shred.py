"""I8 and rotation on the deployed template."""

import uuid
from datetime import UTC, datetime

from local.clients.shop import ALL_SCOPES


def test_shredded_cards_are_gone_and_the_trail_says_so(vault):
    shop = vault.shop(scopes=(*ALL_SCOPES, "cards:shred"))
    alice = shop.user("alice")
    order_id = alice.order(uuid.uuid4().hex, productId="P1", typeId="SHRED", quantity=2).json()[
        "orderId"
    ]
    alice.settled(order_id)
    assert shop.user("bob").call("DELETE", f"/api/orders/{order_id}/cards").status_code == 404
    shredded = alice.call("DELETE", f"/api/orders/{order_id}/cards")
    assert shredded.status_code == 200
    assert alice.call("DELETE", f"/api/orders/{order_id}/cards").json() == shredded.json()
    gone = alice.get(order_id, "/cards")
    assert (gone.status_code, gone.json()["code"]) == (410, "CARDS_SHREDDED")
    events = [event["event"] for event in alice.get(order_id, "/audit").json()["events"]]
    assert events[-2:] == ["CARDS_SHREDDED", "REVEAL_REFUSED"]


def test_rewrapped_keys_still_open_their_cards(vault, alice):
    order_id = alice.order(uuid.uuid4().hex, productId="P1", typeId="REWRAP", quantity=2).json()[
        "orderId"
    ]
    alice.settled(order_id)
    before = alice.get(order_id, "/cards").json()
    now = datetime.now(UTC).isoformat()
    progress = vault.operate("RewrapDataKeysFunction", wrappedBefore=now)
    assert progress["rewrapped"] >= 1
    assert "nextCursor" not in progress
    assert alice.get(order_id, "/cards").json() == before
