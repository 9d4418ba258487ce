"""Work in rounds, for functions that an operator invokes and waits for.

`aws lambda invoke` waits 60 seconds for an answer, then drops it and sends the request again. So
a round ends by itself within TIME_BUDGET and one AWS call more, and its answer says where the next
one goes on: the last thing that was finished, as a cursor.
Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-options.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from cardvault.core.clock import Clock
from cardvault.errors import OutOfTime

T = TypeVar("T")

TIME_BUDGET = timedelta(seconds=25)


@dataclass(frozen=True, slots=True)
class Round:
    """The time that one round has."""

    ends_at: datetime
    clock: Clock

    @classmethod
    def of(cls, time_budget: timedelta, clock: Clock) -> Self:
        """A round that begins now."""
        return cls(clock() + time_budget, clock)

    def expect_time(self) -> None:
        """To be asked before each AWS call. Raises OutOfTime when the round is over."""
        if self.clock() >= self.ends_at:
            raise OutOfTime

    def pace(self, items: Iterable[T]) -> Iterator[T]:
        """The items, each asked for in time, since each may take a call. Raises OutOfTime."""
        rest, end = iter(items), object()
        while True:
            self.expect_time()
            item: Any = next(rest, end)
            if item is end:
                return
            yield item
