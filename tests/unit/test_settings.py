"""A variable that is missing or malformed is named at once, and its value never shown."""

from datetime import timedelta

import pytest

from cardvault.aws.settings import MissingSetting, Settings, _Variable

VARIABLES = {
    attribute: variable.name
    for attribute, variable in vars(Settings).items()
    if isinstance(variable, _Variable)
}
UNITS = {"_SECONDS": timedelta(seconds=1), "_HOURS": timedelta(hours=1)}
DURATIONS = {
    attribute: unit
    for attribute, name in VARIABLES.items()
    for ending, unit in UNITS.items()
    if name.endswith(ending)
}
MAY_BE_EMPTY = {"mail_reply_to", "mail_sender", "planted_orders", "published_key_arn"}
OTHERS = {
    "tenants_cards_per_day": ("60", 60),
    "supplier_requests_per_second": ("60", 60),
    "shred_after_days": ("60", 60),
    "shred_after_delivery_days": ("60", 60),
    "erase_after_days": ("60", 60),
    "sandbox_key_allowed": ("yes", True),
}


@pytest.mark.parametrize("attribute", VARIABLES)
def test_a_missing_variable_is_named(attribute):
    with pytest.raises(MissingSetting, match=f"^set {VARIABLES[attribute]}$"):
        getattr(Settings({}), attribute)


@pytest.mark.parametrize("attribute", sorted(set(VARIABLES) - MAY_BE_EMPTY))
def test_an_empty_variable_is_a_missing_one(attribute):
    with pytest.raises(MissingSetting, match=f"^set {VARIABLES[attribute]}$"):
        getattr(Settings({VARIABLES[attribute]: ""}), attribute)


@pytest.mark.parametrize("attribute", sorted(MAY_BE_EMPTY))
def test_what_may_be_empty_is(attribute):
    assert getattr(Settings({VARIABLES[attribute]: ""}), attribute) == ""


@pytest.mark.parametrize("attribute", sorted(DURATIONS))
@pytest.mark.parametrize("raw", ["CANARY", "1.5", "1 s"])
def test_a_malformed_variable_is_named_and_its_value_is_not(attribute, raw):
    with pytest.raises(MissingSetting) as missing:
        getattr(Settings({VARIABLES[attribute]: raw}), attribute)
    assert str(missing.value) == f"set {VARIABLES[attribute]}"
    assert missing.value.__suppress_context__


@pytest.mark.parametrize("attribute", VARIABLES)
def test_a_variable_is_read_by_its_own_name(attribute):
    expected = 60 * DURATIONS[attribute] if attribute in DURATIONS else "60"
    raw, expected = OTHERS.get(attribute, ("60", expected))
    assert getattr(Settings({VARIABLES[attribute]: raw}), attribute) == expected


def test_no_two_settings_share_a_variable():
    assert len(set(VARIABLES.values())) == len(VARIABLES)


def test_the_process_environment_is_read_when_asked(monkeypatch):
    settings = Settings()
    monkeypatch.setenv("ORDERS_TABLE", "first")
    assert settings.orders_table == "first"
    monkeypatch.setenv("ORDERS_TABLE", "second")
    assert settings.orders_table == "second"


def test_settings_do_not_show_the_environment():
    assert "CANARY" not in repr(Settings({"ORDERS_TABLE": "CANARY"}))
