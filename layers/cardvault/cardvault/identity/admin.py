"""What operators do with API clients and the supplier's key. Invoked under IAM, never over HTTP."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cardvault.aws.logs import logger
from cardvault.errors import InvalidRequest
from cardvault.http.fields import ID, Schema, name
from cardvault.http.schemas import body, checker
from cardvault.identity import clients

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_ACTION: Schema = {"action": {"type": "string"}}
_SCOPES: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "enum": list(clients.SCOPES)},
}
_check_create = checker(body({**_ACTION, "name": name(100), "scopes": _SCOPES}, {"tenantId": ID}))
_check_client = checker(body({**_ACTION, "clientId": ID}))
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
    """Actions by name: create, rotate, revoke, set_supplier_key."""

    secrets_manager: "SecretsManagerClient"
    supplier_secret_arn: str

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out `{"action": …}` and answer; a new secret is in the answer and nowhere else.

        Raises InvalidRequest, ClientNotFound.
        """
        actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "create": self._create,
            "rotate": self._rotate,
            "revoke": self._revoke,
            "set_supplier_key": self._set_supplier_key,
        }
        action = actions.get(str(request.get("action")))
        if action is None:
            raise InvalidRequest(f"action must be one of {', '.join(actions)}")
        answer = action(request)
        shown = ("clientId", "tenantId", "scopes", "baseUrl")
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
        secret = {"baseUrl": base_url, "accessToken": wanted["accessToken"]}
        self.secrets_manager.put_secret_value(
            SecretId=self.supplier_secret_arn, SecretString=json.dumps(secret)
        )
        return {"baseUrl": base_url}
