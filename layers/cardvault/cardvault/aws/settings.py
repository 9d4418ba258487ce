"""The settings that a function finds in its environment. Nothing else reads that.

Each variable is read when it is first asked for, at init, so a function declares exactly the
variables it uses and fails loudly, by name, on one that is missing.
"""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class MissingSetting(RuntimeError):
    """A variable is absent, empty or malformed; names the variable, never its value."""


class _Variable(Generic[T]):
    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name, self._parse = name, parse

    def __get__(self, settings: "Settings", owner: type) -> T:
        try:
            return self._parse(settings.environment[self.name])
        except (KeyError, ValueError, OverflowError):
            raise MissingSetting(f"set {self.name}") from None


def _text(raw: str) -> str:
    if not raw:
        raise ValueError
    return raw


def _yes_or_no(raw: str) -> bool:
    return {"yes": True, "no": False}[raw]


def _hours(raw: str) -> timedelta:
    return timedelta(hours=int(raw))


def _seconds(raw: str) -> timedelta:
    return timedelta(seconds=int(raw))


class Settings:
    """Typed access to the environment; `environment` can be given in tests.

    Raises MissingSetting at the first read of a variable that is absent or malformed.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.environment = environment

    service_name = _Variable("POWERTOOLS_SERVICE_NAME", _text)

    orders_table = _Variable("ORDERS_TABLE", _text)
    code_marks_table = _Variable("CODE_MARKS_TABLE", _text)
    data_keys_table = _Variable("DATA_KEYS_TABLE", _text)
    audit_table = _Variable("AUDIT_TABLE", _text)
    planted_orders = _Variable("PLANTED_ORDERS", str)
    clients_table = _Variable("CLIENTS_TABLE", _text)
    gift_cards_table = _Variable("GIFT_CARDS_TABLE", _text)
    gift_programs_table = _Variable("GIFT_PROGRAMS_TABLE", _text)
    gift_guards_table = _Variable("GIFT_GUARDS_TABLE", _text)

    card_key_arn = _Variable("CARD_KEY_ARN", _text)
    signing_key_arn = _Variable("SIGNING_KEY_ARN", _text)
    published_key_arn = _Variable("PUBLISHED_KEY_ARN", str)
    supplier_secret_arn = _Variable("SUPPLIER_SECRET_ARN", _text)
    sandbox_key_allowed = _Variable("SANDBOX_KEY_ALLOWED", _yes_or_no)
    fingerprint_secret_arn = _Variable("FINGERPRINT_SECRET_ARN", _text)
    card_number_secret_arn = _Variable("CARD_NUMBER_SECRET_ARN", _text)
    security_code_secret_arn = _Variable("SECURITY_CODE_SECRET_ARN", _text)

    state_machine_arn = _Variable("STATE_MACHINE_ARN", _text)
    tenants_cards_per_day = _Variable("TENANTS_CARDS_PER_DAY", int)
    shred_after_days = _Variable("SHRED_AFTER_DAYS", int)
    shred_after_delivery_days = _Variable("SHRED_AFTER_DELIVERY_DAYS", int)
    erase_after_days = _Variable("ERASE_AFTER_DAYS", int)
    adoptable_after = _Variable("ADOPTABLE_AFTER_SECONDS", _seconds)
    fulfilment_deadline = _Variable("FULFILMENT_DEADLINE_SECONDS", _seconds)
    blocked_pause = _Variable("BLOCKED_PAUSE_SECONDS", _seconds)
    outage_pause = _Variable("OUTAGE_PAUSE_SECONDS", _seconds)
    supplier_requests_per_second = _Variable("SUPPLIER_REQUESTS_PER_SECOND", int)

    token_issuer = _Variable("TOKEN_ISSUER", _text)
    token_audience = _Variable("TOKEN_AUDIENCE", _text)
    token_lifetime = _Variable("TOKEN_LIFETIME_SECONDS", _seconds)

    links_table = _Variable("LINKS_TABLE", _text)
    link_lifetime = _Variable("CLAIM_LINK_HOURS", _hours)
    downloads_bucket = _Variable("DOWNLOADS_BUCKET", _text)
    downloads_key_arn = _Variable("DOWNLOADS_KEY_ARN", _text)

    mail_sender = _Variable("MAIL_SENDER", str)
    mail_reply_to = _Variable("MAIL_REPLY_TO", str)
    mail_configuration_set = _Variable("MAIL_CONFIGURATION_SET", _text)
    shop_name = _Variable("SHOP_NAME", _text)
    public_url_parameter = _Variable("PUBLIC_URL_PARAMETER", _text)
