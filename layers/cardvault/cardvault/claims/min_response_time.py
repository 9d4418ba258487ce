"""A minimum response time for refusals: timing does not show what became of a link.

Source: CWE-208, observable timing discrepancy. The refusals are LinkUnusable and DownloadExpired.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cardvault.errors import NotFound
from cardvault.links import is_token


@dataclass(frozen=True, slots=True)
class MinResponseTime:
    """Delays refusals until `floor_s` seconds have passed, longer than any of them takes.

    With `always`, every outcome is delayed. A text that is no token was never a link, so its
    refusal hides nothing and is not delayed. `monotonic` and `sleep` can be given in tests.
    """

    floor_s: float = 0.3
    always: bool = False
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def __call__(self, token: str) -> Iterator[None]:
        """Around the work that may refuse the token."""
        started = self.monotonic()
        try:
            yield
        except NotFound:
            self._wait(token, started)
            raise
        if self.always:
            self._wait(token, started)

    def _wait(self, token: str, started: float) -> None:
        if is_token(token):
            self.sleep(max(0.0, self.floor_s - (self.monotonic() - started)))
