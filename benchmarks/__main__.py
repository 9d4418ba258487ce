"""`make bench`: everything, or the parts that are named: `make bench ARGS="sealing start"`."""

import sys

from benchmarks import ON_A_STACK, PARTS
from local.cardvault import running

asked = sys.argv[1:] or [*PARTS, *ON_A_STACK]
if unknown := set(asked) - set(PARTS) - set(ON_A_STACK):
    sys.exit(
        f"no such part: {', '.join(sorted(unknown))}; there are {', '.join([*PARTS, *ON_A_STACK])}"
    )
for name in PARTS:
    if name in asked:
        PARTS[name]()
if set(asked) & set(ON_A_STACK):
    with running() as vault:
        for name in ON_A_STACK:
            if name in asked:
                ON_A_STACK[name](vault)
