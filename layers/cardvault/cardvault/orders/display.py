"""What an order's cards are, in words for the customer: on the page, in print and in files."""

from dataclasses import dataclass
from typing import Any, Self

from cardvault.http import fields
from cardvault.http.schemas import body

# The host has a dot and no user before it, so that everyone sees where the link leads.
REDEEM_URL = {
    "type": "string",
    "maxLength": 500,
    "pattern": r"^https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z][A-Za-z0-9-]+(/[!-;=?-~]*)?\Z",
    "description": "must be an https address of a host by its name",
    "typed": "line",
}
DISPLAY = body(
    {"title": fields.name_in_mail(80)},
    {"instructions": fields.text(1000), "redeemUrl": REDEEM_URL},
)


@dataclass(frozen=True, slots=True)
class Display:
    """A title such as `Arcade card 25 €`, how to redeem the codes, and where."""

    title: str
    instructions: str | None = None
    redeem_url: str | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """From the `display` of a request that fits DISPLAY."""
        return cls(given["title"], given.get("instructions"), given.get("redeemUrl"))

    def attributes(self) -> dict[str, Any]:
        """What an order keeps of it."""
        return {
            "title": self.title,
            "instructions": self.instructions,
            "redeem_url": self.redeem_url,
        }
