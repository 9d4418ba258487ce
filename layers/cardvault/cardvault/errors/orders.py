"""What may be wrong with a request about an order, its claim link or its download."""

from typing import Any

from cardvault.errors.families import (
    CardvaultError,
    Conflict,
    Gone,
    NotFound,
    Refused,
    TooManyRequests,
)


class OrderNotFound(NotFound):
    """No such order for this caller."""

    code = "ORDER_NOT_FOUND"
    message = "Order not found"


class OrderNotFulfilled(Refused):
    """There are no cards to show yet."""

    code = "ORDER_NOT_FULFILLED"
    message = "Order not fulfilled yet"


class OrderInProgress(Conflict):
    """The order's cards are not there yet, so they cannot be shredded."""

    code = "ORDER_IN_PROGRESS"
    message = "Order has no cards to shred yet"


class OrderAboveCeiling(Refused):
    """More cards than the tenant or the client may order at once; the details say how many."""

    code = "ORDER_ABOVE_CEILING"
    message = "The order has more cards than may be ordered at once"


class DailyCeilingReached(TooManyRequests):
    """More cards than are left to the tenant or the client today; the details say how many."""

    code = "DAILY_CEILING_REACHED"
    message = "The order has more cards than are left for today"

    def __init__(self, retry_after_s: int, **details: Any) -> None:
        super().__init__(retry_after_s)
        self.details = details


class RecipientNeeded(Conflict):
    """The customer has not got what the order is for, so the address cannot be erased yet."""

    code = "RECIPIENT_NEEDED"
    message = "Order is neither delivered nor shredded yet"


class SupplierOrderTaken(Conflict):
    """The supplier order belongs to an order of ours already."""

    code = "SUPPLIER_ORDER_TAKEN"
    message = "supplierOrderId cannot be adopted"


class CardsShredded(Gone):
    """The data key is destroyed; nothing brings the codes back."""

    code = "CARDS_SHREDDED"
    message = "Cards were shredded"


class CannotOpen(CardvaultError):
    """A sealed card was altered, moved, or is not under this data key. Says no more (I2)."""

    code = "CANNOT_OPEN"
    message = "The card cannot be opened"


class NoRecipient(Refused):
    """The order was placed without an address to write to."""

    code = "NO_RECIPIENT"
    message = "Order has no e-mail address"


class MailNotSetUp(Refused):
    """The stack has no sender (MailSender), so it writes to nobody."""

    code = "MAIL_NOT_SET_UP"
    message = "No e-mail is sent here; order without delivery"


class AddressSuppressed(Conflict):
    """Mail to the address bounced or was complained of; the shop must correct it first."""

    code = "ADDRESS_SUPPRESSED"
    message = "Mail to the address bounced or was complained of"


class TooManyMails(TooManyRequests):
    """As many messages as a day allows were sent about the order, or to its address."""

    code = "TOO_MANY_MAILS"
    message = "No more e-mail messages today"


class TooManyCodes(TooManyRequests):
    """So many one-time codes were sent for one link that a pause is due."""

    code = "TOO_MANY_CODES"
    message = "No more codes for now"


class ClaimLocked(Conflict):
    """Too many wrong codes were given for the order; the shop must give the address again."""

    code = "CLAIM_LOCKED"
    message = "Too many wrong codes; give the address again"


class LinkUnusable(NotFound):
    """Unknown, used, expired, locked or replaced: one answer for all of them."""

    code = "LINK_UNUSABLE"
    message = "This link cannot be used"


class WrongCode(Refused):
    """Not the code that was e-mailed, or not the passcode; tries are left."""

    code = "WRONG_CODE"
    message = "Wrong code"


class WrongAddress(Refused):
    """Who asks for a one-time code gave another address than the one the link was sent to."""

    code = "WRONG_ADDRESS"
    message = "The message was not sent to this address"


class CodeTooOld(Refused):
    """A code that was e-mailed for this link, too long ago or before another; no try is counted."""

    code = "CODE_TOO_OLD"
    message = "This code is too old: use the newest one, or ask for another"


class DownloadExpired(NotFound):
    """Unknown, used or expired: one answer for all of them."""

    code = "DOWNLOAD_LINK_EXPIRED"
    message = "Download link expired"
