"""A model is given its table by name; without one it fails by name, not as an error of AWS."""

import pytest
from pynamodb.attributes import UnicodeAttribute

from cardvault.aws import boto_clients, tables
from cardvault.aws.failures import as_cardvault_error
from cardvault.aws.settings import MissingSetting, Settings
from cardvault.aws.unit_of_work import UnitOfWork


@pytest.fixture(autouse=True)
def _somebody(monkeypatch):
    """A client looks for credentials when it is made."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for cached in (boto_clients.session, boto_clients.dynamodb, tables.connection):
        cached.cache_clear()


@pytest.fixture
def letter_record():
    """A model that no other test has put on a table."""

    class LetterRecord(tables.Record):
        class Meta:
            setting = "orders_table"

        key = UnicodeAttribute(hash_key=True)

    return LetterRecord


@pytest.mark.parametrize("environment", [{}, {"ORDERS_TABLE": ""}])
def test_an_absent_setting_is_named_with_its_model(letter_record, environment):
    with pytest.raises(MissingSetting) as missing:
        tables.use(Settings(environment), letter_record)
    assert str(missing.value) == "set ORDERS_TABLE: it names the table of LetterRecord"


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.get("1"),
        lambda model: next(model.query("1")),
        lambda model: next(model.scan()),
        lambda model: model("1").save(),
        lambda model: tables.find(model, "1"),
        lambda model: tables.update_item(model("1"), []),
        lambda model: tables.fetch(lambda get: get.get(model, "1")),
        lambda model: UnitOfWork().save(model("1")),
        lambda model: UnitOfWork().delete(model("1")),
    ],
)
def test_a_model_without_a_table_is_named_whatever_is_done_with_it(letter_record, use):
    with pytest.raises(tables.UnboundModel) as unbound:
        use(letter_record)
    logged = str(as_cardvault_error(unbound.value))
    assert logged == "LetterRecord has no table: add it to tables.use(settings, ...)"


def test_models_given_their_tables_share_one_connection_and_one_client(letter_record):
    tables.use(Settings({"ORDERS_TABLE": "letters"}), letter_record)
    table = letter_record._get_connection()
    assert (table.table_name, table.connection) == ("letters", tables.connection())
    assert table.connection.client is boto_clients.dynamodb()
