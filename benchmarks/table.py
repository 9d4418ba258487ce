"""Plain tables for the terminal."""

from collections.abc import Sequence


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table with aligned columns."""
    cells = [list(map(str, row)) for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        aligned = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  " + "  ".join(aligned).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
