"""Gift cards and their transactions under the published names; never a security code."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardvault.giftcards.ledger import lifecycle
from cardvault.giftcards.ledger.money import amount
from cardvault.giftcards.ledger.records import CardRecord, EntryRecord
from cardvault.giftcards.security.vault import NumberVault

_ENTRY_DETAILS = (
    "related_transaction_id",
    "transfer_id",
    "hold_id",
    "until",
)


@dataclass(frozen=True, slots=True)
class Views:
    """Shows cards; the vault opens their numbers."""

    vault: NumberVault

    def number(self, card: CardRecord) -> str:
        """The full card number."""
        return self.vault.open(card.sealed_number, card.card_id)

    def card(self, card: CardRecord, now: datetime) -> dict[str, Any]:
        """The card as of now."""
        suspended = lifecycle.is_suspended(card, now)
        return {
            "id": card.card_id,
            "cardNumber": self.number(card),
            "lastFourDigits": card.last_four_digits,
            "balance": amount(card.balance),
            "initialValue": amount(card.initial_value),
            "status": lifecycle.status(card, now).value,
            "createdAt": card.created_at,
            "updatedAt": card.updated_at,
            "activatedAt": card.activated_at,
            "expiresAt": card.expires_at,
            "customerId": card.customer_id,
            "customerEmail": card.customer_email,
            "customerName": card.customer_name,
            "merchantId": card.merchant_id,
            "isPhysical": bool(card.is_physical),
            "designTemplate": card.design_template,
            "customMessage": card.custom_message,
            "programId": card.program_id,
            "currency": card.currency,
            "heldAmount": amount(lifecycle.held(card, now)),
            "availableBalance": amount(lifecycle.available(card, now)),
            "customerPhone": card.customer_phone,
            "senderName": card.sender_name,
            "suspendedReason": card.suspended_reason if suspended else None,
            "suspendedAt": card.suspended_at if suspended else None,
            "suspendedUntil": card.suspended_until if suspended else None,
            "deliverAt": card.deliver_at,
        }


def transaction(entry: EntryRecord) -> dict[str, Any]:
    """An entry under its API names: the published 13, and ours where they say something."""
    shown: dict[str, Any] = {
        "id": entry.id,
        "transactionType": entry.transaction_type,
        "amount": amount(entry.amount),
        "balanceBefore": amount(entry.balance_before),
        "balanceAfter": amount(entry.balance_after),
        "referenceId": entry.reference_id,
        "description": entry.description,
        "createdAt": entry.created_at,
        "processedAt": entry.created_at,
        "merchantId": entry.merchant_id,
        "posTransactionId": entry.pos_transaction_id,
        "cashierId": entry.cashier_id,
        "terminalId": entry.terminal_id,
    }
    if entry.held_amount is not None:
        shown["heldAmount"] = amount(entry.held_amount)
    for name in _ENTRY_DETAILS:
        value = getattr(entry, name)
        if value is not None:
            shown[getattr(EntryRecord, name).attr_name] = value
    return shown
