"""What a decision at an asof may see, as bytes that are named by their content.

A sight is a view of the market and what every policy advises at that asof. Its bytes are one line of
canonical JSON and the packed records behind it, so equal sights have equal names on every machine.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from trading.backtest.contest import advise
from trading.backtest.inputs import Scene, blocks, scene
from trading.clock import DAY_H, TradingHour
from trading.codes import REFUSED
from trading.config import DataVenue, ExecutionRules, canonical_json
from trading.execution.entering import SEND_BY
from trading.instruments import Instrument
from trading.market import Grid
from trading.models.protocol import Predictions
from trading.portfolio import Market, Reading, Signal, View
from trading.records import blank, dtype_of, packed, unpacked
from trading.universe import UniverseLists, UniverseRules, eligibility

ONLINE = "online"
LISTING = "listing"
"""What the venue itself says of its pairs, as an observation."""
MISSING_H_MAX = DAY_H
"""Hours of bitcoin that a whole window may lack."""
PRICES = ("open", "high", "low", "close", "volume")


class Lateness(StrEnum):
    """How late an hour began: in time, too late for entries, or after its end."""

    NONE = "none"
    LATE = "late"
    OVER = "over"

    @classmethod
    def of(cls, hour: TradingHour, now: datetime) -> "Lateness":
        if now >= hour.next.asof:
            return cls.OVER
        return cls.LATE if now > hour.asof + SEND_BY else cls.NONE


class MarketRules(NamedTuple):
    """The reviewed values that features and universe depend on, and the venue's grids."""

    instruments: Mapping[str, Instrument]
    venue: DataVenue
    lists: UniverseLists
    universe: UniverseRules
    execution: ExecutionRules


class Advice(NamedTuple):
    """What one policy says at this asof."""

    kind: int
    portfolio_rules_only: int
    acting: int
    """1 at the hours at which it may act."""
    signals: list[Signal]


class Sight(NamedTuple):
    """The market at one asof, for everybody."""

    instruments: tuple[str, ...]
    view: View
    release: str
    """Of the predictions in the view; empty without."""
    advice: Mapping[str, Advice]
    """By policy."""

    def signals(self, policy: str) -> list[Signal]:
        """What the policy advises, or nothing where the release decides."""
        return self.advice[policy].signals if policy in self.advice else self.nothing

    @property
    def nothing(self) -> list[Signal]:
        return blank(Signal, len(self.instruments))

    def dump(self) -> bytes:
        policies = sorted(self.advice)
        head = {
            "instruments": self.instruments,
            "release": self.release,
            "advice": {name: self.advice[name][:3] for name in policies},
        }
        market, readings = [self.view.market], list(self.view.readings)
        parts = [packed(Market, market), packed(Reading, readings)]
        parts += [packed(Signal, self.advice[name].signals) for name in policies]
        return b"".join([canonical_json(head), b"\n", *(rows.tobytes() for rows in parts)])

    @classmethod
    def parse(cls, content: bytes) -> "Sight":
        line, _, rest = content.partition(b"\n")
        head: dict[str, Any] = json.loads(line)
        count, body = len(head["instruments"]), BytesIO(rest)
        market = _rows(Market, 1, body)[0]
        view = View(market, _rows(Reading, count, body))
        advice = {
            name: Advice(kind, ruled, acting, _rows(Signal, count, body))
            for name, (kind, ruled, acting) in sorted(head["advice"].items())
        }
        return cls(tuple(head["instruments"]), view, head["release"], advice)


def _rows(record: Any, count: int, body: BytesIO) -> list[Any]:
    layout = dtype_of(record)
    return unpacked(record, np.frombuffer(body.read(count * layout.itemsize), dtype=layout))


def dump_grid(grid: Grid) -> bytes:
    """A window as bytes: a line of canonical JSON, then each array in the order of `PRICES`, then `stale`."""
    head = {"venue": grid.venue, "instruments": grid.instruments, "first": grid.first, "hours": grid.hours}
    columns: Iterable[Any] = (*(getattr(grid, name) for name in PRICES), grid.stale)
    return b"".join([canonical_json(head), b"\n", *(np.ascontiguousarray(c).tobytes() for c in columns)])


def parse_grid(content: bytes) -> Grid:
    line, _, rest = content.partition(b"\n")
    head = json.loads(line)
    shape, body = (head["hours"], len(head["instruments"])), BytesIO(rest)
    size = shape[0] * shape[1]
    columns = {name: np.frombuffer(body.read(8 * size)).reshape(shape) for name in PRICES}
    stale = np.frombuffer(body.read(size), dtype=np.bool_).reshape(shape)
    return Grid(head["venue"], tuple(head["instruments"]), head["first"], **columns, stale=stale)


def derived(window: bytes, rules: MarketRules) -> Scene:
    """Everything that is derived once from a window, by the functions of the backtest."""
    grid = parse_grid(window)
    held = eligibility(grid, rules.lists, rules.universe, rules.venue.volume_scale)
    instruments = [rules.instruments[name] for name in grid.instruments]
    return scene(grid, instruments, rules.venue, held, grid.last)


def view_of(
    market: Scene,
    hour: TradingHour,
    rules: ExecutionRules,
    lateness: Lateness,
    predictions: Predictions | None = None,
) -> View:
    """The view at asof. An hour that began too late for entries counts as one whose data were refused: exits
    and stops go on; one that is over already is observed and nothing more.
    """
    (block,) = blocks(market, hour.number, hour.number, rules, predictions)
    view = View(unpacked(Market, block.market)[0], unpacked(Reading, block.readings[0]))
    if lateness is Lateness.LATE:
        view.market.refused = REFUSED
    if lateness is Lateness.OVER:
        view.market.missed = 1
    return view


def lacks_history(grid: Grid) -> bool:
    """The window has just begun: more than outages explain of bitcoin is missing in it."""
    return int((~grid.valid[:, grid.btc]).sum()) > MISSING_H_MAX


def keep_to_listing(
    view: View, instruments: Sequence[str], listing: Mapping[str, Any], spread_max: float
) -> None:
    """Let nobody into what the venue's own list shows as not online, or its book as too wide."""
    for name, reading in zip(instruments, view.readings, strict=True):
        row = listing.get(name)
        if row is not None and (row["status"] != ONLINE or not row["spread"] <= spread_max):
            reading.eligible = 0


def advice_of(policy: str, market: Scene, hour: TradingHour) -> Advice:
    """What a policy says at this asof; it acts at midnights only."""
    nature = advise(policy, market)
    acting = int((hour.number - nature.advice.day_first) % DAY_H == 0)
    return Advice(
        nature.kind,
        int(nature.portfolio_rules_only),
        acting,
        unpacked(Signal, nature.advice.days[-1]),
    )
