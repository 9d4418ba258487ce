"""Mutants of a module: each is the module with one small thing changed.

A mutant that no test notices shows what the tests do not hold. Source: R. A. DeMillo, R. J. Lipton
and F. G. Sayward, Hints on Test Data Selection, 1978.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
# What only people read, and what only says how a class is built.
_UNTOUCHED_CALLS = {"logger", "report", "ring", "dataclass", "field", "TypeVar", "ParamSpec"}
_UNTOUCHED_FIELDS = {"annotation", "returns", "type_params"}


@dataclass(frozen=True)
class Mutant:
    """The change of that number in a module, and what stands there before and after."""

    path: str
    number: int
    where: str
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        """A name that stays when the file changes elsewhere."""
        return f"{self.path} {self.where}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class _Change:
    """Another node, or None for nothing, in a field of `parent`, or at an index of a list there."""

    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST | None
    where: str

    @property
    def old(self) -> Any:
        there = getattr(self.parent, self.field)
        return there if self.index is None else there[self.index]

    def carry_out(self) -> None:
        if self.index is None:
            setattr(self.parent, self.field, self.new)
        elif self.new is None:
            del getattr(self.parent, self.field)[self.index]
        else:
            getattr(self.parent, self.field)[self.index] = self.new


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Every mutant of a module. `path` only names it."""
    return [
        Mutant(path, number, one.where, one.old.lineno, _told(one.old), _told(one.new))
        for number, one in enumerate(_changes(ast.parse(source)))
    ]


def mutated(source: str, number: int) -> str:
    """The module's source with the change of that number."""
    tree = ast.parse(source)
    list(_changes(tree))[number].carry_out()
    return ast.unparse(ast.fix_missing_locations(tree))


def _told(node: ast.AST | None) -> str:
    text = "nothing" if node is None else " ".join(ast.unparse(node).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def _changes(node: ast.AST, where: str = "module") -> Iterator[_Change]:
    for field, value in ast.iter_fields(node):
        if field in _UNTOUCHED_FIELDS:
            continue
        children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or _is_untouched(child):
                continue
            for new in _instead_of(child):
                yield _Change(node, field, index, new, where)
            if index is not None and field in {"keywords", "decorator_list"}:
                yield _Change(node, field, index, None, where)
            yield from _changes(child, _inside(child, where))


def _inside(node: ast.AST, where: str) -> str:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name if where == "module" else f"{where}.{node.name}"
    return where


def _is_untouched(node: ast.AST) -> bool:
    """Docstrings, imports for types, what is said in errors and logs, formatted text."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).partition(".")[0] in _UNTOUCHED_CALLS
    return isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr)


def _instead_of(node: ast.AST) -> Iterator[ast.AST]:
    yield from _other_expression(node)
    yield from _other_constant(node)
    yield from _other_statement(node)


def _other_expression(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]):
            yield ast.Compare(node.left, [_COMPARED[type(operator)]()], node.comparators)
        case ast.BoolOp(op=ast.And()):
            yield ast.BoolOp(ast.Or(), node.values)
        case ast.BoolOp(op=ast.Or()):
            yield ast.BoolOp(ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp() if type(node.op) in _CALCULATED:
            yield ast.BinOp(node.left, _CALCULATED[type(node.op)](), node.right)
        case ast.IfExp():
            yield ast.IfExp(node.test, node.orelse, node.body)


def _other_constant(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as value):
            yield ast.Constant(f"{value}?")
        case ast.Constant(value=bytes() as value):
            yield ast.Constant(value + b"?")


def _other_statement(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.If():
            yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.Return(value=ast.AST() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield ast.Pass()


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
