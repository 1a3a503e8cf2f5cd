"""How values look outside: money and prices as exact decimal strings, times in UTC, pages, CSV."""

import base64
import binascii
import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from api.problems import Refused
from trading.instruments import amount

PAGE_MAX = 500


class Answer(BaseModel):
    """What the API tells; made from values that are already right."""

    model_config = ConfigDict(frozen=True)


T = TypeVar("T", bound=BaseModel)

Money = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$", examples=["10432.18"])]
"""An exact amount; a JSON number would pass through binary fractions."""


def decimal_text(value: Decimal) -> str:
    """Plain digits without trailing zeros: 0.1, 12, 1000000."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(units: int) -> str:
    """1e-8 of the quote currency as an exact decimal."""
    return decimal_text(amount(units))


class Page(Answer, Generic[T]):
    """A part of a list, newest first, and where the next part begins."""

    items: list[T]
    next: str | None = Field(None, description="Send it as `before` for the next part; null at the end.")


LimitQuery = Annotated[int, Query(ge=1, le=PAGE_MAX)]
BeforeQuery = Annotated[str | None, Query(max_length=300, description="`next` of the part before.")]


def cursor(*parts: str) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode("\0".join(parts).encode()).decode().rstrip("=")


def place(cursor: str, parts: int) -> list[str]:
    """What a cursor was made from; anything else is refused."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise Refused(400, "bad cursor", "send `next` of the part before, unchanged") from error
    found = text.split("\0")
    if len(found) != parts:
        raise Refused(400, "bad cursor", "send `next` of the part before, unchanged")
    return found


def moment(text: str) -> datetime:
    """A time inside a cursor."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(400, "bad cursor", "send `next` of the part before, unchanged") from error
    if time.tzinfo is None:
        raise Refused(400, "bad cursor", "send `next` of the part before, unchanged")
    return time


def csv_file(name: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> StreamingResponse:
    """Rows as a file to download, written as they are read.

    A cell that a spreadsheet would take for a formula is given a leading quote.
    """

    def lines() -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        for number, row in enumerate(chain([header], rows)):
            writer.writerow([_cell(value) for value in row])
            if number % 500 == 499:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()

    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=disposition)


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in "=+@\t\r":
        return "'" + value
    return value
