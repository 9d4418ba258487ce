"""The supplier's gift-card API, version 3, as docs/supplier-contract.md describes it.

Nothing of an answer's body gets into an exception or a log line: bodies carry codes (I1).
placeOrder is sent once per call (I3), and once more only if the key it went under was refused,
which buys nothing, and another key was set meanwhile.
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
from cardvault.aws.cached_secret import CachedSecret, Secret
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.core.clock import to_text
from cardvault.http.outgoing import Answer, Bounds
from cardvault.supplier.answers import SupplierOrder, is_order_id, list_of, pages_of, read_order
from cardvault.supplier.circuit_breaker import CircuitBreaker, CircuitBreakerRecord
from cardvault.supplier.key_check import KeyKind
from cardvault.supplier.refusals import error_code, refusal_of, retry_after

CONNECT_TIMEOUT_S = 3.05
READ_TIMEOUT_S = 20.0
# 10,000 cards of 800 bytes: more than one answer of the supplier may hold.
BOUNDS = Bounds(longest=8 * 1024 * 1024, within_s=25.0)
CONNECTIONS = 4
PAGE_SIZE = 100
MOST_PAGES = 50
KEYS_A_CALL = 2  # the one at hand, and the one that was set since

# What any request to the supplier may raise.
ERRORS = (
    errors.SupplierBalanceTooLow,
    errors.SupplierBlocked,
    errors.SupplierCredentialsRejected,
    errors.SupplierOrderUnknown,
    errors.SupplierOutOfStock,
    errors.SupplierProductUnknown,
    errors.SupplierRejected,
    errors.SupplierThrottled,
    errors.SupplierUnavailable,
)

Send = Callable[[Secret], Answer]


def _new_session() -> requests.Session:
    session = requests.Session()
    adapter = HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.trust_env = False  # a stray proxy or .netrc must not see the key
    return session


@dataclass(frozen=True, slots=True)
class SupplierClient:
    """Calls under `credentials`, a secret `{"baseUrl": …, "accessToken": …, "kind": …}`."""

    credentials: CachedSecret
    circuit_breaker: CircuitBreaker
    sleep: Callable[[float], None] = time.sleep
    session: requests.Session = field(default_factory=_new_session)

    def sells_real_cards(self) -> bool:
        """Whether the key is not known to be of the supplier's sandbox, which repeats its codes."""
        return bool(self.credentials.value().get("kind") != KeyKind.SANDBOX)

    def make_ready(self) -> None:
        """Have a key at hand that may be used.

        Raises SupplierBlocked, SupplierThrottled or SupplierUnavailable while nothing is to be
        asked; SupplierCredentialsRejected if no key was ever set, or the supplier refused the
        present one less than a minute ago.
        """
        self._key()

    def _key(self) -> Secret:
        refused_version = self.circuit_breaker.refused_version()
        key = self.credentials.current()
        if key.version == refused_version or not key.value["baseUrl"]:
            self.credentials.forget()  # it may have been changed since it was read
            key = self.credentials.current()
        if key.version == refused_version:
            raise errors.SupplierCredentialsRejected
        if not key.value["baseUrl"]:
            raise errors.SupplierCredentialsRejected("the supplier's key is not set")
        return key

    def place_order(self, product_id: str, type_id: str, quantity: int) -> str:
        """Buy, and return the supplier's order id.

        Raises SupplierRejected (or a kind of it), SupplierThrottled, SupplierUnavailable,
        SupplierBlocked and SupplierCredentialsRejected when nothing was bought;
        PlacementUnknown when that is not known.
        """
        order = {"productId": product_id, "typeId": type_id, "quantity": quantity}
        try:
            answer = self._ask(lambda key: _post(key, "placeOrder", order))
        except requests.RequestException as error:
            if _never_sent(error):
                raise errors.SupplierUnavailable("no connection to the supplier") from None
            raise errors.PlacementUnknown from None
        if 400 <= answer.status_code < 500:
            refusal = refusal_of(answer) or errors.PlacementUnknown()
            if isinstance(refusal, errors.SupplierOrderUnknown):
                raise errors.SupplierProductUnknown  # there is no order yet: it is what was wanted
            raise refusal
        try:
            order_id = _data_of(answer).get("orderId")
        except errors.SupplierUnavailable:
            raise errors.PlacementUnknown from None
        if not isinstance(order_id, str) or not is_order_id(order_id):
            raise errors.PlacementUnknown
        return order_id

    def check_order(self, order_id: str, *, cards: bool = False) -> SupplierOrder:
        """The order's present state, with its cards if they are wanted and there.

        Raises SupplierUnavailable, SupplierThrottled, SupplierBlocked,
        SupplierCredentialsRejected, SupplierOrderUnknown, SupplierRejected, CardUnreadable.
        """
        order = read_order(self._read(f"checkOrder/{order_id}"), cards=cards)
        if order.order_id != order_id:
            raise errors.SupplierUnavailable("the supplier answered another order")
        if order.unknown:
            count("SupplierAnswerUnknown")
            logger.warning("the supplier's answer has what is not known", names=order.unknown)
        return order

    def list_orders(self, since: datetime, until: datetime) -> Iterator[SupplierOrder]:
        """The account's orders created in that time, page by page, without their cards.

        Raises as check_order does; SupplierUnavailable also when there are too many to tell.
        """
        window = {"from": to_text(since), "to": to_text(until)}
        for page in range(1, MOST_PAGES + 1):
            data = self._read("list", params={**window, "page": page, "pageSize": PAGE_SIZE})
            items = [item for item in list_of(data.get("items")) if isinstance(item, dict)]
            yield from (read_order(item) for item in items if is_order_id(item.get("_id")))
            if page >= pages_of(data.get("pagination")):
                return
        raise errors.SupplierUnavailable("the supplier's list is too long to be sure")

    def pause(self, error: errors.SupplierThrottled) -> None:
        """Wait as long as the supplier asked for, so that no retry comes sooner."""
        self.sleep(error.retry_after_s)

    def _read(self, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self._ask(lambda key: self._get(key, path, **options))
        except requests.RequestException:
            raise errors.SupplierUnavailable("no answer from the supplier") from None
        if answer.status_code >= 500 and "Retry-After" in answer.headers:
            self.sleep(retry_after(answer))
        if 400 <= answer.status_code < 500:
            refusal = refusal_of(answer) or errors.SupplierRejected()
            if isinstance(refusal, errors.SupplierThrottled):
                self.pause(refusal)
            raise refusal
        return _data_of(answer)

    def _ask(self, send: Send) -> Answer:
        """What the supplier answers: a refused key is sent once, and trouble is remembered."""
        for _ in range(KEYS_A_CALL):
            key = self._key()
            admitted = self._admit()
            try:
                answer = send(key)
            except requests.RequestException:
                self.circuit_breaker.note_failed(admitted)
                raise
            if answer.status_code != 401:
                break
            self.circuit_breaker.note_refused(key.version)
        self._note_end(answer, admitted)
        return answer

    def _admit(self) -> CircuitBreakerRecord:
        try:
            return self.circuit_breaker.admit()
        except errors.TooManyWriters:  # so many ask at once; nothing was sent
            raise errors.SupplierThrottled from None

    def _note_end(self, answer: Answer, admitted: CircuitBreakerRecord) -> None:
        if answer.status_code >= 500:
            self.circuit_breaker.note_failed(admitted)
        elif answer.status_code == 429:
            self.circuit_breaker.note_throttled(retry_after(answer))
        elif answer.status_code >= 400 and error_code(answer) == "IP_BLOCKED":
            self.circuit_breaker.note_blocked()
        elif answer.status_code != 401:
            self.circuit_breaker.note_well(admitted)

    def _get(self, key: Secret, path: str, **options: Any) -> Answer:
        try:
            return _send(self.session, key, "GET", path, **options)
        except requests.Timeout:
            raise
        except requests.ConnectionError:  # a kept connection that died: once more, on a new one
            return _send(self.session, key, "GET", path, **options)


def _post(key: Secret, path: str, body: dict[str, Any]) -> Answer:
    # A kept connection may be dead by now, and on a dead one nobody can tell whether the order
    # was heard: https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html
    with _new_session() as fresh:
        return _send(fresh, key, "POST", path, json=body)


def _send(session: requests.Session, key: Secret, method: str, path: str, **options: Any) -> Answer:
    return BOUNDS.ask(
        session,
        method,
        f"{key.value['baseUrl']}/v3/gift-cards/{path}",
        headers={"X-Access-Token": key.value["accessToken"]},
        timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        **options,
    )


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _data_of(answer: Answer) -> dict[str, Any]:
    if not 200 <= answer.status_code < 300:
        raise errors.SupplierUnavailable(f"the supplier answered {answer.status_code}")
    body = answer.json()
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise errors.SupplierUnavailable("the supplier's answer is not its envelope")
    return data
