"""DynamoDB stream of the gift cards, or an operator: anchor the entries of their ledgers."""

from dataclasses import asdict
from typing import Any

from cardvault.audit.chain import ChainHead
from cardvault.aws import streams, tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import event_consumer
from cardvault.giftcards import store
from cardvault.giftcards.ledger.anchor import anchor_entries, anchor_up_to
from cardvault.giftcards.ledger.records import EntryRecord
from cardvault.http.fields import ID
from cardvault.http.schemas import body, checker

tables.use(Settings(), EntryRecord, ChainHead)

check_request = checker(body({"card": ID}))


@event_consumer
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes a batch of the stream; answers from where on it is to be brought again.

    Takes `{"card": id}` from an operator, for what the stream holds no more; answers the anchor.
    """
    if "Records" in event:
        failed = streams.work_by_key(event["Records"], "cardId", anchor_entries)
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
    card_id = check_request(event)["card"]
    return asdict(anchor_up_to(card_id, store.entries(card_id)))
