"""Trying again: after a lost race, and when a partition has no room.

A record that several callers may change at once is read, judged and written under a condition.
A caller whose condition fails has lost the race and reads again: `retry_lost_races` is that loop.

A partition takes 1,000 write units and 3,000 read units a second. What it refuses for that reason
is sent again unchanged by `retry_throttled`: nothing was done and no other writer was there.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
"""

import functools
import random
from collections.abc import Callable
from time import sleep
from typing import ParamSpec, TypeVar

from pynamodb.exceptions import PynamoDBException

from cardvault.aws.service_errors import is_throttled
from cardvault.errors import TooManyWriters

P = ParamSpec("P")
T = TypeVar("T")

# The system's randomness has no state that SnapStart clones could share (I12).
_jitter = random.SystemRandom()

RACE_TRIES = 12
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5

# Under six seconds at most, so that a caller who waits gets an answer.
THROTTLED_TRIES = 10
FIRST_THROTTLED_PAUSE_S = 0.05
LONGEST_THROTTLED_PAUSE_S = 1.0


class LostRace(Exception):
    """A condition of the transaction no longer held, or another transaction was in the way."""


def retry_lost_races(work: Callable[P, T]) -> Callable[P, T]:
    """Call the function again, from its first line, until it does not lose a race.

    It reads, decides and commits. Pauses with full jitter in between. Raises TooManyWriters after
    RACE_TRIES tries, and what the function raises.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    @functools.wraps(work)
    def retried(*args: P.args, **kwargs: P.kwargs) -> T:
        for number in range(RACE_TRIES):
            try:
                return work(*args, **kwargs)
            except LostRace:
                _pause(number, FIRST_PAUSE_S, LONGEST_PAUSE_S)
        raise TooManyWriters

    return retried


def retry_throttled(request: Callable[[], T], *, tries: int = THROTTLED_TRIES) -> T:
    """Make a request until its partition has room for it.

    Pauses with full jitter in between. The last refusal is raised as it is, and so is every
    other failure: a transaction with a failed condition among its reasons will not get better.
    """
    for number in range(tries - 1):
        try:
            return request()
        except PynamoDBException as error:
            if not is_throttled(error):
                raise
            _pause(number, FIRST_THROTTLED_PAUSE_S, LONGEST_THROTTLED_PAUSE_S)
    return request()


def _pause(number: int, first_s: float, longest_s: float) -> None:
    sleep(_jitter.uniform(0, min(longest_s, first_s * 2**number)))
