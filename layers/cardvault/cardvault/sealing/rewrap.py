"""Re-wrapping data keys after a rotation of the KMS key: inside KMS, so no code is ever opened.

KMS keeps old key material and goes on unwrapping with it; re-wrapping ends the dependence on it.
Source: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pynamodb.exceptions import UpdateError

from cardvault.runtime import tables
from cardvault.runtime.clock import Clock, to_text, utc_now
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import DataKeyRecord

SCAN_PAGE = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """One run: how many keys it re-wrapped, and how many older ones it had no time for."""

    rewrapped: int
    left: int


@dataclass(frozen=True, slots=True)
class RewrapDataKeys:
    """Re-wraps for at most `time_budget`. A run that is cut short is simply run again."""

    keyring: Keyring
    time_budget: timedelta
    clock: Clock = utc_now

    def __call__(self, wrapped_before: datetime) -> Progress:
        """Re-wrap all keys last wrapped before that moment, as far as time goes."""
        limit, stop_at = to_text(wrapped_before), self.clock() + self.time_budget
        rewrapped = left = 0
        for record in DataKeyRecord.scan(DataKeyRecord.wrapped_at < limit, page_size=SCAN_PAGE):
            if self.clock() >= stop_at:
                left += 1
            elif self._rewrap(record):
                rewrapped += 1
        return Progress(rewrapped, left)

    def _rewrap(self, record: DataKeyRecord) -> bool:
        wrapped, key_arn = self.keyring.rewrap(
            record.wrapped_key, record.tenant_id, record.order_id
        )
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
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            return False
        return True
