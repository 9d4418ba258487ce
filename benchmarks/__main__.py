"""`make bench`: everything, or the parts that are named: calls sealing start polling."""

import sys

from benchmarks import calls, polling, sealing, start

PARTS = {"calls": calls.run, "sealing": sealing.run, "start": start.run, "polling": polling.run}

for name in sys.argv[1:] or PARTS:
    PARTS[name]()
