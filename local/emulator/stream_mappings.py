"""Event source mappings of DynamoDB streams: how they are made and changed."""

import functools
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb, eventbridge, lambda_svc

from local.emulator import stream_delivery, stream_role
from local.emulator.provisioning import (
    Properties,
    Response,
    after_provisioning,
    before_provisioning,
)

MAPPING = "AWS::Lambda::EventSourceMapping"
OPTIONAL = (
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FilterCriteria",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
)


def fill_gaps() -> None:
    """Refuse the mappings that AWS refuses, keep what a template says, and deliver as AWS does."""
    lambda_svc._poll_dynamodb_streams = stream_delivery.poll
    before_provisioning(MAPPING, refuse_by_cloudformation)
    after_provisioning(MAPPING, apply_properties)
    _refuse_by_api()


def refuse_by_cloudformation(properties: Properties) -> None:
    """Fill a gap: CloudFormation makes every mapping, of a stream that nobody may read too."""
    if reason := why_refused(properties):
        raise ValueError(reason)


def _refuse_by_api() -> None:
    """Fill a gap: so does the API. It also takes 10 for the batch size of a stream, not 100."""
    create = lambda_svc._create_esm

    @functools.wraps(create)
    def create_if_possible(request: dict[str, Any]) -> Response:
        if reason := why_refused(request):
            refused: Response = error_response_json("InvalidParameterValueException", reason, 400)
            return refused
        default = {"BatchSize": 100} if _is_of_a_stream(request) else {}
        made: Response = create({**default, **request})
        return made

    lambda_svc._create_esm = create_if_possible


def apply_properties(mapping_id: str, properties: Properties, _before: Properties) -> None:
    """Fill a gap: an update keeps what the template no longer says, and the old alias."""
    if not _is_of_a_stream(properties):
        return
    mapping = lambda_svc._esms[mapping_id]
    mapping["BatchSize"] = int(properties.get("BatchSize", 100))
    mapping["FunctionResponseTypes"] = properties.get("FunctionResponseTypes", [])
    _name, mapping["Qualifier"] = lambda_svc._resolve_request_scoped_name_and_qualifier(
        properties["FunctionName"]
    )
    for gone in set(OPTIONAL) - properties.keys():
        mapping.pop(gone, None)


def why_refused(mapping: Mapping[str, Any]) -> str | None:
    """Say why AWS would not make this mapping of a stream; None when it would."""
    function = _function(mapping.get("FunctionName", ""))
    if function is None or not _is_of_a_stream(mapping):
        return None  # the emulator's own matter
    stream, role = mapping["EventSourceArn"], function["config"]["Role"]
    streams = [table.get("LatestStreamArn") for table in dynamodb._tables.values()]
    if stream not in streams:
        return f"Stream not found: {stream}"
    return (
        _wrong_filter(mapping)
        or stream_role.cannot_read(role, stream)
        or stream_role.cannot_send(role, mapping)
    )


def _is_of_a_stream(mapping: Mapping[str, Any]) -> bool:
    source = str(mapping.get("EventSourceArn", ""))
    return ":dynamodb:" in source and "/stream/" in source


def _function(reference: str) -> dict[str, Any] | None:
    name, _qualifier = lambda_svc._resolve_request_scoped_name_and_qualifier(reference)
    function: dict[str, Any] | None = lambda_svc._functions.get(name)
    return function


def _wrong_filter(mapping: Mapping[str, Any]) -> str | None:
    """AWS refuses a wrong filter; the emulator lets everything pass it."""
    for one in (mapping.get("FilterCriteria") or {}).get("Filters") or ():
        _alternatives, reason = eventbridge._parse_pattern_text(one.get("Pattern"))
        if reason:
            return f"Invalid filter pattern definition. {reason}"
    return None
