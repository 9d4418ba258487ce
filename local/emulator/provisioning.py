"""Hooks into the emulator's CloudFormation: what to do after it made or changed a resource."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

Properties = Mapping[str, Any]
Hook = Callable[[str, Properties, Properties], None]
Response = tuple[int, Mapping[str, str], bytes]


def after_provisioning(resource_type: str, hook: Hook) -> None:
    """Call `hook(physical id, properties, properties before)` after every create and update.

    The emulator's own handler runs first, so the hook only adds what that handler dropped.
    """
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handlers["create"], handlers["update"]

    @functools.wraps(create)
    def create_then_hook(logical_id: str, properties: Properties, stack: str) -> Any:
        made = create(logical_id, properties, stack)
        hook(made[0], properties, {})
        return made

    @functools.wraps(update)
    def update_then_hook(
        physical_id: str, before: Properties, properties: Properties, *rest: Any, **named: Any
    ) -> Any:
        made = update(physical_id, before, properties, *rest, **named)
        hook(made[0], properties, before)
        return made

    handlers["create"], handlers["update"] = create_then_hook, update_then_hook


def before_provisioning(resource_type: str, check: Callable[[Properties], None]) -> None:
    """Call `check(properties)` before every create; what it raises is why the resource failed."""
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create = handlers["create"]

    @functools.wraps(create)
    def check_then_create(logical_id: str, properties: Properties, stack: str) -> Any:
        check(properties)
        return create(logical_id, properties, stack)

    handlers["create"] = check_then_create


def provision(
    resource_type: str,
    *,
    create: Callable[[Properties], str],
    delete: Callable[[str, Properties], None],
) -> None:
    """Let the emulator know a type of resource: `create(properties)` returns the physical id."""

    def made(_logical_id: str, properties: Properties, _stack: str) -> tuple[str, dict[str, str]]:
        return create(properties), {}

    provisioners._RESOURCE_HANDLERS[resource_type] = {"create": made, "delete": delete}


def off_the_event_loop(resource_type: str) -> None:
    """Make resources of that type in a thread, since what makes them waits for this emulator."""
    in_a_thread = stacks._runs_on_worker_thread

    @functools.wraps(in_a_thread)
    def runs_in_a_thread(kind: str) -> bool:
        return kind == resource_type or bool(in_a_thread(kind))

    stacks._runs_on_worker_thread = runs_in_a_thread


def accepted(response: Response, what: str) -> dict[str, Any]:
    """Return the body of an answer from the emulator's service code; raise when it is an error."""
    status, _headers, body = response
    if status >= 400:
        message = f"{what}: {body.decode(errors='replace')}"
        raise ValueError(message)
    return dict(json.loads(body)) if body[:1] == b"{" else {}


def is_true(value: object) -> bool:
    """Read a CloudFormation boolean, which may arrive as a word."""
    return str(value).lower() == "true"
