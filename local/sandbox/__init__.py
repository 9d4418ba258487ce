"""The supplier sandbox: a local stand-in for the gift-card supplier's v3 API.

    with SupplierSandbox(port=0) as supplier:
        supplier.url, supplier.key, supplier.counts()

It answers as docs/supplier-contract.md says. Where the supplier says nothing, the sandbox takes the
stricter reading, and the module concerned says so.

Orders are HANDLING at first and final after `handling_s`, worked out from the clock when they are
read. `typeId` TEST_PARTIAL and TEST_REFUND end as their names say. A `typeId`
`FAULT_<NAME>[:<argument>[:<route>]]` makes that one order go wrong; `POST /_sandbox/faults` does it
to whatever comes next:

| fault                | argument (default)          | what happens                               |
|----------------------|-----------------------------|--------------------------------------------|
| slow_fulfilment      | seconds (30)                | HANDLING for that long                     |
| never_final          |                             | HANDLING for ever                          |
| unknown_status       | seconds (10)                | PENDING_REVIEW that long, then final       |
| changing_answer      |                             | other cards at each reading                |
| duplicate_codes      | within, across (within)     | a code twice, in one order or across all   |
| timeout_after_commit | seconds (30)                | bought, the answer withheld                |
| error_after_commit   |                             | bought, answered 503                       |
| connection_reset     | before, after (after)       | TCP reset before or after buying           |
| rate_limited         | Retry-After seconds (1)     | 429, nothing done                          |
| server_errors        | how many, 0 for all (2)     | 500 and 503 in turn, nothing done          |
| malformed_json       | how many, 0 for all (1)     | 200, broken JSON with card codes in it     |
| script               | steps.with.dots (outage)    | checkOrder as it says: handling, outage, … |
| missing_fields       |                             | optional fields null or absent, no serials |
| wrong_key            | code (INVALID_ACCESS_TOKEN) | the right key refused                      |
| out_of_stock         |                             | 403 ERR_STOCK, nothing bought              |
| no_balance           |                             | 403 NO_BALANCE, nothing bought             |
"""

from local.sandbox.fault_modes import FAULTS
from local.sandbox.server import SupplierSandbox

__all__ = ["FAULTS", "SupplierSandbox"]
