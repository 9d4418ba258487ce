"""AWS calls counted, cut short, or interrupted by what somebody else does meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.client
import pytest


class Crash(BaseException):
    """The process dies here."""


@contextmanager
def calls() -> Iterator[list[str]]:
    """The names of the AWS calls made from now on, each before it is made."""
    made: list[str] = []
    with before_each(made.append):
        yield made


@contextmanager
def crash_at(number: int, *, after: bool = False) -> Iterator[None]:
    """Die before or after the n-th AWS call from now on, as a process does: for good."""
    real = vars(botocore.client.BaseClient)["_make_api_call"]
    made: list[str] = []

    def dying(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        made.append(operation)
        if len(made) == number and not after:
            raise Crash
        answer = real(client, operation, arguments)
        if len(made) == number:
            raise Crash
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", dying)
        yield


@contextmanager
def interrupted_at(number: int, meanwhile: Callable[[], object]) -> Iterator[None]:
    """Before the n-th AWS call from now on, let somebody else do something to its end."""
    made: list[str] = []

    def step_aside(operation: str) -> None:
        made.append(operation)
        if len(made) == number:
            meanwhile()

    with before_each(step_aside):
        yield


@contextmanager
def before_each(do: Callable[[str], object]) -> Iterator[None]:
    """Do something before each AWS call, but not before those that it makes itself."""
    real = vars(botocore.client.BaseClient)["_make_api_call"]
    busy: list[str] = []

    def doing(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if not busy:
            busy.append(operation)
            try:
                do(operation)
            finally:
                busy.clear()
        return real(client, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", doing)
        yield
