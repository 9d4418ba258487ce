"""Measurements, side by side in one run: ratios travel between machines, seconds do not."""

from benchmarks import calls, giftcards, polling, sealing, start

PARTS = {
    "calls": calls.run,
    "giftcards": giftcards.run,
    "sealing": sealing.run,
    "start": start.run,
}
ON_A_STACK = {"rates": giftcards.rates, "polling": polling.run}
