"""Invoked under IAM: gift-card programs."""

from typing import Any

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import operator_action
from cardvault.errors import InvalidRequest
from cardvault.giftcards.define_programs import create, get, update, view
from cardvault.giftcards.programs import ProgramRecord

tables.use(Settings(), ProgramRecord)

ACTIONS = {
    "create": create,
    "update": update,
    "get": get,
}


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Carries out `{"action": create | update | get, …}`; answers the program."""
    action = ACTIONS.get(str(event.get("action")))
    if action is None:
        raise InvalidRequest(f"action must be one of {', '.join(ACTIONS)}")
    return view(action(event))
