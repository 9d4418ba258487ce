"""Refusals that take equally long, whatever was looked up or written before (see LinkUnusable)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cardvault.errors import LinkUnusable


@dataclass(frozen=True, slots=True)
class Patience:
    """Holds refusals back until `floor_s` seconds have passed, longer than any honest one takes.

    With `always`, every outcome is held back. `monotonic` and `sleep` can be given in tests.
    """

    floor_s: float = 0.3
    always: bool = False
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Around the work that may refuse."""
        started = self.monotonic()
        try:
            yield
        except LinkUnusable:
            self._wait(started)
            raise
        if self.always:
            self._wait(started)

    def _wait(self, started: float) -> None:
        self.sleep(max(0.0, self.floor_s - (self.monotonic() - started)))
