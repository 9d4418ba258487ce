"""The published vectors of the sealed format, worked out by hand and held against our code.

Nothing of `cardvault` takes part in working them out: HKDF is two lines of HMAC (RFC 5869), the
rest is docs/sealed-format.md, word by word.
"""

import json
import secrets

import pytest

from cardvault.core.cards import Card
from cardvault.errors import CannotOpen
from cardvault.sealing.sealed_card import CardKey, Places
from tests.support import by_hand
from tests.support.by_hand import hkdf
from tests.support.template import ROOT

PUBLISHED = json.loads((ROOT / "tests/vectors/sealed_card_v1.json").read_text())
VECTORS = {vector["name"]: vector for vector in PUBLISHED["vectors"]}
REFUSED = {vector["name"]: vector for vector in PUBLISHED["refused"]}


def worked_out(vector):
    """The vector's derived fields, from its inputs."""
    place, card = vector["place"], vector["card"]
    key, commitment = by_hand.order_keys(bytes.fromhex(vector["dataKey"]))
    aad = by_hand.card_aad(place["tenantId"], place["orderId"], place["number"], place["count"])
    plaintext = by_hand.card_text(card["value"], card["serial"])
    sealed = by_hand.box(key, bytes.fromhex(vector["nonce"]), plaintext, aad)
    return {
        "aesKey": key.hex(),
        "commitment": commitment.hex(),
        "aad": aad.hex(),
        "plaintext": plaintext.hex(),
        "sealed": sealed.hex(),
    }


def key_of(vector):
    return CardKey.derive(bytes.fromhex(vector["dataKey"]))


def places_of(vector):
    place = vector["place"]
    return Places.of(place["tenantId"], place["orderId"], place["count"])


def opened(vector, sealed):
    (card,) = key_of(vector).open([sealed], places_of(vector), [vector["place"]["number"]])
    return card


def card_of(vector):
    return Card(vector["card"]["value"], vector["card"]["serial"])


def test_hkdf_by_hand_is_rfc_5869s():
    # Appendix A.3: SHA-256 with neither salt nor info.
    expected = (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
    assert hkdf(b"\x0b" * 22, b"", 42).hex() == expected


@pytest.mark.parametrize("name", VECTORS)
def test_a_published_vector_is_what_the_format_says(name):
    vector = VECTORS[name]
    derived = worked_out(vector)
    assert derived == {field: vector[field] for field in derived}


@pytest.mark.parametrize("name", VECTORS)
def test_our_code_derives_the_published_keys_and_aad(name):
    vector = VECTORS[name]
    assert key_of(vector).commitment.hex() == vector["commitment"]
    key_of(vector).expect(bytes.fromhex(vector["commitment"]))
    (data,) = places_of(vector).associated_data([vector["place"]["number"]])
    assert data.hex() == vector["aad"]
    assert card_of(vector).to_bytes().hex() == vector["plaintext"]


@pytest.mark.parametrize("name", VECTORS)
def test_our_code_opens_the_published_card(name):
    vector = VECTORS[name]
    sealed = bytes.fromhex(vector["sealed"])
    assert opened(vector, sealed) == card_of(vector)


@pytest.mark.parametrize("name", VECTORS)
def test_our_code_seals_to_the_published_bytes(name, monkeypatch):
    vector = VECTORS[name]
    nonce = bytes.fromhex(vector["nonce"])
    monkeypatch.setattr(secrets, "token_bytes", lambda length: nonce[:length])
    numbers = [vector["place"]["number"]]
    (sealed,) = key_of(vector).seal([card_of(vector)], places_of(vector), numbers)
    assert sealed.hex() == vector["sealed"]


@pytest.mark.parametrize("name", REFUSED)
def test_our_code_refuses_what_must_not_open(name):
    vector = REFUSED[name]
    key, sealed = key_of(vector), bytes.fromhex(vector["sealed"])
    with pytest.raises(CannotOpen) as refused:
        key.open([sealed], places_of(vector), [vector["place"]["number"]])
    assert str(refused.value) == "The card cannot be opened", "whatever was wrong"


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_vector_differs_from_a_good_one_in_the_one_thing_it_says(name):
    refused = REFUSED[name]
    good = VECTORS[refused["from"]]
    changed = {field for field in ("dataKey", "place", "sealed") if refused[field] != good[field]}
    assert changed == {refused["changed"]}
    if refused["changed"] == "place":
        differing = [
            part for part in good["place"] if refused["place"][part] != good["place"][part]
        ]
        assert len(differing) == 1 or name == "another division between tenant and order"


def test_the_commitment_refuses_another_data_key():
    good, other = VECTORS["a card with a serial"], REFUSED["another data key"]
    with pytest.raises(CannotOpen):
        key_of(other).expect(bytes.fromhex(good["commitment"]))
