"""Every way through the functions, each as a scenario that needs none of the others."""

from collections.abc import Callable, Iterator

from tests.roles import delivery, giftcards, orders
from tests.support.stage import Stage

Scenario = Callable[[Stage], None]


def _all() -> Iterator[tuple[str, Scenario]]:
    for scenario in (*orders.SCENARIOS, *delivery.SCENARIOS):
        yield scenario.__name__.removeprefix("_"), scenario
    for in_shop in giftcards.SCENARIOS:
        yield f"gift_cards_{in_shop.__name__.removeprefix('_')}", _opened(in_shop)


def _opened(in_shop: Callable[[giftcards.Shop], None]) -> Scenario:
    return lambda stage: in_shop(giftcards.Shop(stage))


SCENARIOS: dict[str, Scenario] = dict(_all())
