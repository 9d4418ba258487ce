"""The query of `list` and `transactions`: page, pageSize, from, to.

What the supplier does with a page out of range, or with one of `from` and `to` alone, is not
documented. The sandbox answers 400, so that no client comes to rely on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from local.sandbox.messages import Json, invalid

T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """A page of a stretch of time, both ends included, in epoch milliseconds."""

    page: int
    size: int
    since: int | None
    until: int | None

    def covers(self, at_ms: int) -> bool:
        """Whether this moment is asked for."""
        return self.since is None or self.until is None or self.since <= at_ms <= self.until

    def cut(self, found: Sequence[T]) -> tuple[Sequence[T], Json]:
        """Cut the page out of everything found; also `data.pagination`."""
        start = (self.page - 1) * self.size
        return found[start : start + self.size], {
            "page": self.page,
            "pageSize": self.size,
            "totalPages": -(-len(found) // self.size),
            "totalResults": len(found),
        }


def window_of(query: Mapping[str, str]) -> Window:
    """Read and check the four parameters; all are optional, from and to only together."""
    since, until = _moment(query, "from"), _moment(query, "to")
    if (since is None) != (until is None):
        raise invalid("from and to must be given together")
    return Window(
        page=_whole(query, "page", 1, 1_000_000),
        size=_whole(query, "pageSize", 20, 100),
        since=since,
        until=until,
    )


def _whole(query: Mapping[str, str], name: str, default: int, highest: int) -> int:
    text = query.get(name, str(default))
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= value <= highest:
        message = f"{name} must be a whole number from 1 to {highest}"
        raise invalid(message)
    return value


def _moment(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{name} must be an ISO 8601 date"
        raise invalid(message) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
