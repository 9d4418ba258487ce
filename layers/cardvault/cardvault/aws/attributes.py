"""Attributes of stored items that PynamoDB does not have."""

from pynamodb.attributes import Attribute
from pynamodb.constants import NUMBER


class WholeNumber(Attribute[int]):
    """A number without a fraction: minor units, counts. PynamoDB's own may come back as float."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """As DynamoDB takes it."""
        return str(value)

    def deserialize(self, value: str) -> int:
        """As DynamoDB gives it."""
        return int(value)
