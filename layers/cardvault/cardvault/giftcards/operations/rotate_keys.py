"""Rotating the keys of gift cards: both secrets, step by step, each asked for by an operator."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cardvault.aws.logs import logger
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import InvalidRequest
from cardvault.giftcards.operations.reseal import ResealGiftCards
from cardvault.giftcards.security.keys import Keys, Stage
from cardvault.http.fields import CURSOR, Schema
from cardvault.http.schemas import body, checker

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_ACTION: Schema = {"action": {"type": "string"}}
_check_step = checker(body(_ACTION))
_check_reseal = checker(body(_ACTION, {"cursor": CURSOR}))
_SWITCHED = frozenset({Stage.SWITCHED, Stage.RESEALED})


@dataclass(frozen=True, slots=True)
class RotateKeys:
    """Actions by name: status, prepare, switch, reseal, retire.

    The numbers' secret says how far the rotation is. A step changes it last: repeated after it
    died between the two secrets, the step finds its first half done and does the other.
    """

    client: "SecretsManagerClient"
    numbers_arn: str
    codes_arn: str
    reseal: ResealGiftCards
    clock: Clock = utc_now

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out `{"action": …}`; answers how far the rotation is. Raises InvalidRequest."""
        actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "status": self._status,
            "prepare": self._prepare,
            "switch": self._switch,
            "reseal": self._reseal,
            "retire": self._retire,
        }
        action = actions.get(str(request.get("action")))
        if action is None:
            raise InvalidRequest(f"action must be one of {', '.join(actions)}")
        answer = action(request)
        shown = {name: value for name, value in answer.items() if name != "nextCursor"}
        logger.info("operator's action", action=request["action"], **shown)
        return answer

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        _check_step(request)
        return _shown(self._read(self.numbers_arn))

    def _prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put a next key beside the one in use; the one that is there already, if there is one."""
        _check_step(request)
        numbers, codes = self._read(self.numbers_arn), self._read(self.codes_arn)
        _expect(numbers, {Stage.SETTLED, Stage.PREPARED})
        self._write(self.codes_arn, codes, codes.prepared(_new_key(), self.clock()))
        return self._write(self.numbers_arn, numbers, numbers.prepared(_new_key(), self.clock()))

    def _switch(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put the next key in use; nothing, if that was done."""
        _check_step(request)
        numbers, codes = self._read(self.numbers_arn), self._read(self.codes_arn)
        _expect(numbers, {Stage.PREPARED, *_SWITCHED})
        if numbers.stage is Stage.PREPARED:
            numbers.expect_read_everywhere(self.clock())
        self._write(self.codes_arn, codes, codes.switched(self.clock()))
        return self._write(self.numbers_arn, numbers, numbers.switched(self.clock()))

    def _reseal(self, request: dict[str, Any]) -> dict[str, Any]:
        """One round of taking what is stored to the key in use."""
        cursor = _check_reseal(request).get("cursor")
        numbers = self._read(self.numbers_arn)
        _expect(numbers, _SWITCHED)
        numbers.expect_read_everywhere(self.clock())
        progress = self.reseal(cursor)
        if progress.is_clean:
            self._write(self.numbers_arn, numbers, numbers.resealed(self.clock()))
        answer: dict[str, Any] = {"resealed": progress.resealed, "failed": progress.failed}
        return {**answer, "nextCursor": progress.cursor} if progress.cursor else answer

    def _retire(self, request: dict[str, Any]) -> dict[str, Any]:
        """Drop the numbers' former key; the codes' stay, for the codes issued under them."""
        _check_step(request)
        numbers = self._read(self.numbers_arn)
        _expect(numbers, {Stage.RESEALED, Stage.SETTLED})
        return self._write(self.numbers_arn, numbers, numbers.retired(self.clock()))

    def _read(self, arn: str) -> Keys:
        return Keys.of(json.loads(self.client.get_secret_value(SecretId=arn)["SecretString"]))

    def _write(self, arn: str, before: Keys, after: Keys) -> dict[str, Any]:
        if after != before:
            text = json.dumps(after.as_secret())
            self.client.put_secret_value(SecretId=arn, SecretString=text)
        return _shown(after)


def _expect(numbers: Keys, allowed: set[Stage] | frozenset[Stage]) -> None:
    if numbers.stage not in allowed:
        raise InvalidRequest(f"not now: the rotation is {numbers.stage}")


def _shown(numbers: Keys) -> dict[str, Any]:
    changed_at = {"changedAt": to_text(numbers.changed_at)} if numbers.changed_at else {}
    return {"stage": numbers.stage.value, **changed_at}


def _new_key() -> str:
    """As long as those that CloudFormation makes, and more random: 512 bits in hex."""
    return secrets.token_hex(64)
