"""Every error class of ours, and those that a step of the workflow declares."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cardvault.errors import CardvaultError


def error_classes(root: type[CardvaultError] = CardvaultError) -> Iterator[type[CardvaultError]]:
    yield root
    for error in root.__subclasses__():
        yield from error_classes(error)


def declared(app: Path) -> set[str]:
    """The names of the errors in `raises` of the app's handler.

    Without loading the app, which would bind its tables.
    """
    tree = ast.parse(app.read_text())
    imports: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    (handler,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    (decorator,) = handler.decorator_list
    assert isinstance(decorator, ast.Call)
    (raises,) = [given.value for given in decorator.keywords if given.arg == "raises"]
    names: dict[str, Any] = {}
    exec(compile(ast.Module(imports, []), str(app), "exec"), names)  # noqa: S102 - our own source
    found = eval(compile(ast.Expression(raises), str(app), "eval"), names)  # noqa: S307 - as above
    return {error.__name__ for error in found}
