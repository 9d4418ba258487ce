"""A deploy reaches the functions behind the API: what is published changes with what is built."""

import pytest

from tests.support.expanded import expand, of_type, source


def versions(parsed=None, **builds):
    """Logical ids of the Lambda versions that a deploy of this build would publish."""
    return set(of_type("AWS::Lambda::Version", expand(parsed or source(), **builds)))


@pytest.mark.parametrize("changed", [{"code": "2"}, {"layer": "2"}])
def test_new_code_and_new_layers_make_new_versions(changed):
    before, after = versions(), versions(**changed)
    assert len(before) == len(after) > 0
    assert not before & after
