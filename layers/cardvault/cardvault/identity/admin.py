"""What operators do with API clients and the supplier's key. Invoked under IAM, never over HTTP."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cardvault.aws.logs import logger
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import InvalidRequest
from cardvault.http.fields import ID, Schema, name
from cardvault.http.schemas import body, checker
from cardvault.identity import ceilings, clients, retention

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_SANDBOX = "SANDBOX"
_ACTION: Schema = {"action": {"type": "string"}}
_SCOPES: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "enum": list(clients.SCOPES)},
}
_check_create = checker(body({**_ACTION, "name": name(100), "scopes": _SCOPES}, {"tenantId": ID}))
_check_client = checker(body({**_ACTION, "clientId": ID}))
_CEILING: Schema = {"type": ["integer", "null"], "minimum": 0, "maximum": 10**9}
_CEILINGS = {"cards_per_order": "cardsPerOrder", "cards_per_day": "cardsPerDay"}
_WHOSE = {"clientId": ID, "tenantId": ID}
_check_whose = checker(body(_ACTION, _WHOSE))
_check_ceilings = checker(body(_ACTION, {**_WHOSE, **dict.fromkeys(_CEILINGS.values(), _CEILING)}))
_DAYS: Schema = {"type": ["integer", "null"], "minimum": 0, "maximum": 3650}
_KEPT_FOR = {
    "shred_after_days": "shredAfterDays",
    "shred_after_delivery_days": "shredAfterDeliveryDays",
    "erase_after_days": "eraseAfterDays",
}
_check_tenant = checker(body({**_ACTION, "tenantId": ID}))
_check_retention = checker(
    body({**_ACTION, "tenantId": ID}, dict.fromkeys(_KEPT_FOR.values(), _DAYS))
)
_check_supplier = checker(
    body(
        {
            **_ACTION,
            "baseUrl": {"type": "string", "maxLength": 200},
            "accessToken": {"type": "string", "minLength": 1, "maxLength": 200},
        }
    )
)


@dataclass(frozen=True, slots=True)
class ManageClients:
    """Actions by name: create, rotate, revoke, {set,get}_{ceilings,retention}, set_supplier_key.

    `check_key(base_url, access_token)` has the supplier say whether a key is PRODUCTION or SANDBOX,
    and raises InvalidRequest for one that cannot place orders. A SANDBOX key is refused unless
    `sandbox_key_allowed`.
    """

    secrets_manager: "SecretsManagerClient"
    supplier_secret_arn: str
    check_key: Callable[[str, str], str]
    sandbox_key_allowed: bool = False
    clock: Clock = utc_now

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out `{"action": …}` and answer; a new secret is in the answer and nowhere else.

        Raises InvalidRequest, ClientNotFound, SupplierUnavailable.
        """
        actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "create": self._create,
            "rotate": self._rotate,
            "revoke": self._revoke,
            "set_ceilings": self._set_ceilings,
            "get_ceilings": self._get_ceilings,
            "set_retention": self._set_retention,
            "get_retention": self._get_retention,
            "set_supplier_key": self._set_supplier_key,
        }
        action = actions.get(str(request.get("action")))
        if action is None:
            raise InvalidRequest(f"action must be one of {', '.join(actions)}")
        answer = action(request)
        numbers = (*_CEILINGS.values(), *_KEPT_FOR.values())
        shown = ("clientId", "tenantId", "scopes", "baseUrl", "kind", *numbers)
        details = {field: answer[field] for field in shown if field in answer}
        logger.info("operator's action", action=request["action"], **details)
        return answer

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = _check_create(request)
        made = clients.create(wanted["name"], wanted["scopes"], wanted.get("tenantId"))
        return {**clients.view(made.client), "clientSecret": made.secret}

    def _rotate(self, request: dict[str, Any]) -> dict[str, Any]:
        made = clients.rotate(_check_client(request)["clientId"])
        return {
            **clients.view(made.client),
            "clientSecret": made.secret,
            "oldSecretUntil": made.client.old_secret_until,
        }

    def _revoke(self, request: dict[str, Any]) -> dict[str, Any]:
        client = clients.revoke(_check_client(request)["clientId"])
        return {**clients.view(client), "revokedAt": client.revoked_at}

    def _set_ceilings(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = _check_ceilings(request)
        kind, its_id = _whose(wanted)
        if kind == ceilings.CLIENT:
            clients.find(its_id)
        given = {name: wanted[field] for name, field in _CEILINGS.items() if field in wanted}
        if not given:
            raise InvalidRequest(f"{' or '.join(_CEILINGS.values())} is required")
        ceilings.change(kind, its_id, given)
        return {field: value for field, value in wanted.items() if field != "action"}

    def _get_ceilings(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = _check_whose(request)
        kind, its_id = _whose(wanted)
        record = ceilings.find(kind, its_id)
        return {
            f"{kind}Id": its_id,
            **{field: getattr(record, name) for name, field in _CEILINGS.items()},
            "cardsToday": record.counted_on(ceilings.day_of(self.clock())),
        }

    def _set_retention(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = _check_retention(request)
        given = {name: wanted[field] for name, field in _KEPT_FOR.items() if field in wanted}
        if not given:
            raise InvalidRequest(f"{' or '.join(_KEPT_FOR.values())} is required")
        retention.change(wanted["tenantId"], given)
        return {field: value for field, value in wanted.items() if field != "action"}

    def _get_retention(self, request: dict[str, Any]) -> dict[str, Any]:
        tenant_id = _check_tenant(request)["tenantId"]
        own = retention.find(tenant_id)
        days = {field: getattr(own, name) for name, field in _KEPT_FOR.items()}
        return {"tenantId": tenant_id, **days}

    def _set_supplier_key(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = _check_supplier(request)
        base_url = wanted["baseUrl"].rstrip("/").removesuffix("/v3")
        try:
            address = urlsplit(base_url)
        except ValueError:
            raise InvalidRequest("baseUrl must be an https address") from None
        bare = base_url == f"https://{address.netloc}" and "@" not in address.netloc
        if not address.hostname or not bare:
            raise InvalidRequest("baseUrl must be an https address: a host, and a port if need be")
        kind = self.check_key(base_url, wanted["accessToken"])
        if kind == _SANDBOX and not self.sandbox_key_allowed:
            raise InvalidRequest("this accessToken is of the supplier's sandbox: it buys nothing")
        # What kind it is stands beside it: a sandbox sells the same codes again and again.
        secret = {"baseUrl": base_url, "accessToken": wanted["accessToken"], "kind": kind}
        self.secrets_manager.put_secret_value(
            SecretId=self.supplier_secret_arn, SecretString=json.dumps(secret)
        )
        return {"baseUrl": base_url, "kind": kind}


def _whose(wanted: dict[str, Any]) -> tuple[str, str]:
    """Whose ceilings are meant: a client's or a tenant's, and its id."""
    if ("clientId" in wanted) == ("tenantId" in wanted):
        raise InvalidRequest("either clientId or tenantId is required")
    if "clientId" in wanted:
        return ceilings.CLIENT, wanted["clientId"]
    return ceilings.TENANT, wanted["tenantId"]
