"""Security codes: made on request, shown once, kept as a MAC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cardvault.giftcards import store
from cardvault.giftcards.fields import checker
from cardvault.giftcards.ledger import lifecycle
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import Answer, Ledger, Plan, Posting
from cardvault.giftcards.ledger.records import EntryRecord, EntryType
from cardvault.giftcards.operations.command import Change
from cardvault.giftcards.security.vault import CodeVault, new_code

_CODED = frozenset({Status.PENDING, *lifecycle.CREDITABLE})
_check_nothing = checker({})


@dataclass(frozen=True, slots=True)
class IssueCode:
    """Gives a card a security code. Only its MAC is kept, so this answer alone shows it."""

    ledger: Ledger
    codes: CodeVault

    def __call__(self, change: Change) -> Answer:
        """A new code; the one before it is dead.

        Takes no Idempotency-Key, for its answer may not be kept: whoever missed it asks again.
        Raises Unprocessable, GiftCardNotFound, CardRefused.
        """
        _check_nothing(change.body)

        def decide(now: datetime) -> Plan:
            card = store.seen(change.program_id, change.card_id, change.caller)
            lifecycle.expect(card, _CODED, now)
            code = new_code()
            facts = {"code_mac": self.codes.mac(card.card_id, code)}

            def answer(entries: Sequence[EntryRecord]) -> Answer:
                told = {"id": card.card_id, "transactionId": entries[0].id}
                return {"success": True, **told, "securityCode": code}

            return Plan([Posting(card, EntryType.RESEND_CODE, facts=facts)], answer)

        return self.ledger.post(decide, None, change.caller.client_id)
