"""What is wrong with a body is said by field name, and never by what the field held."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault.errors import InvalidRequest
from cardvault.http.schemas import _BOUNDS, _KINDS, checker

RULES = {
    "integer": {"type": "integer", "minimum": 1, "maximum": 9},
    "number": {"type": "number"},
    "string": {"type": "string", "minLength": 2, "maxLength": 4},
    "boolean": {"type": "boolean"},
    "array": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
    "object": {
        "type": "object",
        "required": ["inner"],
        "properties": {"inner": {"type": "string"}},
    },
    "colour": {"type": "string", "enum": ["red", "green"]},
    "moment": {"type": "string", "format": "date-time"},
    "amount": {"type": ["number", "string"], "exclusiveMinimum": 0, "exclusiveMaximum": 9},
    "once": {"type": "array", "uniqueItems": True},
    "id": {"type": "string", "pattern": r"^[a-z]+\Z", "description": "must be small letters"},
}
check = checker({"type": "object", "additionalProperties": False, "properties": RULES})
either = checker(
    {
        "type": "object",
        "oneOf": [{"required": ["this"]}, {"required": ["that", "more"]}],
        "description": "either this, or that and more, is required",
    }
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"integer": "CANARY"}, "integer must be a whole number"),
        ({"integer": True}, "integer must be a whole number"),
        ({"integer": 1.5}, "integer must be a whole number"),
        ({"integer": 0}, "integer must have a value of at least 1"),
        ({"integer": 10}, "integer must have a value of at most 9"),
        ({"number": "CANARY"}, "number must be a number"),
        ({"string": 7}, "string must be a text"),
        ({"string": "C"}, "string must have at least 2 characters"),
        ({"string": "CANARY"}, "string must have at most 4 characters"),
        ({"boolean": "CANARY"}, "boolean must be true or false"),
        ({"array": "CANARY"}, "array must be a list"),
        ({"array": []}, "array must have at least 1 entries"),
        ({"array": ["CANARY"] * 3}, "array must have at most 2 entries"),
        ({"array": ["a", 7]}, "array[1] must be a text"),
        ({"object": "CANARY"}, "object must be an object"),
        ({"object": {}}, "object.inner is required"),
        ({"object": {"inner": 7}}, "object.inner must be a text"),
        ({"colour": "CANARY"}, "colour must be one of red, green"),
        ({"id": "CANARY"}, "id must be small letters"),
        ({"moment": "CANARY"}, "moment must be a moment like 2026-01-31T12:00:00Z"),
        ({"amount": True}, "amount must be a number or a text"),
        ({"amount": 0}, "amount must have a value above 0"),
        ({"amount": 9}, "amount must have a value below 9"),
        ({"once": ["CANARY", "CANARY"]}, "once must have no entry twice"),
        ({"CANARY": 1}, "body has a field that is not known"),
        ({"x" * 41: 1}, "body has a field that is not known"),
        ({"integr": 1}, "integr is not known; did you mean integer?"),
        ({"colour_": None}, "colour_ is not known; did you mean colour?"),
        ({"note": ""}, "note is not known"),
        ({"object": {"inner": "x", "iner": 1}}, "object.iner is not known; did you mean inner?"),
        ({"object": {"inner": "x", "A-1": 1}}, "object has a field that is not known"),
        (["CANARY"], "body must be an object"),
    ],
)
def test_a_broken_rule_is_told_by_the_fields_name(body, said):
    with pytest.raises(InvalidRequest) as refused:
        check(body)
    assert str(refused.value) == said


@pytest.mark.parametrize("body", [{}, {"that": 1}, {"this": 1, "that": 1, "more": 1}])
def test_a_choice_between_forms_is_told_as_a_whole(body):
    with pytest.raises(InvalidRequest, match="either this, or that and more, is required"):
        either(body)


def test_a_body_that_fits_comes_back_as_it_was():
    body = {"integer": 3, "array": ["a"], "object": {"inner": "x"}, "colour": "red"}
    assert check(body) == body
    assert either({"this": 1}) == {"this": 1}


def test_of_several_missing_fields_the_first_is_named():
    with pytest.raises(InvalidRequest, match=r"^one is required$"):
        checker({"type": "object", "required": ["one", "two"]})({})


@pytest.mark.parametrize(
    "rule",
    [
        *({"const": 1}, {"not": {}}, {"anyOf": []}, {"multipleOf": 2}, {"minProperties": 1}),
        *({"patternProperties": {}}, {"dependencies": {}}, {"contains": {}}, {"minimun": 1}),
        *({"format": "email"}, {"pattern": "a"}, {"oneOf": []}, {"additionalProperties": {}}),
    ],
    ids=str,
)
@pytest.mark.parametrize("where", ["itself", "property", "item", "choice"])
def test_a_rule_without_a_message_fails_where_it_is_declared(rule, where):
    schema = {
        "itself": rule,
        "property": {"properties": {"x": rule}},
        "item": {"properties": {"x": {"type": "array", "items": rule}}},
        "choice": {"oneOf": [rule], "description": "one of these"},
    }[where]
    with pytest.raises(ValueError, match=r"no message|no format|need a description|only be"):
        checker(schema)


def test_null_is_as_good_as_absent_where_the_api_says_so():
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
    }
    assert checker(schema, null_is_absent=True)({"a": 1, "b": None}) == {"a": 1}
    with pytest.raises(InvalidRequest, match="a is required"):
        checker(schema, null_is_absent=True)({"a": None})
    with pytest.raises(InvalidRequest, match="b must be a text"):
        checker(schema)({"a": 1, "b": None})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


FIELD = "|".join([*RULES, "body"])
OTHERS = ("a number or a text", "a moment like 2026-01-31T12:00:00Z")
KINDS = "|".join([*_KINDS.values(), *OTHERS, "one of red, green", "small letters"])
BOUNDS = "|".join(words.format("[0-9]") for words in _BOUNDS.values())
NAME = "[a-z][A-Za-z_]{0,39}"
SENTENCE = re.compile(
    rf"({FIELD})(\.inner|\[[0-9]\])?"
    rf" (is required|has a field that is not known|must be ({KINDS})|must have ({BOUNDS}))"
    rf"|(object\.)?{NAME} is not known(; did you mean ({FIELD}|inner)\?)?"
)


@given(st.dictionaries(st.sampled_from(sorted(RULES)) | st.text(), values, max_size=3))
def test_whatever_comes_is_taken_or_refused_in_words_of_ours(body):
    said = refusal(body)
    assert said is None or SENTENCE.fullmatch(said)


def refusal(body):
    try:
        check(body)
    except InvalidRequest as refused:
        return str(refused)
    return None
