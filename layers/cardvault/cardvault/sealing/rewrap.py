"""Re-wrapping data keys after a rotation of the KMS key: inside KMS, so no code is ever opened.

KMS keeps old key material and goes on unwrapping with it; re-wrapping ends the dependence on it.
Source: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pynamodb.exceptions import UpdateError

from cardvault.aws import tables
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.aws.service_errors import code_of
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.core.ids import is_id
from cardvault.errors import OutOfTime
from cardvault.http import cursor as cursors
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import DataKeyRecord

SCAN_PAGE = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """One round: how many keys it re-wrapped, and where the next goes on, None at the end."""

    rewrapped: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RewrapDataKeys:
    """Re-wraps for at most `time_budget` a round. Two rounds at once do no harm."""

    keyring: Keyring
    time_budget: timedelta = TIME_BUDGET
    clock: Clock = utc_now

    def __call__(self, wrapped_before: datetime, cursor: str | None = None) -> Progress:
        """Re-wrap the keys last wrapped before that moment, from behind `cursor` on.

        A key made meanwhile is new and needs none. Raises InvalidRequest, OutOfTime.
        """
        limit, time = to_text(wrapped_before), Round.of(self.time_budget, self.clock)
        # Judged here and not by a filter, behind which one step could be any number of calls.
        records = DataKeyRecord.scan(page_size=SCAN_PAGE, last_evaluated_key=_position(cursor))
        rewrapped, last = 0, cursor
        try:
            for record in time.pace(records):
                if record.wrapped_at < limit:
                    rewrapped += self._rewrap(record, time)
                last = cursors.encode(record.order_id)
        except OutOfTime:
            if last == cursor:
                raise
            return Progress(rewrapped, last)
        return Progress(rewrapped, None)

    def _rewrap(self, record: DataKeyRecord, time: Round) -> bool:
        time.expect_time()
        wrapped, key_arn = self.keyring.rewrap(record.wrapped_key, record.binding)
        time.expect_time()
        # Gone means shredded meanwhile, another means a second run was quicker: leave both be.
        still_the_old = DataKeyRecord.wrapped_key == record.wrapped_key
        try:
            tables.update_item(
                record,
                [
                    DataKeyRecord.wrapped_key.set(wrapped),
                    DataKeyRecord.kms_key_arn.set(key_arn),
                    DataKeyRecord.wrapped_at.set(to_text(self.clock())),
                ],
                condition=still_the_old,
            )
        except UpdateError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True


def _position(cursor: str | None) -> dict[str, dict[str, str]] | None:
    return None if cursor is None else {"orderId": {"S": cursors.decode(cursor, is_id)[0]}}
