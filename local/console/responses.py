"""What the API answered: its body, or its refusal."""

from typing import Any

import requests


class RefusedError(Exception):
    """The API refused; `status` and `body` are its answer."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(body.get("error", "refused"))
        self.status, self.body = status, body


def body_of(answer: requests.Response) -> dict[str, Any]:
    """The answer's body. Raises RefusedError."""
    body: dict[str, Any] = answer.json()
    if not answer.ok:
        raise RefusedError(answer.status_code, body)
    return body
