"""Each model has the keys and indexes of its table in the template, as they are stored."""

import importlib
import pkgutil

import pytest

import cardvault
from cardvault.aws.tables import Record
from tests.support.template import resources, table_definition


def models(root=Record):
    for package in pkgutil.walk_packages(cardvault.__path__, "cardvault."):
        importlib.import_module(package.name)
    for model in root.__subclasses__():
        if model.__module__.startswith("cardvault.") and hasattr(model.Meta, "setting"):
            yield model
        yield from models(model)


TABLES = {
    variable: value["Ref"]
    for function in resources("AWS::Serverless::Function").values()
    for variable, value in function["Properties"]
    .get("Environment", {})
    .get("Variables", {})
    .items()
    if variable.endswith("_TABLE")
}


def keys(schema):
    return {(key["AttributeName"], key["KeyType"]) for key in schema}


@pytest.mark.parametrize("model", sorted(set(models()), key=str), ids=lambda model: model.__name__)
def test_a_model_has_the_keys_of_its_table(model):
    table = table_definition(TABLES[model.Meta.setting.upper()])
    told = model._get_schema()
    assert keys(told["key_schema"]) == keys(table["KeySchema"])
    there = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", ())}
    for index in told["global_secondary_indexes"]:
        assert keys(index["key_schema"]) == keys(there[index["index_name"]]["KeySchema"])
