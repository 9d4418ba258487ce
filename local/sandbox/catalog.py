"""What the sandbox sells: made up, around two product ids of the supplier's examples.

The shapes: docs/supplier-contract.md, "Catalog".
"""

from dataclasses import dataclass

from local.sandbox.messages import Json


@dataclass(frozen=True)
class CardType:
    """A denomination. `price` is what we pay per card, in centimes of a dinar."""

    type_id: str
    name: str
    price: int
    stock: int


@dataclass(frozen=True)
class Product:
    """A product and its denominations; `region` is optional at the supplier too."""

    product_id: str
    title: str
    region: str | None
    types: tuple[CardType, ...]
    enabled: bool = True

    def summary(self) -> Json:
        """`{id, title, enabled, region?}`, as the catalog has it."""
        summary: Json = {"id": self.product_id, "title": self.title, "enabled": self.enabled}
        return summary if self.region is None else {**summary, "region": self.region}


# Not gift cards: the live catalog mixes such a category in, and clients have to skip it.
_TOPUPS = Product(
    "6126393c6f57860f925a19f0",
    "Mobilis 1000 DA",
    None,
    (CardType("6126393c6f57860f925a19f1", "1000 DA", 98_000, 400),),
)

CATALOG: dict[str, tuple[Product, ...]] = {
    "PSN": (
        Product(
            "6126393c6f57860f925a1983",
            "PSN Germany",
            "germany",
            (
                CardType("6126393c6f57860f925a1984", "PSN 10 EUR", 200_000, 150),
                CardType("6126393c6f57860f925a1985", "PSN 20 EUR", 396_050, 80),
                CardType("6126393c6f57860f925a1986", "PSN 50 EUR", 985_000, 0),
            ),
        ),
        Product(
            "612619816f57860f9259eee3",
            "PSN UK",
            "united-kingdom",
            (CardType("612619816f57860f9259eee4", "PSN 10 GBP", 231_525, 40),),
        ),
    ),
    "Steam": (
        Product(
            "6126393c6f57860f925a19a0",
            "Steam Europe",
            None,
            (
                CardType("6126393c6f57860f925a19a1", "Steam 5 EUR", 104_000, 20_000),
                CardType("6126393c6f57860f925a19a2", "Steam 20 EUR", 410_000, 3),
            ),
        ),
    ),
    "Google Play": (
        Product(
            "6126393c6f57860f925a19b0",
            "Google Play US",
            "united-states",
            (CardType("6126393c6f57860f925a19b1", "Google Play 10 USD", 188_000, 0),),
            enabled=False,
        ),
    ),
    "Mobile & Internet": (_TOPUPS,),
}

PRODUCTS: dict[str, Product] = {
    product.product_id: product for products in CATALOG.values() for product in products
}


def catalog_data() -> tuple[Json, Json]:
    """Show the catalog's `data`, and its totals, which stand beside it and not in `meta`."""
    categories = [
        {"title": title, "products": [product.summary() for product in products]}
        for title, products in CATALOG.items()
    ]
    return {"categories": categories}, {
        "totalCategories": len(CATALOG),
        "totalProducts": len(PRODUCTS),
    }
