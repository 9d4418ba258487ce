"""Every error Cardvault raises on purpose, in one tree.

A class name is a contract: the state machine retries and catches by it. A `code` is a contract
too: callers and operators read it in answers, in `attentionReason` and in the logs. Neither the
message nor any attribute of an error may hold a card code, a key, a token or a supplier's body.

    CardvaultError (500): InternalError, CardAltered, CannotOpen, WorkflowStopped,
        PlacementUnknown, PlacementDuplicated, PlacementAmbiguous, SupplierCredentialsRejected,
        FulfilmentOverdue, CardCountMismatch, DuplicateCards, StoredCardsDiffer, CardTooLong,
        OrderTooLarge, MailRefused, MailOutcomeUnknown, IssuerNotReady
      InvalidRequest (400)
      BodyTooLarge (413)
      UnsupportedMediaType (415)
      Refused (400): OrderNotFulfilled, OrderAboveCeiling, NoRecipient, MailNotSetUp, WrongCode,
          WrongAddress, CodeTooOld
        CardRefused: InsufficientFunds, LimitExceeded
      Unauthenticated (401): WrongSecurityCode
      Forbidden (403)
      NotFound (404): ProgramNotFound, GiftCardNotFound, TransactionNotFound, HoldNotFound,
          OrderNotFound, LinkUnusable, DownloadExpired
      Conflict (409): IdempotencyKeyReused, OrderInProgress, RecipientNeeded,
          SupplierOrderTaken, AddressSuppressed, ClaimLocked
      Gone (410): CardsShredded
      TooManyRequests (429): TooSoon, DailyCeilingReached, TooManyMails, TooManyCodes
      Retryable (503): AwsUnavailable, TooManyWriters, OutOfTime, StoringOvertaken,
          OrderPending, SupplierThrottled, SupplierUnavailable, SupplierBlocked,
          PlacementNotFound, MailThrottled, MailUnavailable, CardsNotReady, CardUnreadable
      SupplierRejected: SupplierOutOfStock, SupplierBalanceTooLow, SupplierProductUnknown,
          SupplierOrderUnknown

In brackets is the status; `http/endpoint.py` has the one mapping, and says what gift cards answer
differently. A part of the product that alone raises an error may define it: `identity.clients` has
ClientNotFound, a NotFound, and `aws.tables` has UnboundModel, an InternalError.

Outside the tree stand errors that no caller of ours receives as such: `aws.retries.LostRace`, after
which a unit of work begins again; `aws.settings.MissingSetting`, which ends the init of a function;
and `identity.tokens.TokenRefused`, which is answered in the form of RFC 6749.
"""

from collections.abc import Iterator

from cardvault.errors.families import *  # noqa: F403
from cardvault.errors.families import AwsUnavailable, CardvaultError
from cardvault.errors.giftcards import *  # noqa: F403
from cardvault.errors.orders import *  # noqa: F403
from cardvault.errors.workflow import *  # noqa: F403


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
