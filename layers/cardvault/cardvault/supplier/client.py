"""The supplier's gift-card API, version 3.

Nothing of an answer's body gets into an exception or a log line: bodies carry codes (I1).
placeOrder is sent once per call and never again by this client (I3).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from cardvault import errors
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.clock import to_text
from cardvault.supplier.answers import SupplierOrder, read_order

CONNECT_TIMEOUT_S = 3.05
READ_TIMEOUT_S = 20.0
LONGEST_RETRY_AFTER_S = 10.0
CONNECTIONS = 4
PAGE_SIZE = 100
MOST_PAGES = 50

_OUT_OF_STOCK = {"ERR_STOCK", "OUT_OF_STOCK", "NO_STOCK", "INSUFFICIENT_STOCK"}
_NO_BALANCE = {"NO_BALANCE", "INSUFFICIENT_BALANCE"}


def _pooled_session() -> requests.Session:
    session = requests.Session()
    adapter = HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.trust_env = False  # a stray proxy or .netrc must not see the key
    return session


@dataclass(frozen=True, slots=True)
class SupplierClient:
    """Calls under `credentials`, a secret `{"baseUrl": …, "accessToken": …}`."""

    credentials: CachedSecret
    sleep: Callable[[float], None] = time.sleep
    session: requests.Session = field(default_factory=_pooled_session)

    def place_order(self, product_id: str, type_id: str, quantity: int) -> str:
        """Buy, and return the supplier's order id.

        Raises SupplierRejected (or a kind of it), SupplierThrottled, SupplierUnavailable and
        SupplierCredentialsRejected when nothing was bought; PlacementUnknown when that can not
        be told.
        """
        order = {"productId": product_id, "typeId": type_id, "quantity": quantity}
        try:
            answer = self._send("POST", "placeOrder", json=order)
        except requests.RequestException as error:
            if _never_sent(error):
                raise errors.SupplierUnavailable("no connection to the supplier") from None
            raise errors.PlacementUnknown from None
        self._refuse_client_errors(answer)
        try:
            data = _data_of(answer)
        except errors.SupplierUnavailable:
            raise errors.PlacementUnknown from None
        order_id = data.get("orderId") or data.get("_id")
        if not isinstance(order_id, str) or not order_id:
            raise errors.PlacementUnknown
        return order_id

    def check_order(self, order_id: str) -> SupplierOrder:
        """The order's present state, with its cards once it has them.

        Raises SupplierUnavailable, SupplierThrottled, SupplierCredentialsRejected,
        SupplierOrderUnknown, SupplierRejected, CardCountMismatch.
        """
        order = read_order(self._read(f"checkOrder/{order_id}"))
        if order.order_id != order_id:
            raise errors.SupplierUnavailable("the supplier answered another order")
        return order

    def list_orders(self, since: datetime, until: datetime) -> Iterator[SupplierOrder]:
        """The account's orders created in that time, page by page.

        Raises as check_order does.
        """
        window = {"from": to_text(since), "to": to_text(until)}
        for page in range(1, MOST_PAGES + 1):
            data = self._read("list", params={**window, "page": page, "pageSize": PAGE_SIZE})
            yield from map(read_order, data.get("items") or ())
            if page >= int((data.get("pagination") or {}).get("totalPages") or 1):
                return

    def _read(self, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self._send("GET", path, **options)
            if answer.status_code == 401:
                self.credentials.forget()
                answer = self._send("GET", path, **options)
        except requests.RequestException:
            raise errors.SupplierUnavailable("no answer from the supplier") from None
        self._refuse_client_errors(answer)
        return _data_of(answer)

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        secret = self.credentials.value()
        if not secret["baseUrl"]:
            self.credentials.forget()
            raise errors.SupplierCredentialsRejected("the supplier's key is not set")
        return self.session.request(
            method,
            f"{secret['baseUrl']}/v3/gift-cards/{path}",
            headers={"X-Access-Token": secret["accessToken"]},
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,
            **options,
        )

    def _refuse_client_errors(self, answer: requests.Response) -> None:
        status = answer.status_code
        if status == 401:
            self.credentials.forget()
            raise errors.SupplierCredentialsRejected
        if status == 429:
            # Waiting here lets the workflow's retry come no sooner than the supplier asked for.
            self.sleep(_retry_after(answer))
            raise errors.SupplierThrottled
        if 400 <= status < 500:
            raise _rejection(answer)


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _data_of(answer: requests.Response) -> dict[str, Any]:
    if not 200 <= answer.status_code < 300:
        raise errors.SupplierUnavailable(f"the supplier answered {answer.status_code}")
    try:
        body = answer.json()
    except ValueError:
        body = None
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise errors.SupplierUnavailable("the supplier's answer is not its envelope") from None
    return data


def _rejection(answer: requests.Response) -> errors.SupplierRejected:
    code = _error_code(answer)
    if code in _OUT_OF_STOCK:
        return errors.SupplierOutOfStock()
    if code in _NO_BALANCE:
        return errors.SupplierBalanceTooLow()
    if answer.status_code == 404:
        return errors.SupplierOrderUnknown()
    return errors.SupplierRejected(f"the supplier answered {answer.status_code}")


def _error_code(answer: requests.Response) -> str | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    error = body.get("error") if isinstance(body, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def _retry_after(answer: requests.Response) -> float:
    raw = answer.headers.get("Retry-After", "")
    return min(float(raw), LONGEST_RETRY_AFTER_S) if raw.isdigit() else 1.0
