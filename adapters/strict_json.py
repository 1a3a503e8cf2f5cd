"""JSON of strangers: strict in form, typed in shape; what is odd is damage, never a guess."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from trading.errors import DataError

T = TypeVar("T")


class Damaged(Exception):
    """Not an answer, or not a whole one."""


def plain_json(body: bytes) -> Any:
    """JSON in UTF-8 without doubled names, NaN or infinity; anything else is `Damaged`."""
    try:
        return json.loads(
            body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise Damaged(f"{type(error).__name__} in {len(body)} bytes") from error


def parsed(shape: TypeAdapter[T], what: str, result: Any) -> T:
    """A result in its type; a `DataError` names the first field that does not fit, and no value."""
    try:
        return shape.validate_python(result)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise DataError(f"{what}: {where} does not fit ({first['msg']}); see the stored reply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name twice")
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
