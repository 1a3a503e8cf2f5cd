"""Kraken's types: prices, volumes and fees are strings, times and counts are numbers; and how parameters are
read.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.catalogue import Asset, Pair
from simulator.tape import SECOND_NS

E8 = 8
Params = Mapping[str, Any]
Result = dict[str, Any]


class Refusal(Exception):
    """An answer in the `error` list; nothing happened."""


def text(units: int, scale: int, digits: int) -> str:
    """`units` of 10**-scale with `digits` decimals, half up: text(12345, 3, 2) is "12.35"."""
    if digits < scale:
        step = 10 ** (scale - digits)
        units = (2 * abs(units) + step) // (2 * step) * (1 if units >= 0 else -1)
    else:
        units *= 10 ** (digits - scale)
    sign, units = "-" if units < 0 else "", abs(units)
    if digits == 0:
        return f"{sign}{units}"
    whole, part = divmod(units, 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}"


def price_text(pair: Pair, ticks: int, digits: int | None = None) -> str:
    """A price with the pair's decimals, or with more."""
    return text(ticks * pair.instrument.tick_e8, E8, pair.price_decimals if digits is None else digits)


def lots_text(pair: Pair, lots: int) -> str:
    return text(lots, pair.instrument.lot_decimals, pair.instrument.lot_decimals)


def money_text(units: int) -> str:
    """Quote money to 1e-8."""
    return text(units, E8, E8)


def balance_text(asset: Asset, units: int, scale: int) -> str:
    """A balance in the asset's decimals; `scale` are those it is counted in."""
    return text(units, scale, max(asset.decimals, scale))


def flag(params: Params, name: str) -> bool:
    """A boolean however it is spelled; clients write true, True and 1."""
    return str(params.get(name, "")).lower() in {"true", "1", "yes"}


def number(params: Params, name: str, default: int) -> int:
    """A whole number; anything else is a `Refusal`."""
    try:
        return int(params.get(name, default))
    except ValueError as error:
        raise Refusal(f"EGeneral:Invalid arguments:{name}") from error


def decimal(params: Params, name: str) -> Decimal:
    """A plain positive number; relative prices are not known here."""
    try:
        value = Decimal(str(params.get(name, "")))
    except InvalidOperation as error:
        raise Refusal(f"EGeneral:Invalid arguments:{name}") from error
    if not value.is_finite() or value <= 0:
        raise Refusal(f"EGeneral:Invalid arguments:{name}")
    return value


def moment(params: Params, name: str, now_ns: int) -> int:
    """A time in nanoseconds: unix seconds, or +n seconds from now; 0 when unset."""
    given = str(params.get(name, "0") or "0").strip()
    try:
        if given.startswith("+"):
            return now_ns + int(Decimal(given[1:]) * SECOND_NS)
        return int(Decimal(given) * SECOND_NS)
    except (InvalidOperation, ValueError) as error:
        raise Refusal(f"EGeneral:Invalid arguments:{name}") from error


def names(params: Params, name: str) -> list[str]:
    """A comma list; empty when unset."""
    return [part.strip() for part in str(params.get(name) or "").split(",") if part.strip()]


def seconds(time_ns: int) -> float:
    """A time in an order or trade."""
    return time_ns / SECOND_NS


def rfc3339(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_rfc3339(given: str) -> int:
    """Nanoseconds; a `ValueError` for anything else."""
    value = datetime.fromisoformat(given)
    if value.tzinfo is None:
        raise ValueError(f"{given} has no zone")
    return int(value.timestamp() * SECOND_NS)
