"""Which errors a function may raise, read from its source and all it may call.

A name is followed to where it is imported from, an attribute of a module into that module, any
other attribute to every method of that name. What a `try` catches and does not raise again stays
there. So it may find too much; it overlooks only what is called under no name of its own.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeGuard

from cardvault import errors
from cardvault.errors import CardvaultError
from tests.support.template import ROOT

PACKAGE = ROOT / "layers/cardvault"
Place = tuple[Path, ast.FunctionDef]


def error_classes(root: type[CardvaultError] = CardvaultError) -> Iterator[type[CardvaultError]]:
    yield root
    for error in root.__subclasses__():
        yield from error_classes(error)


def raised(app: Path, route: str | None = None) -> set[str]:
    """The class names of the errors of ours that the app's handler lets out.

    Of a table ROUTES or a `match`, by the last part of a route's path, only that of `route` counts.
    """
    methods = _methods(_reachable_modules(app))
    (start,) = [function for name, function in _functions(app).items() if name == "handler"]
    facts = _facts(start, methods, route)
    found: dict[ast.FunctionDef, set[str]] = {function: set() for function in facts}
    changed = True
    while changed:
        changed = False
        for function, fact in facts.items():
            let_out = fact.let_out(found)
            changed = changed or let_out != found[function]
            found[function] = let_out
    return found[start[1]]


@dataclass
class _Fact:
    """What a function raises and calls, each with the errors that are caught around it."""

    raises: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    calls: list[tuple[Place, frozenset[str]]] = field(default_factory=list)

    def let_out(self, found: dict[ast.FunctionDef, set[str]]) -> set[str]:
        out = {name for name, caught in self.raises if name not in caught}
        for (_, function), caught in self.calls:
            out |= found[function] - caught
        return out


def _facts(
    start: Place, methods: dict[str, list[Place]], route: str | None
) -> dict[ast.FunctionDef, _Fact]:
    found: dict[ast.FunctionDef, _Fact] = {}
    ahead = [start]
    while ahead:
        path, function = ahead.pop()
        if function in found:
            continue
        fact = found[function] = _Fact()
        for node, caught in _inside(function, frozenset(), route):
            if isinstance(node, ast.Raise) and node.exc:
                names = _raised_here(node.exc, function, path)
                fact.raises += [(name, caught) for name in names]
            called = [*_called(node, path, methods), *_of_table(node, path, methods, route)]
            fact.calls += [(place, caught) for place in called]
            ahead += called
    return found


def _inside(
    node: ast.AST, caught: frozenset[str], route: str | None
) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """Every node within, and what is caught around it."""
    if route and is_of_another_route(node, route):
        return
    for name, value in ast.iter_fields(node):
        around = caught
        if isinstance(node, ast.Try) and name == "body":
            around = caught | _caught(node)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child, around
                yield from _inside(child, around, route)


def is_of_another_route(node: ast.AST, route: str) -> bool:
    """Whether it is a case of a `match` for the last part of another route's path."""
    return (
        isinstance(node, ast.match_case)
        and isinstance(node.pattern, ast.MatchValue)
        and ast.literal_eval(node.pattern.value) != route.rpartition("/")[2]
    )


def _caught(node: ast.Try) -> set[str]:
    """The errors of ours that end at this `try`, and their subclasses."""
    families = {error.__name__: error for error in error_classes()}
    found: set[str] = set()
    for handler in node.handlers:
        again = any(isinstance(inner, ast.Raise) and not inner.exc for inner in ast.walk(handler))
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        for kind in kinds if not again else ():
            family = families.get(kind.id) if isinstance(kind, ast.Name) else None
            found |= {error.__name__ for error in error_classes(family)} if family else set()
    return found


def _raised_here(error: ast.expr, function: ast.FunctionDef, path: Path) -> set[str]:
    """The classes a `raise` names: by class, call, variable, a call's answer, or `a or b`."""
    if isinstance(error, ast.BoolOp):
        return {name for value in error.values for name in _raised_here(value, function, path)}
    name = _class_name(error)
    name = getattr(vars(errors).get(name), "__name__", name)
    if name in {known.__name__ for known in error_classes()}:
        return {name}
    within = function
    makers: list[ast.expr | None]
    if isinstance(error, ast.Name):
        makers = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and name in {ast.unparse(to) for to in node.targets}
        ]
    else:
        if name not in _functions(path):
            return set()
        _, within = _functions(path)[name]
        makers = [node.value for node in ast.walk(within) if isinstance(node, ast.Return)]
    made = [maker for maker in makers if isinstance(maker, ast.Call | ast.BoolOp)]
    return {found for maker in made for found in _raised_here(maker, within, path)}


def _of_table(
    node: ast.AST, path: Path, methods: dict[str, list[Place]], route: str | None
) -> Iterator[Place]:
    """What `ROUTES[…]` comes to on the route."""
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "ROUTES" and route:
        (table,) = [
            item.value
            for item in _tree(path).body
            if isinstance(item, ast.Assign | ast.AnnAssign)
            and isinstance(item.value, ast.Dict)
            and ast.unparse(_target(item)) == "ROUTES"
        ]
        names = [ast.literal_eval(name) for name in table.keys if name]
        entries = dict(zip(names, table.values, strict=True))
        for part in ast.walk(entries[route.rpartition("/")[2]]):
            yield from _called(part, path, methods)
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
                yield from methods.get(f"{part.func.id}()", [])


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
    elif name in _classes(path):
        yield from methods.get(f"{name}(…)", [])
    elif name in _imports(path):
        module, original = _imports(path)[name]
        if original:
            yield from _named(original, module, methods)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _functions(path: Path) -> dict[str, Place]:
    return {node.name: (path, node) for node in filter(_is_function, _tree(path).body)}


@cache
def _classes(path: Path) -> set[str]:
    return {node.name for node in _tree(path).body if isinstance(node, ast.ClassDef)}


@cache
def _instances(path: Path) -> dict[str, str]:
    """Module variables that hold what a call made, by its name: `reveal = RevealCards(...)`."""
    return {
        node.targets[0].id: node.value.func.id
        for node in _tree(path).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    }


@cache
def _imports(path: Path) -> dict[str, tuple[Path, str | None]]:
    """What a module calls things of ours -> their module, and their name in it if not itself."""
    found: dict[str, tuple[Path, str | None]] = {}
    for node in ast.walk(_tree(path)):
        source = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        if isinstance(node, ast.ImportFrom) and source.split(".")[0] == "cardvault":
            for alias in node.names:
                module = _path(f"{source}.{alias.name}")
                place = (module, None) if module.exists() else (_path(source), alias.name)
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
    """Methods by name; the call of an instance goes by its class: `RevealCards()`.

    What runs when one is made goes by `RevealCards(…)`.
    """
    found: dict[str, list[Place]] = {}
    for path in modules:
        for owner in _tree(path).body:
            if isinstance(owner, ast.ClassDef):
                for method in filter(_is_function, owner.body):
                    special = {"__call__": f"{owner.name}()"}
                    made = {"__init__", "__post_init__"}
                    special |= dict.fromkeys(made, f"{owner.name}(…)")
                    name = special.get(method.name, method.name)
                    found.setdefault(name, []).append((path, method))
    return found


def _is_function(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef)


def _target(assignment: ast.Assign | ast.AnnAssign) -> ast.expr:
    if isinstance(assignment, ast.AnnAssign):
        return assignment.target
    return assignment.targets[0]


def _class_name(raised: ast.expr) -> str:
    named = raised.func if isinstance(raised, ast.Call) else raised
    return named.attr if isinstance(named, ast.Attribute) else ast.unparse(named)
