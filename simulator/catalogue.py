"""Kraken's names and grids for the pairs that the simulator lists: ids, altnames and decimals of real pairs.

Ticks, lots and minimums are those of `config/instruments.json`; `config/kraken.json` adds what only
Kraken's protocol shows. Quote money is kept and printed to 1e-8, finer than Kraken's four decimals of a
dollar, so that ledgers sum exactly and equal the backtest's integers.
"""

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from config.instruments import grid_for, load
from trading.errors import UsageError
from trading.instruments import Instrument

QUOTE_DECIMALS = 8


class Asset(NamedTuple):
    """A coin or currency."""

    name: str
    """BTC, USD: the name that Ballast uses."""
    id: str
    altname: str
    decimals: int
    """Digits after the point in balances and ledgers."""
    display_decimals: int


class Pair(NamedTuple):
    """A listed pair."""

    id: str
    altname: str
    instrument: Instrument
    base: Asset
    quote: Asset
    cost_decimals: int

    @property
    def name(self) -> str:
        return self.instrument.name

    @property
    def wsname(self) -> str:
        """The old socket's name; REST refuses it."""
        return f"{self.base.altname}/{self.quote.altname}"

    @property
    def price_decimals(self) -> int:
        return -int(self.instrument.tick.normalize().as_tuple().exponent)


class Catalogue:
    """Every pair by any of its spellings."""

    def __init__(self, names: Iterable[str]) -> None:
        self.pairs = {pair.id: pair for pair in map(_pair, names)}
        self.assets = {asset.id: asset for pair in self.pairs.values() for asset in (pair.base, pair.quote)}
        self.scale = {pair.quote.name: QUOTE_DECIMALS for pair in self.pairs.values()} | {
            pair.base.name: pair.instrument.lot_decimals for pair in self.pairs.values()
        }
        """Decimals in which a balance is counted, by asset name: lots of a base, 1e-8 of a quote."""
        self._spelled = {
            spelling: pair for pair in self.pairs.values() for spelling in (pair.name, pair.altname, pair.id)
        }
        self._named = {
            spelling: asset
            for asset in self.assets.values()
            for spelling in (asset.name, asset.altname, asset.id)
        }

    def pair(self, spelling: str) -> Pair | None:
        """The pair of an id, altname or modern name; XBT/USD is refused, as Kraken does since 2026."""
        return self._spelled.get(spelling)

    def asset(self, spelling: str) -> Asset | None:
        return self._named.get(spelling)


def listed(instruments: Iterable[str]) -> Catalogue:
    """The catalogue that lists `instruments` and every reviewed dollar pair beside them."""
    return Catalogue(sorted(set(instruments) | set(load())))


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files("config").joinpath("kraken.json").read_text("utf-8"))
    return document


def _pair(name: str) -> Pair:
    instrument = grid_for(name)
    base, quote = _document()["bases"].get(instrument.base), _document()["quotes"].get(instrument.quote)
    if base is None or quote is None:
        raise UsageError(f"Kraken's names for {name} are not known; add them to config/kraken.json")
    altname = f"{base['altname']}{instrument.quote}"
    return Pair(
        base["pair"] if instrument.quote == "USD" else altname,
        altname,
        instrument,
        Asset(instrument.base, base["asset"], base["altname"], base["decimals"], base["display_decimals"]),
        Asset(
            instrument.quote, quote["asset"], instrument.quote, quote["decimals"], quote["display_decimals"]
        ),
        base["cost_decimals"],
    )
