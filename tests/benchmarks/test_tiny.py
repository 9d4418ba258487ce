"""Each part of `make bench`, at its smallest: it runs to its end and prints its table."""

import pytest

from benchmarks import ON_A_STACK, PARTS

TINY = {
    "calls": {"sizes": (3,)},
    "giftcards": {"histories": (5,)},
    "sealing": {"count": 3},
    "start": {"rounds": 1, "only": "S"},
    "rates": {"redemptions": 4, "cards": 2},
    "polling": {"handling_s": 1},
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_prints_its_table(part, capsys):
    PARTS[part](**TINY[part])
    assert len(rows(capsys)) >= 3


@pytest.mark.embedded
@pytest.mark.parametrize("part", ON_A_STACK)
def test_a_part_on_a_stack_prints_its_table(part, vault, capsys):
    ON_A_STACK[part](vault, **TINY[part])
    assert len(rows(capsys)) >= 2


def rows(capsys):
    """What stands below the line under the header, up to the notes."""
    _, _, below = capsys.readouterr().out.partition("---\n")
    return [line for line in below.splitlines() if not line.startswith("  *")]
