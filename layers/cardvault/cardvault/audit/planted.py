"""Planted orders (honeytokens): orders that only a thief has a reason to reach for.

The stack's parameter `PlantedOrders` names them, and nothing else does: their rows, cards and mail
are those of any other order. Its own audit events give a thief away, because no card is shown
without one.
"""

from collections.abc import Collection, Iterable

from cardvault.audit.events import EventName
from cardvault.audit.trail import AuditRecord, subject_of
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count

# What somebody does who reaches for an order. The rest is done by the workflow and by SES.
REACHED = frozenset(
    {
        EventName.CARDS_DELIVERED,
        EventName.CARDS_SHREDDED,
        EventName.READ_REFUSED,
        EventName.REVEAL_REFUSED,
        EventName.SHRED_REFUSED,
        EventName.ERASE_REFUSED,
        EventName.EMAIL_RESENT,
        EventName.EMAIL_CORRECTED,
        EventName.EMAIL_RENEWED,
        EventName.RESEND_REFUSED,
        EventName.LINK_OPENED,
        EventName.CODE_SENT,
        EventName.CODE_NOT_SENT,
        EventName.LINK_CLAIMED,
        EventName.CLAIM_REFUSED,
        EventName.DOWNLOAD_CREATED,
        EventName.DOWNLOAD_REPEATED,
        EventName.DOWNLOAD_REFUSED,
    }
)


def watch(events: Iterable[AuditRecord], planted: Collection[str]) -> None:
    """Ring for each event that says that somebody reached for a planted order."""
    for event in events:
        if subject_of(event) in planted and event.event in REACHED:
            count("PlantedOrderReached")
            logger.warning(
                "planted order reached",
                orderId=subject_of(event),
                event=event.event,
                clientId=event.client_id,
                userId=event.user_id,
                ipAddress=event.ip_address,
            )
