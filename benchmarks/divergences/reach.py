"""What of the program a proof rests on: every function of `trading` that the names in its code lead to."""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

ELSEWHERE = (
    "trading.features",
    "trading.correlation",
    "trading.models",
    "trading.compiled",
    "trading.records",
)
"""Compiled once and not again for each change: features and correlations, whose numbers have parity tests of
their own; and what packs values or compiles.
"""


def reached(begin: Iterable[FunctionType]) -> list[FunctionType]:
    """`begin` and every function that is called on the way, in the order of their modules and lines."""
    found: dict[int, FunctionType] = {}
    left = list(begin)
    while left:
        function = left.pop()
        if id(function) not in found and is_ours(function):
            found[id(function)] = function
            left += called(function)
    return sorted(found.values(), key=lambda f: (f.__module__, f.__code__.co_firstlineno))


def is_ours(function: FunctionType) -> bool:
    module = function.__module__
    made_by_hand = function.__code__.co_filename.endswith(".py")
    return module.startswith("trading.") and not module.startswith(ELSEWHERE) and made_by_hand


def called(function: FunctionType) -> Iterator[FunctionType]:
    """Functions that a function's code names, and the methods it names of classes it knows."""
    names = set(_names(function.__code__))
    seen = [function.__globals__.get(name) for name in names]
    classes = [one for one in seen if isinstance(one, type)]
    own = function.__qualname__.rpartition(".")[0]
    classes += [one for one in [vars(sys.modules[function.__module__]).get(own)] if isinstance(one, type)]
    yield from (one for one in seen if isinstance(one, FunctionType))
    for cls in classes:
        for name in names & vars(cls).keys():
            yield from _plain(vars(cls)[name])


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


def _plain(member: Any) -> Iterator[FunctionType]:
    inner = getattr(member, "__func__", getattr(member, "fget", member))
    if isinstance(inner, FunctionType):
        yield inner


def numbers_named(functions: Iterable[FunctionType]) -> Iterator[tuple[str, str]]:
    """(module, name) of every number of a module that the functions read, by the module that names it."""
    for function in functions:
        for name in _names(function.__code__):
            if type(function.__globals__.get(name)) in (int, float):
                yield _home_of(function.__module__, name), name


def module_of(name: str) -> tuple[str, dict[str, Any]]:
    """A module's source file and its names."""
    module = sys.modules[name]
    return str(module.__file__), vars(module)


def _home_of(module: str, name: str) -> str:
    """The module that a name was imported from, at last; itself where it was not."""
    for node in ast.parse(Path(module_of(module)[0]).read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and name in {a.name for a in node.names}:
            return _home_of(node.module, name)
    return module
