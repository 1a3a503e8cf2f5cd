"""Every constant, rounding and comparison of a function, changed one at a time."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_PAIRS = (
    *(("min", "max"), ("muldiv_floor", "muldiv_ceil"), ("floor", "ceil"), ("maximum", "minimum")),
    *(("fmax", "fmin"), ("max_horizontal", "min_horizontal"), ("cum_max", "cum_min")),
)
SWAPPED = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


@dataclass(frozen=True)
class Divergence:
    """One change of one place."""

    module: str
    function: str
    """With its class, if any; empty for a constant of the module."""
    place: int
    """Which of the function's places."""
    line: int
    text: str
    """The line, as it is written."""
    what: str
    made: Any
    """The changed code of the function, or the changed value of the constant."""

    @property
    def key(self) -> str:
        """The same as long as the place and the change are."""
        return f"{self.module}:{self.function}:{self.what}:{self.text}:{self.place}"

    @property
    def is_constant(self) -> bool:
        return not isinstance(self.made, CodeType)


class Change(ast.NodeTransformer):
    """Changes the `wanted`-th place of a function, and counts them."""

    def __init__(self, wanted: int, known: Mapping[str, Any]) -> None:
        """`known` are the names that the function may use."""
        self.wanted, self.known = wanted, known
        self.count, self.what, self.line = 0, "", 0

    def _is_it(self, node: Any, what: str) -> bool:
        self.count += 1
        if self.count - 1 == self.wanted:
            self.what, self.line = what, node.lineno
            return True
        return False

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for k, op in enumerate(node.ops):
            other = COMPARISONS.get(type(op))
            if other and self._is_it(node, f"{type(op).__name__} -> {other.__name__}"):
                node.ops[k] = other()
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) in (int, float) and self._is_it(node, f"{node.value!r} changed"):
            return ast.copy_location(ast.Constant(moved(node.value)), node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.FloorDiv) and self._is_it(node, "// rounds up"):
            down = ast.BinOp(ast.UnaryOp(ast.USub(), node.left), ast.FloorDiv(), node.right)
            return ast.copy_location(ast.UnaryOp(ast.USub(), down), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        other = SWAPPED.get(name)
        named = isinstance(node.func, ast.Attribute) or other in self.known or other in ("min", "max")
        if other and named and self._is_it(node, f"{name} -> {other}"):
            if isinstance(node.func, ast.Name):
                node.func.id = other
            elif isinstance(node.func, ast.Attribute):
                node.func.attr = other
        if name == "int" and self._is_it(node, "int rounds up"):
            return ast.copy_location(ast.BinOp(node, ast.Add(), ast.Constant(1)), node)
        return node


def moved(value: Any) -> Any:
    """A whole number by one, a fraction by one per cent."""
    return value + 1 if type(value) is int else value * 1.01 + 1e-9


@cache
def _source(file: str) -> str:
    return Path(file).read_text()


def of_function(function: FunctionType) -> Iterator[Divergence]:
    """Every change of one function of the program."""
    place = 0
    while True:
        change = Change(place, function.__globals__)
        tree = ast.parse(_source(function.__code__.co_filename))
        node = _definition(tree, function.__qualname__)
        node.body = [change.visit(one) for one in node.body]
        if not change.what:
            return
        ast.fix_missing_locations(tree)
        code = _code(compile(tree, function.__code__.co_filename, "exec"), function.__qualname__)
        text = _source(function.__code__.co_filename).splitlines()[change.line - 1].strip()
        yield Divergence(
            function.__module__, function.__qualname__, place, change.line, text, change.what, code
        )
        place += 1


def of_module(name: str, file: str, known: Mapping[str, Any]) -> Iterator[Divergence]:
    """Every number that a module names, changed; `known` are its names."""
    for node in ast.parse(_source(file)).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
        for place, one in enumerate(names):
            if type(known[one]) in (int, float):
                text = _source(file).splitlines()[node.lineno - 1].strip()
                what = f"{one} changed"
                yield Divergence(name, "", place, node.lineno, text, what, moved(known[one]))


def _definition(tree: ast.Module, qualname: str) -> ast.FunctionDef:
    body: list[ast.stmt] = tree.body
    for part in qualname.split("."):
        defined = (node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef))
        found = next(node for node in defined if node.name == part)
        body = found.body
    assert isinstance(found, ast.FunctionDef)
    return found


def _code(module: CodeType, qualname: str) -> CodeType:
    for part in module.co_consts:
        if isinstance(part, CodeType):
            if part.co_qualname == qualname:
                return part
            if qualname.startswith(part.co_qualname + "."):
                return _code(part, qualname)
    raise LookupError(qualname)
