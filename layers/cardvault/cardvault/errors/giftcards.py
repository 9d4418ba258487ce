"""What may be wrong with a request about gift cards."""

from cardvault.errors.families import CardvaultError, NotFound, Refused, Unauthenticated


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


class CardAltered(CardvaultError):
    """The gift card is not as its last entry left it: someone changed it outside the ledger."""

    code = "CARD_ALTERED"
    message = "The gift card cannot be used"
