"""The audit trails of gift cards: which codes were refused, and whether the trails hold.

    python -m cardvault.giftcards.queries.trail [CARD_ID ...]

prints the events of the cards named, then whether the trails hold, of those or of all, and where
the first break is if not; exit status 1 then. Reads GIFT_CARDS_TABLE and AUDIT_TABLE.
"""

import sys

from cardvault.audit import trail, verdict
from cardvault.audit.chain import ChainHead
from cardvault.audit.trail import AuditRecord
from cardvault.audit.verdict import Verdict
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.core import decimal_json
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import GiftCardNotFound
from cardvault.giftcards import store
from cardvault.giftcards.ledger.records import LEDGER_RECORDS, CardRecord


def verify(card_id: str, *, clock: Clock = utc_now) -> Verdict:
    """Whether the card's trail holds. A card has no version that its events would have to show."""
    return verdict.verify(card_id, lambda: None, lambda *_: None, clock=clock)


def main() -> int:
    """The command."""
    tables.use(Settings(), *LEDGER_RECORDS, AuditRecord, ChainHead)
    named = sys.argv[1:]
    try:
        for card_id in named:
            store.find(card_id)
    except GiftCardNotFound:
        sys.stderr.write("no such gift card\n")
        return 2
    for card_id in named:
        for event in trail.read_all(card_id):
            sys.stdout.write(decimal_json.dumps(event.fields()) + "\n")
    cards = named or [key.card_id for key in CardRecord.of_program.scan()]
    return verdict.tell("card", {card_id: verify(card_id) for card_id in cards})


if __name__ == "__main__":
    sys.exit(main())
