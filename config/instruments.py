"""Kraken's grid of the pairs that Ballast knows: tick, lot decimals and minimums, reviewed by hand.

The values are those of Kraken's public pair list in January 2026. Kraken changes them several times a year: a
live session reads the venue's own list at start-up; a backtest uses one grid for all years and says so in its
report. MATIC, EOS and FTM are no longer listed (renamed to POL, A and S); they keep the last grid that was
published for them, so that history with coins that ended can be run.
"""

import json
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from trading.errors import UsageError
from trading.instruments import Instrument, cash


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files("config").joinpath("instruments.json").read_text("utf-8"))
    return document


def load() -> dict[str, Instrument]:
    """Every known pair by name, such as BTC/USD."""
    quote = _document()["quote"]
    return {f"{base}/{quote}": _instrument(base, quote) for base in _document()["grids"]}


def grid_for(name: str) -> Instrument:
    """The instrument of that name; a pair in another quote (BTC/USDT) has the dollar grid of its base."""
    base, _, quote = name.partition("/")
    if base not in _document()["grids"] or not quote:
        raise UsageError(f"no tick and lot size for {name}; add {base} to config/instruments.json")
    return _instrument(base, quote)


def _instrument(base: str, quote: str) -> Instrument:
    grid = _document()["grids"][base]
    return Instrument(
        name=f"{base}/{quote}",
        tick_e8=cash(Decimal(grid["tick"])),
        lot_decimals=grid["lot_decimals"],
        order_min_lots=int(Decimal(grid["order_min"]).scaleb(grid["lot_decimals"])),
        cost_min_e8=cash(Decimal(grid["cost_min"])),
    )
