"""The names of audit events, as they are stored, each with what it says."""

from enum import StrEnum


class EventName(StrEnum):
    """What happened to an order or a gift card."""

    # The shop asked for an order.
    ORDER_CREATED = "ORDER_CREATED"
    # The shop took over an order that exists at the supplier.
    ORDER_ADOPTED = "ORDER_ADOPTED"
    # The order is about to be sent to the supplier.
    ORDER_PLACING = "ORDER_PLACING"
    # The supplier did not take the order, for certain.
    ORDER_NOT_PLACED = "ORDER_NOT_PLACED"
    # The supplier has the order.
    ORDER_PLACED = "ORDER_PLACED"
    # The supplier is at work on the order.
    ORDER_HANDLING = "ORDER_HANDLING"
    # The supplier refunded the whole order.
    ORDER_REFUNDED = "ORDER_REFUNDED"
    # The workflow gave up, and a person must look.
    ORDER_NEEDS_ATTENTION = "ORDER_NEEDS_ATTENTION"
    # A person started the workflow again for an order that is placed.
    ORDER_REDRIVEN = "ORDER_REDRIVEN"
    # A person started the workflow again for an order whose cards are stored.
    ORDER_RESUMED = "ORDER_RESUMED"
    # The workflow was started again for an order that had stopped on its way.
    ORDER_RESTARTED = "ORDER_RESTARTED"
    # The supplier has a second order for this one.
    SUPPLIER_ORDER_ORPHANED = "SUPPLIER_ORDER_ORPHANED"

    # An attempt to store the cards began.
    CARDS_STORING = "CARDS_STORING"
    # The cards are sealed and stored.
    CARDS_STORED = "CARDS_STORED"
    # Cards were shown to someone who is entitled to see them.
    CARDS_DELIVERED = "CARDS_DELIVERED"
    # The cards were destroyed.
    CARDS_SHREDDED = "CARDS_SHREDDED"
    # Showing the order, or its trail, was refused.
    READ_REFUSED = "READ_REFUSED"
    # Showing the cards was refused.
    REVEAL_REFUSED = "REVEAL_REFUSED"
    # Destroying the cards was refused.
    SHRED_REFUSED = "SHRED_REFUSED"
    # The customer's address and name were erased.
    RECIPIENT_ERASED = "RECIPIENT_ERASED"
    # Erasing the customer's address and name was refused.
    ERASE_REFUSED = "ERASE_REFUSED"

    # An e-mail message is about to be sent.
    EMAIL_SENDING = "EMAIL_SENDING"
    # SES accepted the message.
    EMAIL_SENT = "EMAIL_SENT"
    # SES did not accept the message.
    EMAIL_REFUSED = "EMAIL_REFUSED"
    # Nobody knows whether SES accepted the message.
    EMAIL_UNKNOWN = "EMAIL_UNKNOWN"
    # The shop asked for the message again.
    EMAIL_RESENT = "EMAIL_RESENT"
    # The shop asked for the message again, to a corrected address.
    EMAIL_CORRECTED = "EMAIL_CORRECTED"
    # Somebody with a link that is over asked for a new one.
    EMAIL_RENEWED = "EMAIL_RENEWED"
    # Sending the message again was refused.
    RESEND_REFUSED = "RESEND_REFUSED"
    # SES reported that the message was delivered.
    EMAIL_DELIVERED = "EMAIL_DELIVERED"
    # SES reported that the message came back.
    EMAIL_BOUNCED = "EMAIL_BOUNCED"
    # SES reported that the customer complained about the message.
    EMAIL_COMPLAINED = "EMAIL_COMPLAINED"
    # SES reported that it did not send the message because of its content.
    EMAIL_REJECTED = "EMAIL_REJECTED"

    # The claim page was opened with this link for the first time.
    LINK_OPENED = "LINK_OPENED"
    # A one-time code was prepared for sending.
    CODE_SENT = "CODE_SENT"
    # The one-time code could not be sent.
    CODE_NOT_SENT = "CODE_NOT_SENT"
    # The link was exchanged for a session that may see the cards.
    LINK_CLAIMED = "LINK_CLAIMED"
    # A try with the link was refused.
    CLAIM_REFUSED = "CLAIM_REFUSED"

    # A file of the cards was written.
    DOWNLOAD_CREATED = "DOWNLOAD_CREATED"
    # The same caller exchanged a download token again at once.
    DOWNLOAD_REPEATED = "DOWNLOAD_REPEATED"
    # Writing or fetching a file was refused.
    DOWNLOAD_REFUSED = "DOWNLOAD_REFUSED"

    # A wrong security code of a gift card was tried.
    SECURITY_CODE_REFUSED = "SECURITY_CODE_REFUSED"
    # A waiting audit event was put a second time; the first form is the one in the chain.
    AUDIT_EVENT_OVERWRITTEN = "AUDIT_EVENT_OVERWRITTEN"
