"""Idempotency: what makes a repeated request one request, for every API.

An Idempotency-Key that was used leaves an idempotency record, for ever. Its key is the hash of
whose Idempotency-Key it is, and what for: see `record_key`. The two published APIs force two
policies upon the rest:

                      orders (/api/orders)             gift cards (/v2/giftcards)
    whose, what for   tenant, user                     tenant, card or program, action
    looked for        before anything is done          after a rule refused or a race was lost, so
                                                       that a redemption takes two requests
    keeps             a hash of the body under the     a keyed hash of the body, and the first
                      order's salt, and its id         answer, sealed, for it holds card numbers
    a repeat gets     the order as it is now           the first answer, to the byte
    another body      409                              422 (`http/endpoint.py`)

A claim and a download leave no record, for their link remembers them: the Idempotency-Key is then
a secret of the caller's, bound to the link's token by `bind_to_token`, and a caller who shows it
again within seconds is answered again.
"""

import hashlib
import hmac
import json


def record_key(*scope: str) -> str:
    """The key of an idempotency record: `IDEM#` and the SHA-256, hex, of whose and what for."""
    return "IDEM#" + hashlib.sha256(json.dumps(scope).encode()).hexdigest()


def bind_to_token(token: str, key: str) -> str:
    """HMAC-SHA256, hex, of the Idempotency-Key under the token, which is stored nowhere."""
    return hmac.digest(token.encode(), key.encode(), "sha256").hex()
