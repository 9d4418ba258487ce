"""Fixed pauses and slowness kept apart: a busy machine is slow at times, a pause always comes."""

import time
from collections.abc import Callable


def sometimes_below(seconds: float, work: Callable[[], object]) -> bool:
    """Work again and again until once it takes less; with a pause as long, that never comes."""
    while True:
        began = time.monotonic()
        work()
        if time.monotonic() - began < seconds:
            return True
