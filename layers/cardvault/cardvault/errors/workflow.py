"""What may go wrong while an order is fulfilled: the state machine retries and catches by name."""

from cardvault.errors.families import CardvaultError, Retryable


class StoringOvertaken(Retryable):
    """A later attempt to store the order's cards has taken the place of this one."""

    code = "STORING_OVERTAKEN"
    message = "Another attempt to store the cards came after this one"


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


class WorkflowStopped(CardvaultError):
    """No execution carries the order, and it is not finished.

    It is started again some times; that it needs attention means that this did not help.
    """

    code = "WORKFLOW_STOPPED"
    message = "The order's workflow stopped"


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


class SupplierProductUnknown(SupplierRejected):
    """The supplier has no such product or type; nothing was bought."""

    code = "SUPPLIER_PRODUCT_UNKNOWN"
    message = "The supplier has no such product"


class SupplierOrderUnknown(SupplierRejected):
    """The supplier knows no such order."""

    code = "SUPPLIER_ORDER_UNKNOWN"
    message = "The supplier knows no such order"


class FulfilmentOverdue(CardvaultError):
    """The supplier did not finish within the deadline."""

    code = "FULFILMENT_OVERDUE"
    message = "The supplier did not finish the order in time"


class CardsNotReady(Retryable):
    """The supplier says that the order is filled, and does not tell all its cards yet."""

    code = "CARDS_NOT_READY"
    message = "The supplier does not tell all cards yet"


class CardUnreadable(Retryable):
    """A card has no code, or one that is no text; the message says which, never what is there."""

    code = "CARD_UNREADABLE"
    message = "The supplier sent a card that cannot be read"


class CardCountMismatch(CardvaultError):
    """The answer contradicts the order: in product, quantity, or by too many cards."""

    code = "CARD_COUNT_MISMATCH"
    message = "The supplier's cards do not add up"


class DuplicateCards(CardvaultError):
    """A card comes twice in one order, or was sold to another order before."""

    code = "DUPLICATE_CARDS"
    message = "The supplier sent one card twice"


class StoredCardsDiffer(CardvaultError):
    """The supplier now answers other cards than those stored."""

    code = "STORED_CARDS_DIFFER"
    message = "The supplier's cards differ from those stored"


class CardTooLong(CardvaultError):
    """One card, sealed, is longer than can be stored."""

    code = "CARD_TOO_LONG"
    message = "A card is too long to be stored"


class OrderTooLarge(CardvaultError):
    """The sealed cards of an order are together longer than can be stored."""

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
