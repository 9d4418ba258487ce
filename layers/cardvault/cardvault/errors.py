"""Every error Cardvault raises on purpose, in one tree.

A class name is a contract: the state machine retries and catches by it. A `code` is a contract
too: callers and operators read it in answers, in `attentionReason` and in the logs. Neither the
message nor any attribute of an error may hold a card code, a key, a token or a supplier's body.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar


class CardvaultError(Exception):
    """The root. `code` is the stable machine code, the message is for people."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    message: ClassVar[str] = "Internal error"
    retry_after_s: float | None = None

    def __init__(self, message: str | None = None, **details: Any) -> None:
        """`details` are fields that the answer carries beside the message."""
        super().__init__(message or self.message)
        self.details: Mapping[str, Any] = details


# --- what a caller did -------------------------------------------------------------------------


class InvalidRequest(CardvaultError):
    """Something in the request is not as it must be; the message names it, not its value.

    Every parser raises this one, of bodies, parameters and headers. Which status and code it
    has is for the API to say: see `http/endpoint.py`.
    """

    code = "INVALID_REQUEST"
    message = "Invalid request"


class Refused(CardvaultError):
    """The request can be understood, and a rule or the state of things does not allow it."""

    code = "REFUSED"
    message = "Not possible"


class OrderNotFulfilled(Refused):
    """There are no cards to show yet."""

    code = "ORDER_NOT_FULFILLED"
    message = "Order not fulfilled yet"


class Unauthenticated(CardvaultError):
    """No caller could be told from the request."""

    code = "UNAUTHENTICATED"
    message = "Unauthorized"


class Forbidden(CardvaultError):
    """The caller is known and lacks a scope; the message names it."""

    code = "FORBIDDEN"
    message = "Forbidden"


class NotFound(CardvaultError):
    """Absent, or somebody else's: the same answer for both (I6)."""

    code = "NOT_FOUND"
    message = "Not found"


class OrderNotFound(NotFound):
    """No such order for this caller."""

    code = "ORDER_NOT_FOUND"
    message = "Order not found"


class LinkUnusable(NotFound):
    """Unknown, used, expired, locked or replaced: one answer for all of them."""

    code = "LINK_UNUSABLE"
    message = "This link can not be used"


class DownloadExpired(NotFound):
    """Unknown, used or expired: one answer for all of them."""

    code = "DOWNLOAD_LINK_EXPIRED"
    message = "Download link expired"


class WrongCode(Refused):
    """Not the code that was e-mailed, or not the passcode; tries are left."""

    code = "WRONG_CODE"
    message = "Wrong code"


class NoRecipient(Refused):
    """The order was placed without an address to write to."""

    code = "NO_RECIPIENT"
    message = "Order has no e-mail address"


class MailNotSetUp(Refused):
    """The stack has no sender (MailSender), so it writes to nobody."""

    code = "MAIL_NOT_SET_UP"
    message = "No e-mail is sent here; order without delivery"


class Conflict(CardvaultError):
    """The request contradicts what is already recorded."""

    code = "CONFLICT"
    message = "Conflict"


class IdempotencyKeyReused(Conflict):
    """The Idempotency-Key belongs to a request with another body.

    Two published APIs give it two statuses: see `http/endpoint.py`.
    """

    code = "IDEMPOTENCY_KEY_REUSED"
    message = "Idempotency-Key was already used with another body"


class SupplierOrderTaken(Conflict):
    """The supplier order belongs to an order of ours already."""

    code = "SUPPLIER_ORDER_TAKEN"
    message = "supplierOrderId can not be adopted"


class OrderInProgress(Conflict):
    """The order's cards are not there yet, so they can not be shredded."""

    code = "ORDER_IN_PROGRESS"
    message = "Order has no cards to shred yet"


class AddressSuppressed(Conflict):
    """Mail to the address bounced or was complained of; the shop must correct it first."""

    code = "ADDRESS_SUPPRESSED"
    message = "Mail to the address bounced or was complained of"


class Gone(CardvaultError):
    """It was here and was destroyed on purpose."""

    code = "GONE"
    message = "Gone"


class CardsShredded(Gone):
    """The data key is destroyed; nothing brings the codes back."""

    code = "CARDS_SHREDDED"
    message = "Cards were shredded"


# --- gift cards --------------------------------------------------------------------------------


class ProgramNotFound(NotFound):
    """No such program for this caller."""

    code = "PROGRAM_NOT_FOUND"
    message = "Program not found"


class GiftCardNotFound(NotFound):
    """No such gift card in this program for this caller, or not with this security code."""

    code = "GIFT_CARD_NOT_FOUND"
    message = "Gift card not found"


class TransactionNotFound(NotFound):
    """No such transaction on this gift card."""

    code = "TRANSACTION_NOT_FOUND"
    message = "Transaction not found"


class HoldNotFound(NotFound):
    """No open hold of that id: never made, captured, released or expired."""

    code = "HOLD_NOT_FOUND"
    message = "No such open hold"


class CardRefused(Refused):
    """The gift card's state does not allow it; the message says what the state is."""

    code = "CARD_REFUSED"
    message = "The gift card does not allow this"


class InsufficientFunds(CardRefused):
    """More was asked than is there; the details say what is available."""

    code = "INSUFFICIENT_FUNDS"


class LimitExceeded(CardRefused):
    """It would break a limit of the program; the details say how much is left."""

    code = "LIMIT_EXCEEDED"


class WrongSecurityCode(Unauthenticated):
    """The security code is not this gift card's."""

    code = "WRONG_SECURITY_CODE"
    message = "Wrong security code"


class TooManyRequests(CardvaultError):
    """Too often from one caller, or too many wrong codes for one number."""

    code = "TOO_MANY_REQUESTS"
    message = "Too many requests"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class TooSoon(TooManyRequests):
    """The same was done moments ago."""

    code = "TOO_SOON"
    message = "Wait before asking again"

    def __init__(self, retry_after_s: int = 30) -> None:
        super().__init__(retry_after_s)


# --- what may be tried again -------------------------------------------------------------------


class Retryable(CardvaultError):
    """The same step may work later; nothing was done."""

    code = "TRY_AGAIN"
    message = "Try again"
    retry_after_s: float = 1.0


class TooManyWriters(Retryable):
    """Others changed the same record at each of our tries."""

    code = "TOO_MANY_WRITERS"


class StoringOvertaken(Retryable):
    """A later attempt to store the order's cards has taken the place of this one."""

    code = "STORING_OVERTAKEN"
    message = "Another attempt to store the cards came after this one"


class OutOfTime(Retryable):
    """A round of an operator's function ended before one thing was finished."""

    code = "OUT_OF_TIME"
    message = "The round ended before anything was finished"


class OrderPending(Retryable):
    """The supplier is still working on it: what the poll loop expects."""

    code = "ORDER_PENDING"
    message = "The supplier has not finished the order"


class SupplierThrottled(Retryable):
    """The supplier asked for a pause of `retry_after_s` seconds, cut to our ceiling."""

    code = "SUPPLIER_THROTTLED"

    def __init__(self, retry_after_s: float = 1.0) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class SupplierUnavailable(Retryable):
    """The supplier could not be reached or failed (5xx, no answer, not JSON) on a read."""

    code = "SUPPLIER_UNAVAILABLE"


class SupplierBlocked(Retryable):
    """The supplier takes nothing from our address for minutes, after too many wrong keys."""

    code = "SUPPLIER_BLOCKED"


class PlacementNotFound(Retryable):
    """Reconciling found no supplier order that could be ours (yet)."""

    code = "PLACEMENT_NOT_FOUND"


class MailThrottled(Retryable):
    """SES takes no more for now; nothing was sent."""

    code = "MAIL_THROTTLED"


class MailUnavailable(Retryable):
    """SES could not be reached; nothing was sent."""

    code = "MAIL_UNAVAILABLE"


# --- what needs another path or a person -------------------------------------------------------


class PlacementUnknown(CardvaultError):
    """placeOrder may or may not have been carried out: reconcile, never send it again (I3)."""

    code = "PLACEMENT_UNKNOWN"
    message = "The supplier may or may not have accepted the order"


class PlacementDuplicated(CardvaultError):
    """The supplier sold an order twice over; the trail names the one too many."""

    code = "PLACEMENT_DUPLICATED"
    message = "The supplier accepted this order twice"


class PlacementAmbiguous(CardvaultError):
    """Several supplier orders could be ours; a person decides."""

    code = "PLACEMENT_AMBIGUOUS"
    message = "More than one supplier order could be this one"


class SupplierCredentialsRejected(CardvaultError):
    """The supplier refused our key (401), now or moments ago, or none was ever set.

    Nothing was done. More tries under the same key would lock us out.
    """

    code = "SUPPLIER_CREDENTIALS_REJECTED"
    message = "The supplier refused our key"


class SupplierRejected(CardvaultError):
    """The supplier refused the request for good (4xx)."""

    code = "SUPPLIER_REJECTED"
    message = "The supplier refused the request"


class SupplierOutOfStock(SupplierRejected):
    """The product is sold out."""

    code = "SUPPLIER_OUT_OF_STOCK"
    message = "The supplier is out of stock"


class SupplierBalanceTooLow(SupplierRejected):
    """Our account with the supplier does not cover the order."""

    code = "SUPPLIER_BALANCE_TOO_LOW"
    message = "The account with the supplier does not cover the order"


class SupplierOrderUnknown(SupplierRejected):
    """The supplier knows no such order."""

    code = "SUPPLIER_ORDER_UNKNOWN"
    message = "The supplier knows no such order"


class FulfilmentOverdue(CardvaultError):
    """The supplier did not finish within the deadline."""

    code = "FULFILMENT_OVERDUE"
    message = "The supplier did not finish the order in time"


class CardCountMismatch(CardvaultError):
    """The answer contradicts the order or itself: in product, quantity or cards."""

    code = "CARD_COUNT_MISMATCH"
    message = "The supplier's cards do not add up"


class DuplicateCards(CardvaultError):
    """Two cards of one order carry the same code."""

    code = "DUPLICATE_CARDS"
    message = "The supplier sent one card twice"


class StoredCardsDiffer(CardvaultError):
    """The supplier now answers other cards than those stored."""

    code = "STORED_CARDS_DIFFER"
    message = "The supplier's cards differ from those stored"


class OrderTooLarge(CardvaultError):
    """One sealed card, or all of an order together, are longer than can be stored."""

    code = "ORDER_TOO_LARGE"
    message = "The order's cards are too long to be stored"


class MailRefused(CardvaultError):
    """SES will not send it: the sender, the account or the message. The message is SES's code."""

    code = "MAIL_REFUSED"
    message = "The e-mail was refused"


class MailOutcomeUnknown(CardvaultError):
    """An e-mail may or may not have been sent: never sent again unasked (I9)."""

    code = "MAIL_OUTCOME_UNKNOWN"
    message = "The e-mail may or may not have been sent"


class IssuerNotReady(CardvaultError):
    """The issuer's documents are not as API Gateway needs them; the message says why."""

    code = "ISSUER_NOT_READY"
    message = "The issuer is not ready"


class AwsUnavailable(Retryable):
    """AWS failed, in a way that passes, after its own retries. The message is AWS's code alone."""

    code = "AWS_UNAVAILABLE"


class InternalError(CardvaultError):
    """A defect of ours, or a right, key or setting that is missing; trying again mends neither.

    The message is the exception's type or AWS's code: its text could hold anything.
    """


class CannotOpen(CardvaultError):
    """A sealed card was altered, moved, or is not under this data key. Says no more (I2)."""

    code = "CANNOT_OPEN"
    message = "The card can not be opened"


CALLERS_FAULT: tuple[type[CardvaultError], ...] = (
    InvalidRequest,
    Refused,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    Gone,
    TooManyRequests,
)
"""What the caller did, or what they asked for; whoever serves them did nothing wrong."""


def code_named(class_name: str) -> str:
    """The machine code of an error class, by the name that Step Functions reports.

    `TASK_TIMED_OUT` and `AWS_UNAVAILABLE` for AWS's own, `INTERNAL_ERROR` for any other.
    """
    if class_name in {"States.Timeout", "Sandbox.Timedout"}:
        return "TASK_TIMED_OUT"
    if class_name.startswith("Lambda."):
        return AwsUnavailable.code
    known = {error.__name__: error.code for error in _all_errors(CardvaultError)}
    return known.get(class_name, CardvaultError.code)


def _all_errors(root: type[CardvaultError]) -> Iterator[type[CardvaultError]]:
    yield root
    for error in root.__subclasses__():
        yield from _all_errors(error)
