"""A minimum response time for refusals: timing does not show whether a link exists.

Source: CWE-208, observable timing discrepancy. The refusal is LinkUnusable.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cardvault.errors import LinkUnusable


@dataclass(frozen=True, slots=True)
class MinResponseTime:
    """Delays refusals until `floor_s` seconds have passed, longer than any of them takes.

    With `always`, every outcome is delayed. `monotonic` and `sleep` can be given in tests.
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
