"""One declaration, two forms: a plain object with fields in the live hour, a row of a packed array in a
compiled loop.

A record class declares integers, floats and flags only. `position.lots` reads and writes the same way on
both forms, so the functions of a decision are written once. Packed arrays and records are handed to compiled
functions by reference.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, NewType, TypeVar, get_type_hints

import numpy as np

R = TypeVar("R")

Flag = NewType("Flag", int)
"""A small integer: a yes or no, or a few bits. One byte where it is packed."""

_TYPES = {int: np.int64, float: np.float64, Flag: np.int8}


@cache
def dtype_of(record: type) -> np.dtype[Any]:
    """The packed layout of a record class; anything but int, float and Flag is a `KeyError`."""
    return np.dtype([(name, _TYPES[kind]) for name, kind in get_type_hints(record).items()])


def table(record: type, *shape: int) -> Any:
    """A packed array of zeroed records; stands wherever a sequence of them is declared."""
    return np.zeros(shape, dtype=dtype_of(record))


def packed(record: type[R], rows: Iterable[R]) -> Any:
    """Plain records as a packed array, which stands wherever a sequence of them is declared."""
    layout: type = record
    names = fields(layout)
    return np.array([tuple(getattr(row, name) for name in names) for row in rows], dtype=dtype_of(layout))


def packed_one(record: R) -> Any:
    """One plain record as a packed one, passed by reference."""
    return packed(type(record), [record])[0]


def unpacked(record: type[R], rows: Any) -> list[R]:
    """A packed array, or one row of a table of them, as plain records."""
    return [record(*row) for row in rows.tolist()]


def unpacked_one(record: type[R], row: Any) -> R:
    return record(*row.item())


def blank(record: type[R], count: int) -> list[R]:
    """Plain records with every field zero."""
    return unpacked(record, table(record, count))


def fields(record: type) -> tuple[str, ...]:
    return tuple(get_type_hints(record))
