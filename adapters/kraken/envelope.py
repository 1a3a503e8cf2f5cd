"""Kraken's envelope, `{"error": [...], "result": ...}`, around every answer."""

from typing import Any, NamedTuple

from adapters.strict_json import Damaged, plain_json


class Envelope(NamedTuple):
    """An answer that has the shape of one."""

    errors: tuple[str, ...]
    result: Any
    """None beside an error; numbers with a point are `Decimal`."""


def opened(body: bytes) -> Envelope:
    """The envelope of a body; anything else is `Damaged`."""
    content = plain_json(body)
    if not isinstance(content, dict) or not isinstance(content.get("error"), list):
        raise Damaged("no list of errors in it")
    errors = content["error"]
    if not all(isinstance(error, str) and error for error in errors):
        raise Damaged("an error that is no text")
    result = content.get("result")
    if result is None and not any(not error.startswith("W") for error in errors):
        raise Damaged("neither an error nor a result")
    return Envelope(tuple(errors), result)
