"""Real hours with everything in them: twelve coins from May 2022 on, under rules that act on little.

What a few months of a quiet benchmark would not hold is there by the hundred: stops, fallbacks, partial
fills, denials, hours under a kill switch, and a halt by drawdown that somebody has to approve.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from adapters.bars import BarStore
from adapters.importing.run import import_path
from adapters.published import published
from config import trading
from config.instruments import grid_for
from tests.lively import LIVELY
from tests.replaying import WINDOW_H, Market
from trading.clock import DAY_H, HOUR_S, TradingHour
from trading.codes import VERDICTS
from trading.live.record import Record

COINS = ("ADA", "AVAX", "BCH", "BTC", "DOT", "ETH", "LINK", "LTC", "NEAR", "SOL", "XLM", "XRP")
BEGIN = TradingHour.at(datetime(2022, 5, 8, tzinfo=UTC))
"""Two days before a stablecoin falls and the market with it."""
REVIEW_AFTER_H = 24
"""People take a day to approve."""
STORMY = LIVELY._replace(
    strategy=LIVELY.strategy._replace(p24_enter=0.9, cooldown_h=24, size=0.06),
    execution=LIVELY.execution._replace(entry_offset_ppm=6_000, fallback_slip_max_ppm=12_000),
    limits=LIVELY.limits._replace(
        name_ppm=100_000,
        size_small_ppm=1_000_000,
        drawdown_small_pct=1,
        drawdown_large_pct=2,
        drawdown_halt_pct=2,
        drawdown_hysteresis_pct=1,
    ),
)
"""Limits that often stay open and are then bought a little dearer; a tier and a halt that weeks reach."""

CROWDED = STORMY._replace(
    strategy=STORMY.strategy._replace(p24_enter=0.55, cooldown_h=1, size=0.1),
    limits=STORMY.limits._replace(
        exposure_entry_ppm=900_000,
        exposure_hard_ppm=950_000,
        beta_ppm=2_000_000,
        cluster_ppm=900_000,
        cluster_positions_max=10,
        drawdown_small_pct=4,
        drawdown_large_pct=8,
        drawdown_halt_pct=20,
    ),
)
"""No caps to speak of: two orders an hour, and as many stops."""
STEEP = CROWDED._replace(
    limits=CROWDED.limits._replace(drawdown_small_pct=1, drawdown_large_pct=1, drawdown_halt_pct=1)
)
"""A halt at the first percent."""
CROWDED_H = 885
"""Hours after `BEGIN` of the busiest days, in which that percent is lost within a day."""


def real(folder: Path, data: Path, hours: int, skip_h: int = 0) -> Market:
    """Bars of Binance as Kraken would have published them, to be traded for so many hours, `skip_h` hours
    after `BEGIN`; they reach from a window before it to a day after.
    """
    first = TradingHour(BEGIN.number + skip_h)
    last = TradingHour(first.number + hours + DAY_H)
    source, played = BarStore(folder / "source" / "bars"), BarStore(folder / "bars")
    scale = trading.data_venues()["binance"].volume_scale
    for coin in COINS:
        file = data / "hourly" / "binance" / f"{coin}USDT.parquet"
        now_s = (last.number + 1) * HOUR_S
        import_path(file, "binance", source.root.parent, now_s, lambda *_: None)
        bars = source.read("binance", f"{coin}/USDT", first.number - WINDOW_H - DAY_H, last.number)
        played.write("kraken", f"{coin}/USD", published(bars, grid_for(f"{coin}/USD"), scale))
    return Market(played.root, tuple(f"{coin}/USD" for coin in COINS), first, last)


def happened(record: Record) -> Counter[str]:
    """How often each kind of thing came about in a record: what a replay of it had to get right."""
    decisions = [json.loads(line) for line in record.decisions]
    fills = [json.loads(line) for line in record.fills]
    accounts = [json.loads(line) for line in record.accounts]
    told = Counter(VERDICTS[row["verdict"]] for row in decisions)
    told.update(f"{fill['kind']} filled" for fill in fills)
    told["hours"] = len(accounts)
    told["hours with orders"] = len({row["asof"] for row in decisions if row["approved_lots"]})
    told["orders"] = sum(1 for row in decisions if row["approved_lots"])
    told["filled in part"] = _in_part(decisions, fills)
    told["hours with triggers"] = sum(1 for row in accounts if row["triggers"])
    told["halts"] = sum(1 for a, b in pairwise(accounts) if a["halted"] < b["halted"])
    told["resumes"] = sum(1 for a, b in pairwise(accounts) if a["halted"] > b["halted"])
    return told


def _in_part(decisions: list[dict[str, Any]], fills: list[dict[str, Any]]) -> int:
    """Entries of which some came and some never did."""
    bought: Counter[tuple[str, str]] = Counter()
    for fill in fills:
        bought[fill["asof"], fill["instrument"]] += max(fill["lots"], 0)
    return sum(1 for row in decisions if 0 < bought[row["asof"], row["instrument"]] < row["approved_lots"])
