"""A question to a venue that we only compare with: asked once, stored, parsed; no answer stops nothing."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import TypeAdapter

from adapters.http import NoAnswer, NotSent, Wire
from adapters.strict_json import Damaged, parsed, plain_json
from trading.errors import VenueUnavailable

T = TypeVar("T")
HTTP_OK = 200


def fetch(wire: Wire, path: str, fields: Mapping[str, str], shape: TypeAdapter[T]) -> T:
    """The parsed answer; `VenueUnavailable` without one, `DataError` if it has another shape."""
    try:
        reply = wire.get(path, fields)
        content = plain_json(reply.body) if reply.status == HTTP_OK else None
    except (NotSent, NoAnswer, Damaged) as error:
        raise VenueUnavailable(f"{path}: {error}; go on without this comparison") from error
    if content is None:
        raise VenueUnavailable(f"{path}: HTTP {reply.status}; go on without this comparison")
    return parsed(shape, path, content)
