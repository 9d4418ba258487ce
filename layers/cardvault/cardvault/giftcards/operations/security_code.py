"""Security codes: made on request, shown once, kept as a MAC."""

from dataclasses import dataclass

from cardvault.aws.retries import retry_lost_races
from cardvault.giftcards.fields import checker
from cardvault.giftcards.ledger import lifecycle
from cardvault.giftcards.ledger.idempotency import Answer
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import Ledger
from cardvault.giftcards.ledger.records import EntryType
from cardvault.giftcards.operations.command import Command
from cardvault.giftcards.security.vault import CodeVault, new_code

_CODED = frozenset({Status.PENDING, *lifecycle.CREDITABLE})
_check_nothing = checker({})


@dataclass(frozen=True, slots=True)
class IssueCode:
    """Gives a card a security code. Only its MAC is kept, so this answer alone shows it."""

    ledger: Ledger
    codes: CodeVault

    @retry_lost_races
    def __call__(self, command: Command) -> Answer:
        """A new code; the one before it is dead.

        Takes no Idempotency-Key, for its answer may not be kept: a caller who missed it asks
        again. Raises InvalidRequest, GiftCardNotFound, CardRefused, TooManyWriters.
        """
        _check_nothing(command.body)
        work = self.ledger.begin(command.caller.client_id)
        card = command.card()
        lifecycle.expect(card, _CODED, work.now)
        code = new_code()
        changes = {"code_mac": self.codes.mac(card.card_id, code)}
        entry = work.post(card, EntryType.RESEND_CODE, changes=changes)
        work.commit()
        said = {"id": card.card_id, "transactionId": entry.id}
        return {"success": True, **said, "securityCode": code}
