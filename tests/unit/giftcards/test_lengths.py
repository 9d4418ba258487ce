"""How long each text of a gift card's request may be: as the API published it, for every action."""

import importlib
import pkgutil

import pytest

from cardvault.giftcards import operations

LONGEST = {
    "cashierId": 50,
    "cursor": 200,
    "customMessage": 500,
    "customerEmail": 254,
    "customerName": 255,
    "deliverAt": 40,
    "description": 500,
    "designTemplate": 100,
    "expiresAt": 40,
    "newOwnerEmail": 254,
    "newOwnerName": 255,
    "posTransactionId": 100,
    "reason": 500,
    "referenceId": 100,
    "refundReference": 100,
    "senderName": 255,
    "terminalId": 50,
}
OF_ITS_OWN = {("administer._check_void", "reason"): 1000}


def lengths():
    for found in pkgutil.iter_modules(operations.__path__):
        module = importlib.import_module(f"{operations.__name__}.{found.name}")
        for name, check in vars(module).items():
            if name.startswith("_check") and hasattr(check, "schema"):
                for field, schema in check.schema["properties"].items():
                    if "maxLength" in schema:
                        yield f"{found.name}.{name}", field, schema["maxLength"]


@pytest.mark.parametrize(("check", "field", "longest"), list(lengths()))
def test_a_text_may_be_as_long_as_published(check, field, longest):
    assert longest == OF_ITS_OWN.get((check, field), LONGEST[field])
