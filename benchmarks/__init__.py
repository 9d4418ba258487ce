"""Measurements, side by side in one run: ratios travel between machines, seconds do not."""

from collections.abc import Callable

from benchmarks import calls, giftcards, polling, sealing, start

PARTS: dict[str, Callable[..., None]] = {
    "calls": calls.run,
    "giftcards": giftcards.run,
    "sealing": sealing.run,
    "start": start.run,
}
ON_A_STACK: dict[str, Callable[..., None]] = {"rates": giftcards.rates, "polling": polling.run}
