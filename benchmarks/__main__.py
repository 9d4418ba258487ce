"""`make bench`: everything, or the parts that are named: calls giftcards sealing…."""

import sys

from benchmarks import calls, giftcards, polling, sealing, start

PARTS = {
    "calls": calls.run,
    "giftcards": giftcards.run,
    "sealing": sealing.run,
    "start": start.run,
    "polling": polling.run,
}

for name in sys.argv[1:] or PARTS:
    PARTS[name]()
