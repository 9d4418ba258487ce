"""Bodies: what is too long, too deep or would grow is refused, at the cost of its length."""

import base64
import json
import re
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault.core import decimal_json
from cardvault.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from cardvault.http import body as bodies
from cardvault.http.body import json_body, longest, optional_json_body, text_body

BULK = "POST /v2/giftcards/programs/{programId}/cards/bulk"
ROUTES = [
    "POST /api/claims/open",
    "POST /v2/token",
    "POST /api/orders",
    "POST /v2/giftcards/programs/{programId}/balance-check",
    BULK,
    "",
]
# What the parsed JSON of a byte takes at most: `{},` are three bytes, and an object of 64.
MEMORY_A_BYTE = 60
CALLS_A_BYTE = 8
SOME = 50_000


def encoded(content):
    return {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}


def repeated(part, length=200_000):
    """A body full of that part of a list."""
    return '{"a":[' + part * (length // len(part)) + "0]}"


HOSTILE = {
    "a number that would grow": '{"a":1e60000000}',
    "many that would": repeated("1e9000000,"),
    "one that would be small": '{"a":1e-60000000}',
    "a zero that would grow": '{"a":0e60000000}',
    "an exponent that no Decimal has": '{"a":1e99999999999999999999}',
    "a whole number of many digits": '{"a":' + "9" * 33 + "}",
    "of a great many": '{"a":' + "9" * 300_000 + "}",
    "many of many": repeated("9" * 4_000 + ","),
    "many decimals": '{"a":0.' + "1" * 300_000 + "}",
    "half a character": '{"a":"\\ud800"}',
    "the other half": '{"a":"\\udc00 \\ud800"}',
    "half a character in a name": '{"\\ud800":1}',
    "half a character in a list": '{"a":[["x","\\ud800"]]}',
    "half a character at the end of many": repeated('"x",')[:-3] + '"\\ud800"]}',
    "lists in lists": "[" * 300_000,
    "objects in objects": '{"a":' * 50_000,
    "deep and closed": '{"a":' * 9 + "1" + "}" * 9,
    "deeper, closed": '{"a":' + "[" * 900 + "]" * 900 + "}",
    "no end": '{"a":"' + "x" * 300_000,
    "only blanks": " " * 300_000,
    "not a number": '{"a":NaN}',
    "endless": '{"a":-Infinity}',
    "nothing": "",
    "a list": "[{}]",
    "two": "{} {}",
}
REFUSAL = re.compile(
    r"body is missing: it must be a JSON object|body must be a JSON object"
    r"|body is not JSON: line [0-9]+, column [0-9]+"
    r"|body must be JSON of at most 8 levels, with numbers of at most 32 digits"
    r" and whole characters"
)
LARGE = {
    "lists": repeated("[],"),
    "objects": repeated("{},"),
    "numbers": repeated("1.1,"),
    "whole numbers": repeated("999,"),
    "texts": repeated('"ab",'),
    "one text": '{"a":"' + "x" * 300_000 + '"}',
    "escaped": '{"a":"' + "\\ud83d\\ude00" * 20_000 + '"}',
}


def measured(body, route=BULK):
    """What became of the body, the bytes it took at most, and how many calls."""
    calls = 0

    def count(_frame, what, _argument):
        nonlocal calls
        calls += what in {"call", "c_call"}

    tracemalloc.start()
    sys.setprofile(count)
    try:
        taken = json_body({"body": body, "routeKey": route})
    except (InvalidRequest, BodyTooLarge) as error:
        taken = error
    finally:
        sys.setprofile(None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return taken, peak, calls


def expect_cheap(body, peak, calls):
    length = len(body.encode())
    assert peak <= MEMORY_A_BYTE * length + SOME
    assert calls <= CALLS_A_BYTE * length + SOME


@pytest.mark.parametrize("name", HOSTILE)
def test_i13_hostile_json_is_refused_at_the_cost_of_its_length_and_not_repeated(name):
    refused, peak, calls = measured(HOSTILE[name])
    assert REFUSAL.fullmatch(str(refused))
    assert type(refused) is InvalidRequest
    expect_cheap(HOSTILE[name], peak, calls)


@pytest.mark.parametrize("name", LARGE)
def test_i13_a_large_body_costs_a_multiple_of_its_length(name):
    taken, peak, calls = measured(LARGE[name])
    assert taken == json.loads(LARGE[name], parse_float=decimal_json.loads)
    expect_cheap(LARGE[name], peak, calls)


@pytest.mark.parametrize("route", ROUTES)
def test_i13_a_body_as_long_as_its_route_takes_is_read_and_no_longer_one(route):
    most = longest(route)
    fits = '{"a":"' + "x" * (most - 8) + '"}'
    too_long = fits[:-2] + 'x"}'
    for read in (json_body, text_body):
        for event in ({"body": fits}, encoded(fits.encode())):
            assert read({**event, "routeKey": route})
        for event in ({"body": too_long}, encoded(too_long.encode())):
            with pytest.raises(BodyTooLarge, match=f"^body may have at most {most} bytes$"):
                read({**event, "routeKey": route})


def test_a_body_is_measured_in_bytes():
    with pytest.raises(BodyTooLarge):
        text_body({"body": "é" * (bodies.LONGEST // 2 + 1)})
    assert text_body({"body": "é" * (bodies.LONGEST // 2)})


def test_i13_what_is_far_too_long_is_not_even_decoded():
    body = "A" * 6_000_000
    for event in ({"body": body}, {"body": body, "isBase64Encoded": True}):
        tracemalloc.start()
        with pytest.raises(BodyTooLarge):
            text_body(event)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < SOME


FRAGMENTS = [
    *('{"a":', "{", "}", "[", "]", ",", ":", '"a"', '"\\ud800"', '"\\ud83d\\ude00"', '"é"'),
    *("1", "-0", "1.50", "1e32", "1e33", "1e60000000", "1e-60000000", "0e99", "9" * 32, "9" * 33),
    *("null", "true", "NaN", "[],", "{},", "[[[[[[[[", "]]]]]]]]", " "),
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=200).map("".join))
def test_i13_any_body_is_taken_or_refused_at_the_cost_of_its_length(body):
    taken, peak, calls = measured(body, "POST /api/orders")
    expect_cheap(body, peak, calls)
    if isinstance(taken, dict):
        assert len(decimal_json.dumps(taken).encode()) <= 40 * len(body)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**30), 10**30)
        | st.decimals(-(10**9), 10**9, places=2)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=20,
    )
)
def test_what_is_not_hostile_is_taken_as_it_is(value):
    body = {"a": value}
    if depth(body) <= bodies.DEEPEST:
        assert json_body({"body": decimal_json.dumps(body), "routeKey": BULK}) == body


def depth(value):
    """How many objects and lists lie in one another."""
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth, inner), default=0)


@given(st.text(max_size=500))
def test_a_body_is_the_same_text_plain_and_in_base64(text):
    assert text_body({"body": text}) == text
    assert text_body(encoded(text.encode())) == text


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": None, "isBase64Encoded": True}])
def test_no_body_is_an_empty_text(event):
    assert text_body(event) == ""
    assert optional_json_body(event) == {}


@pytest.mark.parametrize(
    "event",
    [
        encoded(b"\xff\xfe"),
        {"body": "CANARY=x", "isBase64Encoded": True},
        {"body": "half \ud800"},
        {"body": "é", "isBase64Encoded": True},
    ],
)
def test_a_body_that_is_no_text_is_refused(event):
    with pytest.raises(InvalidRequest, match=r"^body must be UTF-8 text$"):
        text_body(event)


def test_a_json_object_is_taken_plain_and_in_base64():
    body = {"quantity": 3, "note": "é"}
    for event in ({"body": json.dumps(body)}, encoded(json.dumps(body).encode())):
        assert json_body(event) == optional_json_body(event) == body


OBJECT = "body must be a JSON object"
NOT_JSON = "body is not JSON: line {}, column {}".format


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("null", OBJECT),
        ("7", OBJECT),
        ('"CANARY"', OBJECT),
        ("[]", OBJECT),
        ("{", NOT_JSON(1, 2)),
        ("{'CANARY': 1}", NOT_JSON(1, 2)),
        ('{"a": 1,\n "b": CANARY}', NOT_JSON(2, 7)),
        ('{"a": 1} CANARY', NOT_JSON(1, 10)),
        ("productId=CANARY&quantity=1", NOT_JSON(1, 1)),
        (" \r\n", "body is missing: it must be a JSON object"),
    ],
)
def test_anything_but_a_json_object_is_refused_and_not_repeated(body, told):
    for read in (json_body, optional_json_body):
        with pytest.raises(InvalidRequest) as refused:
            read({"body": body})
        assert str(refused.value) == told


def test_a_byte_order_mark_before_json_is_taken_away():
    for event in ({"body": '\ufeff{"a": 1}'}, encoded(b'\xef\xbb\xbf{"a": 1}')):
        assert json_body(event) == {"a": 1}


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
    ],
)
def test_json_is_taken_under_its_names(kind):
    assert json_body({"body": "{}", "headers": {"content-type": kind}}) == {}


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]
)
def test_a_body_of_another_type_is_told_what_to_send(kind):
    with pytest.raises(UnsupportedMediaType, match="Content-Type application/json"):
        json_body({"body": "{}", "headers": {"content-type": kind}})


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_told_so_and_never_unpacked(encoding):
    for read in (json_body, text_body):
        with pytest.raises(UnsupportedMediaType, match="must not be compressed"):
            read({**encoded(b"\x1f\x8b"), "headers": {"content-encoding": encoding}})
    assert text_body({"body": "x", "headers": {"content-encoding": "identity"}}) == "x"
