"""A deploy reaches the functions behind the API: what is published changes with what is built."""

import pytest

from tests.support.template import translated


def versions(code="1", layer="1"):
    """Logical ids of the Lambda versions that a deploy of this build would publish."""
    return {
        name
        for name, resource in translated(code, layer)["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


@pytest.mark.parametrize("changed", [{"code": "2"}, {"layer": "2"}])
def test_new_code_and_new_layers_make_new_versions(changed):
    before, after = versions(), versions(**changed)
    assert len(before) == len(after) > 0
    assert not before & after
