"""IAM, when it is enforced (AUTH=true): what a KMS request says to a policy's conditions."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions

from local.emulator.provisioning import Response

RE_ENCRYPT = "TrentService.ReEncrypt"
CONTEXT_FIELDS = ("EncryptionContext", "SourceEncryptionContext")


def fill_gaps() -> None:
    """Let policies see encryption contexts, and know ReEncrypt by its two actions."""
    _show_encryption_contexts()
    _name_re_encrypt()


def _show_encryption_contexts() -> None:
    """Fill row 26, in part: a condition on `kms:EncryptionContext:…` denies everything."""
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
