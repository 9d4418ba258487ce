"""Every error class of ours."""

from collections.abc import Iterator

from cardvault.errors import CardvaultError


def error_classes(root: type[CardvaultError] = CardvaultError) -> Iterator[type[CardvaultError]]:
    yield root
    for error in root.__subclasses__():
        yield from error_classes(error)
