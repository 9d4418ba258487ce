"""Which errors a function may raise, read from its source and all it may call.

A name is followed to where it is imported from, an attribute of a module into that module, any
other attribute to every method of that name. So it may find too much; it overlooks only what is
called under no name of its own.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.template import ROOT

PACKAGE = ROOT / "layers/cardvault"
Place = tuple[Path, ast.FunctionDef]


def raised(app: Path) -> set[str]:
    """The class names in every `raise` that the app's handler may come to."""
    methods = _methods(_reachable_modules(app))
    found, seen, ahead = set(), set(), list(_functions(app).values())
    while ahead:
        path, function = ahead.pop()
        if function in seen:
            continue
        seen.add(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Raise) and node.exc:
                found.add(_class_name(node.exc))
            ahead += _called(node, path, methods)
    return found


def _called(node: ast.AST, path: Path, methods: dict[str, list[Place]]) -> Iterator[Place]:
    if isinstance(node, ast.Name):
        yield from _named(node.id, path, methods)
    elif isinstance(node, ast.Attribute):
        module = _imports(path).get(node.value.id) if isinstance(node.value, ast.Name) else None
        if module and module[1] is None:
            yield from _named(node.attr, module[0], methods)
        else:
            yield from methods.get(node.attr, [])


def _named(name: str, path: Path, methods: dict[str, list[Place]]) -> Iterator[Place]:
    if name in _functions(path):
        yield _functions(path)[name]
    elif name in _instances(path):
        maker = _instances(path)[name]
        yield from methods.get(f"{maker}()", [])
        yield from _named(maker, path, methods)
    elif name in _imports(path):
        module, original = _imports(path)[name]
        if original:
            yield from _named(original, module, methods)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _functions(path: Path) -> dict[str, Place]:
    return {node.name: (path, node) for node in _tree(path).body if _is_function(node)}


@cache
def _instances(path: Path) -> dict[str, str]:
    """Module variables that hold what a call made, by its name: `reveal = RevealCards(...)`."""
    return {
        node.targets[0].id: node.value.func.id
        for node in _tree(path).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    }


@cache
def _imports(path: Path) -> dict[str, tuple[Path, str | None]]:
    """What a module calls things of ours -> their module, and their name in it if not itself."""
    found = {}
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cardvault":
            for alias in node.names:
                module = _path(f"{node.module}.{alias.name}")
                place = (module, None) if module.exists() else (_path(node.module), alias.name)
                found[alias.asname or alias.name] = place
    return found


def _path(module: str) -> Path:
    path = PACKAGE / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _reachable_modules(app: Path) -> set[Path]:
    found, ahead = set(), [app]
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            ahead += [module for module, _ in _imports(path).values()]
    return found


def _methods(modules: set[Path]) -> dict[str, list[Place]]:
    """Methods by name; the call of an instance goes by its class: `RevealCards()`."""
    found: dict[str, list[Place]] = {}
    for path in modules:
        for owner in _tree(path).body:
            if isinstance(owner, ast.ClassDef):
                for method in filter(_is_function, owner.body):
                    name = f"{owner.name}()" if method.name == "__call__" else method.name
                    found.setdefault(name, []).append((path, method))
    return found


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef)


def _class_name(raised: ast.expr) -> str:
    named = raised.func if isinstance(raised, ast.Call) else raised
    return named.attr if isinstance(named, ast.Attribute) else named.id
