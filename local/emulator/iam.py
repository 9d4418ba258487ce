"""IAM, when it is enforced (AUTH=true): what requests say to a policy's conditions."""

import functools
import json
from collections.abc import Mapping
from contextvars import ContextVar
from email.utils import parseaddr
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region

from local.emulator.provisioning import Response

RE_ENCRYPT = "TrentService.ReEncrypt"
CONTEXT_FIELDS = ("EncryptionContext", "SourceEncryptionContext")


def fill_gaps() -> None:
    """Let policies see what conditions ask about, and know ReEncrypt by its two actions."""
    _show_encryption_contexts()
    _show_object_keys()
    _show_senders()
    _take_loopback_for_tls()
    _name_re_encrypt()


def _show_encryption_contexts() -> None:
    """Fill a gap, in part: a condition on `kms:EncryptionContext:…` denies everything."""
    tag_context = iam_actions.request_tag_context

    @functools.wraps(tag_context)
    def with_encryption_context(service: str, action: str, body: bytes, *rest: Any) -> Any:
        context = dict(tag_context(service, action, body, *rest))
        if service == "kms":
            request = json.loads(body or b"{}")
            for field in CONTEXT_FIELDS:
                context |= condition_keys(request.get(field))
        return context

    iam_actions.request_tag_context = with_encryption_context


def _show_object_keys() -> None:
    """Fill a gap: a condition on the KMS key that a new object names sees none."""
    object_context = iam_actions._s3_object_context

    @functools.wraps(object_context)
    def with_kms_key(action: str, query: Any, path: str, headers: Mapping[str, str]) -> Any:
        context = dict(object_context(action, query, path, headers))
        key = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        if action == "s3:PutObject" and key:
            context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = key
        return context

    iam_actions._s3_object_context = with_kms_key


_sender: ContextVar[str | None] = ContextVar("sender", default=None)


def _show_senders() -> None:
    """Fill a gap: a policy that names who may send, and as whom, denies every mail."""
    enforce_ses, enforce = app._enforce_ses_v2, app._enforce_data_plane

    @functools.wraps(enforce_ses)
    def remember_sender(method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        request = json.loads(body) if body.startswith(b"{") else {}
        token = _sender.set(parseaddr(request.get("FromEmailAddress", ""))[1] or None)
        try:
            return enforce_ses(method, path, headers, body, *rest)
        finally:
            _sender.reset(token)

    @functools.wraps(enforce)
    def enforce_with_sender(service: str, *rest: Any, **options: Any) -> Any:
        if service == "sesv2" and _sender.get():
            identities = f"arn:aws:ses:{get_region()}:{get_account_id()}:identity"
            options["resource_arn"] = f"{identities}/{_sender.get()}"
            context = options.get("service_context") or {}
            options["service_context"] = {**context, "ses:FromAddress": _sender.get()}
        return enforce(service, *rest, **options)

    app._enforce_ses_v2 = remember_sender
    app._enforce_data_plane = enforce_with_sender


def _take_loopback_for_tls() -> None:
    """Fill a gap: the emulator speaks HTTP where AWS speaks HTTPS, which policies may insist on."""
    pin = app.pin_request_origin

    @functools.wraps(pin)
    def pin_as_secure(source_ip: str, _secure_transport: bool) -> None:
        pin(source_ip, True)

    app.pin_request_origin = pin_as_secure


def role_may(role: str, action: str, resource: str) -> bool:
    """Judge what a service does on behalf of a role, by the role's ARN and its policies."""
    name, account = role.rsplit("/", 1)[-1], get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")


def condition_keys(encryption_context: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what conditions can ask about an encryption context."""
    pairs = encryption_context or {}
    keys: dict[str, Any] = {f"kms:EncryptionContext:{name}": pairs[name] for name in pairs}
    if pairs:
        keys["kms:EncryptionContextKeys"] = list(pairs)
    return keys


def _name_re_encrypt() -> None:
    """Fill a gap: no policy grants `kms:ReEncrypt`; AWS asks for From and To, on two keys."""
    action_of = iam_actions.extract_iam_action

    @functools.wraps(action_of)
    def name_action(service: str, method: str, path: str, headers: Any, *rest: Any) -> Any:
        if headers.get("x-amz-target") == RE_ENCRYPT:
            return "kms:ReEncryptFrom"
        return action_of(service, method, path, headers, *rest)

    iam_actions.extract_iam_action = name_action


def refuse_re_encrypt_to(
    headers: Mapping[str, str], query: object, destination_arn: str, request: Mapping[str, Any]
) -> Response | None:
    """Check the second half of ReEncrypt; the emulator itself checks one action per request."""
    keys = condition_keys(request.get("DestinationEncryptionContext"))
    refusal: Response | None = app._enforce_data_plane(
        "kms",
        "kms:ReEncryptTo",
        headers,
        query,
        request_id="",
        resource_arn=destination_arn,
        service_context=keys,
    )
    return refusal
