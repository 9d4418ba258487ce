"""`make mutants`: what it changes, and that it tells a mutant that dies from one that survives."""

import ast
from pathlib import Path

import pytest

from tests.mutation import __main__ as driver
from tests.mutation.mutations import mutants_of, mutated

GUARD = '''
"""A docstring stays."""
def may(age: int, *, name: str = "none") -> bool:
    """So does this one."""
    if age < 18 and not name:
        raise ValueError("said to people")
    return bool(age)
'''


def changes(source):
    return {f"{mutant.before} -> {mutant.after}" for mutant in mutants_of("m.py", source)}


def test_every_small_change_of_a_function_is_a_mutant():
    assert changes(GUARD) >= {
        "age < 18 -> age <= 18",
        "18 -> 19",
        "age < 18 and (not name) -> age < 18 or not name",
        "not name -> name",
        "raise ValueError('said to people') -> pass",
        "return bool(age) -> return None",
        "'none' -> 'none?'",
    }


@pytest.mark.parametrize("text", ["docstring", "so does"])
def test_what_only_people_read_is_left_alone(text):
    assert not any(text in change.lower().partition(" -> ")[0] for change in changes(GUARD))


@pytest.mark.parametrize("source", [GUARD, Path(driver.__file__).read_text()])
def test_each_mutant_is_a_module_that_differs(source):
    original = ast.unparse(ast.parse(source))
    for mutant in mutants_of("m.py", source):
        ast.parse(mutated(source, mutant.number))
        assert mutated(source, mutant.number) != original


def test_a_mutant_is_named_alike_wherever_its_lines_are():
    moved = [str(mutant) for mutant in mutants_of("m.py", "import os\n\n" + GUARD)]
    assert moved == [str(mutant) for mutant in mutants_of("m.py", GUARD)]


@pytest.mark.parametrize(
    ("sees", "survives"), [("assert may(17)", True), ("assert not may(18)", False)]
)
def test_a_mutant_dies_by_a_test_that_sees_it(tmp_path, sees, survives):
    package = tmp_path / "cardvault"
    package.mkdir()
    source = "def may(age):\n    return age < 18\n"
    (package / "guard.py").write_text(source)
    test = tmp_path / "test_guard.py"
    test.write_text(f"from cardvault.guard import may\n\ndef test_it():\n    {sees}\n")
    mutant = next(one for one in mutants_of("guard.py", source) if one.after == "age <= 18")
    assert driver.survives(mutant, {("guard.py", 2): [str(test)]}, tmp_path) == survives
    assert (package / "guard.py").read_text() == source


@pytest.mark.parametrize(("wanted", "survives"), [("age > 0", True), ("age == 18", False)])
def test_a_mutant_that_renames_its_tests_is_judged_by_them(tmp_path, wanted, survives):
    package = tmp_path / "cardvault"
    package.mkdir()
    (package / "ages.py").write_text("LEAST = 18\n")
    test = tmp_path / "test_ages.py"
    test.write_text(
        "import pytest\nfrom cardvault.ages import LEAST\n\n"
        f"@pytest.mark.parametrize('age', [LEAST])\ndef test_it(age):\n    assert {wanted}\n"
    )
    (mutant,) = mutants_of("ages.py", "LEAST = 18\n")
    ran = {("ages.py", 1): [f"{test}::test_it[18]"]}
    assert driver.survives(mutant, ran, tmp_path) == survives


def test_what_is_explained_is_a_mutant_still_and_has_a_reason():
    known = {str(mutant) for mutant in driver.draw(10**6, seed=1)}
    explained = driver.explanations()
    assert set(explained) - known == set()
    assert all(len(why) > 20 for why in explained.values())
