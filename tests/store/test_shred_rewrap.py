"""I8: after shredding nothing brings a code back; and rotation that opens no card."""

import botocore.client
import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import DoesNotExist, UpdateError

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws import boto_clients
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import utc_now
from cardvault.errors import CardsShredded, OrderInProgress, OrderNotFound, TooManyWriters
from cardvault.orders import store
from cardvault.orders.shred import shred_cards
from cardvault.sealing.data_keys import KeyBinding, Keyring
from cardvault.sealing.rewrap import Progress, RewrapDataKeys
from cardvault.sealing.store import DataKeyRecord, SealedPage
from tests.support.doubles import caller, canary_cards
from tests.support.orders import change_order


@pytest.fixture
def keyring(steps):
    return Keyring(boto_clients.kms(), steps.cloud.settings.card_key_arn)


def test_a_shredded_order_shows_nothing_and_says_when(steps):
    order_id = steps.stored_order(600)
    shredded = shred_cards(order_id, caller(), clock=steps.clock)
    assert shredded.shredded_at == "2026-01-02T03:04:05.000Z"
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)
    assert list(SealedPage.query(order_id, SealedPage.sort_key.startswith("CARDS#"))) == []
    assert "CARDS_SHREDDED" in steps.events(order_id)
    again = shred_cards(order_id, caller(), clock=steps.clock)
    assert again.version == store.find(order_id).version


def test_i8_a_restored_backup_of_orders_brings_no_code_back(steps, capsys):
    order_id = steps.stored_order(3)
    backup = SealedPage.get(order_id, "CARDS#0000")
    shred_cards(order_id, caller())
    backup.save()
    change_order(order_id, shredded_at=None)
    with pytest.raises(DoesNotExist):
        DataKeyRecord.get(order_id)
    capsys.readouterr()
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)
    assert '"CannotOpen":[1.0]' in capsys.readouterr().out, "the alarm rings"
    assert steps.events(order_id)[-1] == "REVEAL_REFUSED"
    shred_cards(order_id, caller())
    assert store.find(order_id).shredded_at
    with pytest.raises(DoesNotExist):
        SealedPage.get(order_id, "CARDS#0000")


def test_shredding_is_for_the_owner_and_for_stored_cards(steps):
    order = steps.create()
    with pytest.raises(OrderInProgress):
        shred_cards(order.order_id, caller())
    with pytest.raises(OrderNotFound):
        shred_cards(order.order_id, caller("bob"))


def test_a_reveal_that_lost_the_race_against_shredding_shows_nothing(steps, monkeypatch):
    order_id = steps.stored_order(3)
    decrypt = boto_clients.kms().decrypt

    def shredded_meanwhile(**request):
        answer = decrypt(**request)
        shred_cards(order_id, caller())
        return answer

    monkeypatch.setattr(boto_clients.kms(), "decrypt", shredded_meanwhile)
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)


def test_rewrapped_keys_open_the_same_cards(steps, keyring):
    order_id = steps.stored_order(3)
    before = bytes(DataKeyRecord.get(order_id).wrapped_key)
    steps.clock.advance(days=400)
    progress = RewrapDataKeys(keyring, clock=steps.clock)(steps.clock())
    assert progress == Progress(1, cursor=None)
    assert bytes(DataKeyRecord.get(order_id).wrapped_key) != before
    assert [card for _, card in steps.reveal(order_id).cards] == list(canary_cards(3))
    again = RewrapDataKeys(keyring, clock=steps.clock)(steps.clock())
    assert again.rewrapped == 0


def test_a_key_shredded_meanwhile_stays_gone(steps, keyring, monkeypatch):
    order_id = steps.stored_order(3)
    steps.clock.advance(days=1)
    re_encrypt = boto_clients.kms().re_encrypt

    def shredded_meanwhile(**request):
        answer = re_encrypt(**request)
        shred_cards(order_id, caller())
        return answer

    monkeypatch.setattr(boto_clients.kms(), "re_encrypt", shredded_meanwhile)
    RewrapDataKeys(keyring, clock=steps.clock)(steps.clock())
    with pytest.raises(DoesNotExist):
        DataKeyRecord.get(order_id)


def test_a_key_that_could_not_be_written_is_no_key_of_another(steps, keyring, monkeypatch):
    """Counted as left alone, it would be taken for wrapped anew."""
    steps.stored_order(3)
    steps.clock.advance(days=1)
    call = botocore.client.BaseClient._make_api_call

    def failing(client, operation, parameters):
        if operation == "UpdateItem":
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)
        return call(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", failing)
    with pytest.raises(UpdateError):
        RewrapDataKeys(keyring, clock=steps.clock)(steps.clock())


def test_a_key_is_rewrapped_only_from_our_own_kms_key(steps, keyring, monkeypatch):
    wrapped = bytes(DataKeyRecord.get(steps.stored_order(3)).wrapped_key)
    asked = []

    def noting(**request):
        asked.append((request["SourceKeyId"], request["DestinationKeyId"]))
        raise InterruptedError

    monkeypatch.setattr(boto_clients.kms(), "re_encrypt", noting)
    with pytest.raises(InterruptedError):
        keyring.rewrap(wrapped, KeyBinding("a" * 24, "b" * 24, None))
    assert asked == [(keyring.key_arn, keyring.key_arn)]


def test_moving_a_wrapped_key_to_another_order_fails_in_kms_too(steps, keyring):
    one, other = steps.stored_order(3, "k1"), steps.stored_order(3, "k2")
    wrapped = bytes(DataKeyRecord.get(one).wrapped_key)
    with pytest.raises(ClientError):
        keyring.rewrap(wrapped, DataKeyRecord.get(other).binding)


def test_a_refused_change_is_never_half_made(steps):
    order_id = steps.stored_order(3)
    before = store.find(order_id).version

    @retry_lost_races
    def fail():
        edit = store.Edit(store.find(order_id), utc_now())
        edit.work.delete(DataKeyRecord("x"), DataKeyRecord.order_id.exists())
        edit.commit(Event(EventName.ORDER_REDRIVEN), status="x")

    with pytest.raises(TooManyWriters):
        fail()
    assert store.find(order_id).version == before
