"""The state of the bar store, instrument by instrument, for people and scripts."""

from datetime import datetime
from typing import Any

import polars as pl

from adapters.bars import BarStore
from adapters.coverage import Coverage, coverage, deviation
from adapters.importing.manifest import describe
from trading.clock import HOUR_S, TradingHour

GENERATED = "generated"
"""The venue of made-up bars, with which no real price can be compared."""
DOLLARS = ("USD", "USDT", "USDC")

Closes = dict[tuple[str, str], pl.DataFrame]


def survey(store: BarStore, venues: list[str], now: datetime) -> list[dict[str, Any]]:
    """One JSON object for every instrument of `venues`.

    Beside what `manifest.describe` gives: venue, instrument, longest_gap_h, age_h (of the last bar, now),
    behind_newest_h (against the newest bar of any venue), and deviations (venue, instrument, hours,
    median_bp, p99_bp, same_quote) against the same base in dollars at other venues.
    """
    closes: Closes = {}
    held: dict[tuple[str, str], Coverage] = {}
    for venue in store.venues():
        for instrument in store.instruments(venue):
            bars = store.read(venue, instrument)
            held[venue, instrument] = coverage(instrument, bars)
            if venue != GENERATED:
                closes[venue, instrument] = bars.select("asof", "close")
    newest = max((known.last for known in held.values()), default=0)
    return [
        {
            "venue": venue,
            "instrument": instrument,
            **describe(known),
            "longest_gap_h": known.longest_gap_h,
            "age_h": round(TradingHour(known.last).staleness_s(now) / HOUR_S, 1),
            "behind_newest_h": newest - known.last,
            "deviations": _deviations(venue, instrument, closes),
        }
        for (venue, instrument), known in held.items()
        if venue in venues
    ]


def _deviations(venue: str, instrument: str, closes: Closes) -> list[dict[str, Any]]:
    if (venue, instrument) not in closes:
        return []
    found = []
    for (other_venue, other), bars in closes.items():
        if other_venue == venue or not _comparable(instrument, other):
            continue
        apart = deviation(closes[venue, instrument], bars)
        if apart:
            same_quote = instrument.split("/")[1] == other.split("/")[1]
            identity = {"venue": other_venue, "instrument": other, "same_quote": same_quote}
            figures = {"median_bp": round(apart.median_bp, 2), "p99_bp": round(apart.p99_bp, 2)}
            found.append(identity | {"hours": apart.hours} | figures)
    return found


def _comparable(one: str, other: str) -> bool:
    base, quote = one.split("/")
    other_base, other_quote = other.split("/")
    return base == other_base and (quote == other_quote or {quote, other_quote} <= set(DOLLARS))
