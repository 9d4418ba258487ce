"""Orders whose customer has the mail."""

import uuid
from typing import Any

from local.cardvault import Cardvault
from local.clients.customer import Customer
from local.clients.shop import User

PRODUCT = "507f1f77bcf86cd799439011"


def ordered(
    vault: Cardvault,
    user: User,
    type_id: str = "PSN-500",
    display: dict[str, str] | None = None,
    **delivery: Any,
) -> Customer:
    """An order whose customer has the mail."""
    said = {"display": display} if display else {}
    address = f"{uuid.uuid4().hex[:12]}@example.com"
    answer = user.order(
        uuid.uuid4().hex,
        productId=PRODUCT,
        typeId=type_id,
        quantity=3,
        delivery={"email": address, **delivery},
        **said,
    )
    assert answer.status_code == 202, answer.text
    order_id = answer.json()["orderId"]
    until = ("emailedAt", "attentionAt")
    list(user.follow(order_id, until=lambda order: any(name in order for name in until)))
    return Customer(vault, order_id, address)


def stored(vault: Cardvault, order_id: str) -> dict[str, Any]:
    """The order's item as DynamoDB has it."""
    key = {"orderId": {"S": order_id}, "sk": {"S": "ORDER"}}
    dynamodb = vault.stack.client("dynamodb")
    table = vault.stack.outputs["OrdersTable"]
    item: dict[str, Any] = dynamodb.get_item(TableName=table, Key=key)["Item"]
    return item
