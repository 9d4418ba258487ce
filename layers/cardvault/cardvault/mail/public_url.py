"""Where customers reach us.

The API's own address is known only once the API exists, and functions that mail it are part of
that API: so it is kept in a parameter and read when needed.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(slots=True)
class PublicUrl:
    """The parameter's value, read once per process; no slash at its end."""

    ssm: "SSMClient"
    parameter: str
    _known: str | None = field(default=None, init=False)

    def __call__(self) -> str:
        """Such as `https://cards.example.com`."""
        if self._known is None:
            answer = self.ssm.get_parameter(Name=self.parameter)
            self._known = answer["Parameter"]["Value"].rstrip("/")
        return self._known
