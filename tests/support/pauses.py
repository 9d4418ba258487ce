"""Tells a fixed pause from slowness: a busy machine is slow at times, a pause is always there."""

import time
from collections.abc import Callable


def sometimes_below(seconds: float, work: Callable[[], object]) -> bool:
    """Work again and again until once it takes less; with a pause as long, that never comes."""
    while True:
        began = time.monotonic()
        work()
        if time.monotonic() - began < seconds:
            return True
